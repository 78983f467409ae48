"""The inbox in a browser: what concerns one, its count as it moves, and the ways to read it."""

import asyncio

from playwright.async_api import Route, expect

from tests.conversations.ways import direct, group, post
from tests.notifications.ways import handle_of, settled, told
from tests.support.waiting import in_time
from tests.web.browser import connected
from tests.work.ground import begun, wrote


async def test_the_inbox_tells_counts_leads_and_is_read(server, org, visitors):
    ada = await org.add()
    page = await visitors.visit("/inbox", ada)
    await expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    badge = page.locator("[data-inbox] .count")
    await expect(badge).to_be_hidden()
    general, name = await server.general(org), await handle_of(ada)
    await post(org.owner, general, f"Could you look at **this**, @{name}?")
    await expect(badge).to_contain_text("1")
    await expect(page).to_have_title("(1) Inbox")
    link = page.get_by_role("link", name="Ada Lovelace mentioned you in #general")
    await expect(link).to_be_visible()
    assert await page.locator(".row.told").first.evaluate("row => getComputedStyle(row).whiteSpace") == "normal"
    circle = await group(org.owner, ada, title="Launch")
    talk = await direct(org.owner, ada)
    await post(org.owner, talk, "Are you there?")
    await post(org.owner, talk, "It is about Friday.")
    own = await post(ada, circle, "shipped")
    await org.owner.api.put(f"/conversations/{circle}/messages/{own['id']}/reactions/🎉")
    await settled(server)
    await expect(badge).to_contain_text("4")
    await page.get_by_role("button", name="Mark #general as read").click()
    await expect(link).to_be_hidden()
    await expect(badge).to_contain_text("3")
    await page.get_by_role("link", name="Ada Lovelace wrote 2 messages to you").click()
    await expect(page).to_have_url(f"{server.address}/c/{talk}?at=2")
    await expect(badge).to_contain_text("2")
    await page.goto("/inbox?show=mention")
    await page.get_by_role("button", name="Mark as unread: Ada Lovelace mentioned you in #general").click()
    await expect(badge).to_contain_text("3")
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(page.get_by_text("All is read.")).to_be_visible()
    await expect(badge).to_be_hidden()
    assert [one["is_read"] for one in await told(server, ada)] == [True] * 4


async def test_what_comes_meanwhile_takes_no_click_away(server, org, visitors):
    ada = await org.add()
    general, name = await server.general(org), await handle_of(ada)
    await post(org.owner, general, f"Could you look at this, @{name}?")
    await settled(server)
    page = await visitors.visit("/inbox", ada)
    await connected(page)
    going: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/inbox/read", going.put)
    await page.get_by_role("button", name="Mark all as read").click()
    held = await in_time(going.get())
    await post(org.owner, general, f"And at that, @{name}?")
    await expect(page.locator("[data-inbox] .count")).to_contain_text("2")
    await page.evaluate(
        "new Promise((later) => setTimeout(later, 250))"
    )  # behind the timer that asks for the page anew
    await held.continue_()
    await expect(page.get_by_text("All is read.")).to_be_visible()
    await expect(page.locator("[data-inbox] .count")).to_be_hidden()


async def test_what_is_in_no_conversation_stands_under_what_it_is_of(server, org):
    ada = await org.add()
    shop = await begun(org.owner)
    await wrote(org.owner, shop, "Count the bags", assignee={"type": "user", "id": str(ada.id)})
    browser, _ = await server.browse(ada)
    shown = await browser.get(f"{server.address}/inbox", headers={"accept": "text/html"})
    assert "gave you the task" in shown.text
    assert [one for one in ("Tasks", "Wiki") if f'id="group-1">{one}</h2>' in shown.text] == ["Tasks"]
