"""A very long message takes little room until its reader wants all of it."""

import httpx
import pytest
from playwright.async_api import Locator, Page, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected, message, write

LINK = "[the very end](https://example.org/end)"
LONG = "\n\n".join(f"Paragraph {number} and some words, as people write them." for number in range(300)) + f"\n\n{LINK}"
FOLDED_PX = 600


async def _post(api: httpx.AsyncClient, channel: str, content: str) -> int:
    answer = await api.post(f"/conversations/{channel}/messages", json={"content": content})
    seq: int = answer.raise_for_status().json()["seq"]
    return seq


async def _height(place: Locator) -> float:
    box = await place.bounding_box()
    assert box
    return box["height"]


async def _top(place: Locator) -> float:
    box = await place.bounding_box()
    assert box
    return box["y"]


async def _expect_following(page: Page) -> None:
    await page.wait_for_function(
        "() => { const s = document.querySelector('.stream .scroller');"
        " return s.scrollHeight - s.scrollTop - s.clientHeight < 5; }"
    )


@pytest.mark.parametrize("live", [False, True])
async def test_it_is_unfolded_and_folded_again(visitors: Visitors, server: Server, org: Org, live: bool):
    channel = await server.channel(org.owner)
    if not live:
        await _post(org.owner.api, channel, LONG)
    page = await visitors.visit(f"/c/{channel}", await org.add())
    await connected(page)
    if live:
        await _post(org.owner.api, channel, LONG)
    said = message(page, "Paragraph 7 and")
    more, less = said.get_by_text("Show more"), said.get_by_text("Show less")
    await expect(more).to_be_visible()
    await expect(less).to_be_hidden()
    assert await _height(said) < FOLDED_PX
    await _expect_following(page)
    place = await _top(said)

    await more.click()
    await expect(less).to_be_attached()
    await expect(more).to_be_hidden()
    assert await _height(said) > 10 * FOLDED_PX
    assert await _top(said) == place, "who unfolds reads on from there"
    await _post(org.owner.api, channel, "after it")
    await expect(message(page, "after it")).to_be_attached()
    assert await _top(said) == place

    await less.click()
    await expect(more).to_be_in_viewport()
    assert await _height(said) < FOLDED_PX


async def test_it_stays_unfolded_when_somebody_reacts(visitors: Visitors, server: Server, org: Org):
    channel = await server.channel(org.owner)
    sent = await org.owner.api.post(f"/conversations/{channel}/messages", json={"content": LONG})
    page = await visitors.visit(f"/c/{channel}", org.owner)
    await connected(page)
    said = message(page, "Paragraph 7 and")
    summary = said.locator(".fold > summary")
    await summary.focus()
    await page.keyboard.press("Enter")
    await expect(said.get_by_text("Show less")).to_be_attached()
    await org.owner.api.put(f"/conversations/{channel}/messages/{sent.json()['id']}/reactions/👍")
    await expect(said.locator(".reaction")).to_have_count(1)
    assert await _height(said) > 10 * FOLDED_PX
    await expect(summary).to_be_focused()
    await page.keyboard.press(" ")
    await expect(said.get_by_text("Show more")).to_be_visible()


async def test_a_link_far_down_is_shown_to_whoever_comes_to_it_by_key(visitors: Visitors, server: Server, org: Org):
    channel = await server.channel(org.owner)
    await _post(org.owner.api, channel, LONG)
    page = await visitors.visit(f"/c/{channel}", org.owner)
    said = message(page, "Paragraph 7 and")
    await expect(said.get_by_role("link", name="the very end")).not_to_be_in_viewport()
    await said.focus()
    await page.keyboard.press("Tab")
    await expect(said.get_by_role("link", name="the very end")).to_be_focused()
    await expect(said.get_by_role("link", name="the very end")).to_be_in_viewport()


async def test_a_link_to_it_and_to_what_comes_after_it_works(visitors: Visitors, server: Server, org: Org):
    channel = await server.channel(org.owner)
    before = await _post(org.owner.api, channel, "before it")
    at = await _post(org.owner.api, channel, LONG)
    for number in range(30):
        await _post(org.owner.api, channel, f"after {number}")
    for seq, text in ((before, "before it"), (at, "Paragraph 7 and"), (at + 3, "after 2")):
        page = await visitors.visit(f"/c/{channel}?at={seq}", org.owner)
        await expect(message(page, text).first).to_have_attribute("data-found", "")
        await expect(message(page, text).first.locator(".author, .content").last).to_be_in_viewport()
        await page.close()


async def test_its_earlier_versions_are_folded_each_by_itself(visitors: Visitors, server: Server, org: Org):
    channel = await server.channel(org.owner)
    sent = await org.owner.api.post(f"/conversations/{channel}/messages", json={"content": LONG})
    path = f"/conversations/{channel}/messages/{sent.json()['id']}"
    for content in (LONG + "\n\nand more", "Never mind."):
        (await org.owner.api.patch(path, json={"content": content})).raise_for_status()
    page = await visitors.visit(f"/c/{channel}", org.owner)
    await message(page, "Never mind.").locator(".edited").click()
    first, second, last = (page.locator("#history .version").nth(place) for place in range(3))
    await expect(last.locator(".prose")).to_have_text("Never mind.")
    await expect(last.locator(".fold")).to_have_count(0)
    assert await _height(first) < FOLDED_PX
    await first.get_by_text("Show more").click()
    await expect(first.get_by_text("Show less")).to_be_attached()
    assert await _height(first) > 10 * FOLDED_PX
    assert await _height(second) < FOLDED_PX
    await first.get_by_text("Show less").click()
    await expect(first.get_by_text("Show more")).to_be_visible()
    assert await _height(first) < FOLDED_PX


async def test_without_scripts_it_unfolds_as_well(visitors: Visitors, server: Server, org: Org):
    channel = await server.channel(org.owner)
    await _post(org.owner.api, channel, LONG)
    page = await visitors.visit(f"/c/{channel}", org.owner, java_script_enabled=False)
    said = message(page, "Paragraph 7 and")
    assert await _height(said) < FOLDED_PX
    await said.get_by_text("Show more").click()
    await expect(said.get_by_text("Show less")).to_be_attached()
    assert await _height(said) > 10 * FOLDED_PX


async def test_a_short_one_is_not_folded_and_a_long_one_is_not_read_out(visitors: Visitors, server: Server, org: Org):
    channel = await server.channel(org.owner)
    page = await visitors.visit(f"/c/{channel}", await org.add())
    await connected(page)
    await write(page, "short")
    await expect(message(page, "short")).to_have_attribute("data-status", "sent")
    await expect(message(page, "short").locator(".fold")).to_have_count(0)
    await _post(org.owner.api, channel, LONG)
    announcer = page.locator("[data-announcer]")
    await expect(announcer).to_contain_text("Paragraph 0")
    assert len(await announcer.inner_text()) < FOLDED_PX
