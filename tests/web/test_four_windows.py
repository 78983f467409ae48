"""Four windows on one conversation, two of them of one person and one without a network for a while: all agree."""

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until
from tests.web.browser import Visitors, connected, message, write

SHOWN = """() => [...document.querySelectorAll(".stream .message")].map((item) => ({
  id: item.dataset.message,
  seq: Number(item.dataset.seq),
  author: item.dataset.authorId,
  status: item.dataset.status,
  content: item.querySelector(".content")?.textContent.trim() ?? null,
  edited: Boolean(item.querySelector(".edited")),
  deleted: Boolean(item.querySelector(".tombstone")),
  pinned: Boolean(item.querySelector(".pin-mark")),
  reactions: [...item.querySelectorAll(".reaction")].map(
    ({ dataset }) => [dataset.emoji, dataset.actors.split(" ").sort()]),
}))"""
Message = dict[str, Any]


class Network:
    """The network of one window: when it is away nothing goes through, and what was open is cut."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._open: list[WebSocketRoute] = []
        self.is_away = False

    async def watch(self) -> None:
        """Stand between the window and the server; before it opens anything."""
        await self._page.route_web_socket("**/api/v1/live", self._through)

    async def _through(self, route: WebSocketRoute) -> None:
        if self.is_away:
            await route.close()
            return
        self._open.append(route)
        route.connect_to_server()

    async def go_away(self) -> None:
        self.is_away = True
        await self._page.context.set_offline(offline=True)
        for route in self._open:
            await route.close()

    async def come_back(self) -> None:
        self.is_away = False
        await self._page.context.set_offline(offline=False)


async def _shown(page: Page) -> list[Message]:
    found: list[Message] = await page.evaluate(SHOWN)
    return found


def _stored(item: dict[str, Any]) -> Message:
    """A message of the API, as a window shows it."""
    return {
        "id": item["id"],
        "seq": item["seq"],
        "author": item["author"]["id"],
        "status": "sent",
        "content": None if item["deleted_at"] else item["content"],
        "edited": item["edited_at"] is not None and item["deleted_at"] is None,
        "deleted": item["deleted_at"] is not None,
        "pinned": item["pinned_at"] is not None,
        "reactions": [[emoji, sorted(one["id"] for one in who)] for emoji, who in item["reactions"].items()],
    }


@pytest.mark.rule("X1")
@pytest.mark.rule("X2")
async def test_four_windows_agree_with_each_other_and_with_the_server(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("ERR_INTERNET_DISCONNECTED", "WebSocket")
    where, bob, eve = await server.general(org), await org.add(), await org.add()
    one, other, bobs, eves = [
        await (await visitors.context(who, once=True)).new_page() for who in (org.owner, org.owner, bob, eve)
    ]
    windows = (one, other, bobs, eves)
    network = Network(eves)
    await network.watch()
    for page in windows:
        await page.goto(f"/c/{where}")
        await connected(page)
    await asyncio.gather(*(write(page, f"at once {number}") for number, page in enumerate(windows)))
    for page in windows:
        await expect(page.locator(".stream .message[data-status='sent']")).to_have_count(4)

    await network.go_away()
    await expect(eves.locator("html")).to_have_attribute("data-live", "away")
    await write(eves, "from the tunnel")
    await expect(message(eves, "from the tunnel")).to_have_attribute("data-status", "failed")
    await asyncio.gather(*(write(page, f"meanwhile {number}") for number, page in enumerate(windows[:3])))
    await expect(one.locator(".stream .message[data-status='sent']")).to_have_count(7)
    await _edit_the_last(one, "thought better of it")
    await _react(bobs, "at once 3")
    await _choose(other, "at once 1", "Delete")
    await other.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await _choose(bobs, "at once 2", "Pin")
    await network.come_back()

    told = await until(lambda: _agreed(windows))
    answer = (await org.owner.api.get(f"/conversations/{where}/messages", params={"limit": 50})).raise_for_status()
    assert told == sorted((_stored(item) for item in answer.json()["items"]), key=lambda item: item["seq"])
    contents = [item["content"] for item in told if not item["deleted"]]
    assert sorted(contents) == sorted(set(contents))  # nothing twice
    assert {"from the tunnel", "thought better of it", "at once 0", "at once 2", "at once 3"} <= set(contents)
    assert (len(told), [item["content"] for item in told].count(None)) == (8, 1)
    for member in (org.owner, bob, eve):
        await until(partial(_is_read, member.api, where))
    for page in windows:
        await expect(page.locator(f"crew-sidebar a[data-conversation='{where}'] .count")).to_be_hidden()
    await bobs.reload()
    assert await _shown(bobs) == told


async def _agreed(windows: tuple[Page, ...]) -> list[Message]:
    """What all windows show, when it is the same and nothing is under way."""
    seen = [await _shown(page) for page in windows]
    is_settled = len({json.dumps(one) for one in seen}) == 1 and all(one["status"] == "sent" for one in seen[0])
    return seen[0] if is_settled and len(seen[0]) >= 8 else []


async def _is_read(api: Any, where: str) -> bool:
    return bool((await api.get(f"/conversations/{where}")).raise_for_status().json()["unread"] == 0)


async def _edit_the_last(page: Page, text: str) -> None:
    await page.locator(".stream crew-composer textarea").press("ArrowUp")
    field = page.get_by_label("Edit the message")
    await field.fill(text)
    await field.press("Enter")
    await expect(message(page, text).locator(".edited")).to_be_visible()


async def _react(page: Page, text: str) -> None:
    await message(page, text).hover()
    await message(page, text).get_by_label("Add a reaction").click()
    await page.get_by_role("button", name="thumbs up").click()
    await expect(message(page, text).locator(".reaction")).to_be_visible()


async def _choose(page: Page, text: str, item: str) -> None:
    await message(page, text).hover()
    await message(page, text).get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name=item, exact=True).click()
