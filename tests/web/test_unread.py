"""Unread counts, the line above what is new, the read mark."""

import re

from playwright.async_api import Locator, Page, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until
from tests.web.browser import Visitors, connected, message, write


def _count(page: Page, conversation: str) -> Locator:
    return page.locator(f"crew-sidebar a[data-conversation='{conversation}'] .count")


async def test_counts_rise_live_and_fall_when_seen(visitors: Visitors, server: Server, org: Org):
    general, member, reader = await server.general(org), await org.add(), await org.add()
    channel = await server.channel(org.owner)
    for who, where in ((member, channel), (reader, channel), (reader, general)):
        (await who.api.post(f"/conversations/{where}/join")).raise_for_status()
    page = await visitors.visit(f"/c/{general}", reader)  # who sees no #audit, where things are told meanwhile
    await connected(page)
    badge = _count(page, channel)
    await expect(badge).to_be_hidden()
    for text in ("one", "two"):
        (await member.api.post(f"/conversations/{channel}/messages", json={"content": text})).raise_for_status()
    await expect(badge).to_have_attribute("data-count", "2")
    await expect(page).to_have_title(re.compile(r"^\(2\) "))
    await page.reload()
    await expect(badge).to_have_attribute("data-count", "2")
    await page.locator(f"crew-sidebar a[href='/c/{channel}']").click()
    await expect(message(page, "two")).to_be_visible()
    await expect(badge).to_be_hidden()
    await expect(page).not_to_have_title(re.compile(r"^\("))
    await page.wait_for_function(
        "async (path) => (await (await fetch(path)).json()).unread === 0", arg=f"/api/v1/conversations/{channel}"
    )
    await page.locator(f"crew-sidebar a[href='/c/{general}']").click()
    await expect(page).to_have_url(f"/c/{general}")
    await expect(badge).to_be_hidden()


async def test_what_was_seen_counts_as_read_though_one_leaves_at_once(visitors: Visitors, server: Server, org: Org):
    general, member = await server.general(org), await org.add()
    page = await visitors.visit(f"/c/{general}", org.owner)
    await connected(page)
    await page.evaluate(
        """() => new MutationObserver(() => document.querySelector(".message") && location.assign("/settings"))
            .observe(document.querySelector(".stream"), { childList: true, subtree: true })"""
    )
    (await member.api.post(f"/conversations/{general}/messages", json={"content": "one"})).raise_for_status()
    await page.wait_for_url("/settings")

    async def is_read() -> bool:
        shown = await org.owner.api.get(f"/conversations/{general}")
        return bool(shown.json()["unread"] == 0)

    await until(is_read)


async def test_one_s_own_messages_are_not_unread(visitors: Visitors, server: Server, org: Org):
    general, channel = await server.general(org), await server.channel(org.owner)
    page = await visitors.visit(f"/c/{general}", org.owner)
    await connected(page)
    (await org.owner.api.post(f"/conversations/{channel}/messages", json={"content": "mine"})).raise_for_status()
    await write(page, "later")
    await expect(message(page, "later")).to_have_attribute("data-status", "sent")
    await expect(_count(page, channel)).to_be_hidden()


async def test_a_line_stands_above_what_is_new(visitors: Visitors, server: Server, org: Org):
    general, member = await server.general(org), await org.add()
    seen = await member.api.post(f"/conversations/{general}/messages", json={"content": "seen"})
    await org.owner.api.post(f"/conversations/{general}/read", json={"seq": seen.json()["seq"]})
    await member.api.post(f"/conversations/{general}/messages", json={"content": "new"})
    page = await visitors.visit(f"/c/{general}", org.owner)
    line = page.locator(".unread-line")
    await expect(line).to_have_count(1)
    assert await line.evaluate("line => line.nextElementSibling.querySelector('.content').innerText.trim()") == "new"
    await connected(page)
    await write(page, "answered")
    await expect(line).to_have_count(0)


async def test_a_conversation_that_somebody_opens_appears_by_itself(visitors: Visitors, server: Server, org: Org):
    general, member = await server.general(org), await org.add()
    page = await visitors.visit(f"/c/{general}", org.owner)
    await connected(page)
    body = {"kind": "direct", "members": [{"member_type": "user", "member_id": str(org.owner.id)}]}
    opened = (await member.api.post("/conversations", json=body)).raise_for_status().json()["id"]
    link = page.locator(f"crew-sidebar a[data-conversation='{opened}']")
    await expect(link).to_contain_text("Ada Lovelace")
    (await member.api.post(f"/conversations/{opened}/messages", json={"content": "psst"})).raise_for_status()
    await expect(_count(page, opened)).to_have_attribute("data-count", "1")
    await link.click()
    await expect(message(page, "psst")).to_be_visible()
    await expect(_count(page, opened)).to_be_hidden()
