"""Writing and reading in a conversation: at once, live, and once."""

import asyncio
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import in_time
from tests.web.browser import Visitors, connected, message, write


async def test_a_message_stands_at_once_and_is_settled_by_the_log(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/messages", held.put)

    await write(page, "**hello** hall")
    waiting = message(page, "hello")
    await expect(waiting).to_have_attribute("data-status", "sending")
    await expect(waiting.locator(".content")).to_have_text("**hello** hall")

    await (await in_time(held.get())).continue_()
    await expect(waiting).to_have_attribute("data-status", "sent")
    await expect(waiting.locator("strong")).to_have_text("hello")
    await expect(page.locator(".message")).to_have_count(1)
    assert await waiting.get_attribute("data-seq") != "0"

    await page.reload()
    await expect(page.locator(".message")).to_have_count(1)


async def test_two_browsers_see_each_other_live(visitors: Visitors, server: Server, org: Org):
    member = await org.add()
    path = f"/c/{await server.general(org)}"
    ada, bob = await visitors.visit(path, org.owner), await visitors.visit(path, member)
    await connected(ada)
    await connected(bob)
    await ada.locator("crew-composer textarea").press_sequentially("hi")
    await expect(bob.locator("[data-typing]")).to_have_text("Ada Lovelace is writing…")
    await write(ada, "first")
    await expect(message(bob, "first")).to_be_visible()
    await expect(bob.locator("[data-typing]")).to_be_empty()
    await write(bob, "second")
    await expect(message(ada, "second")).to_be_visible()
    await expect(ada.locator("[data-announcer]")).to_have_text("Ada Lovelace: second")
    for page in (ada, bob):
        assert await _texts(page) == ["first", "second"]


async def test_what_was_not_sent_stays_and_can_be_sent_again(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("ERR_FAILED", "ERR_CONNECTION")
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    await page.route("**/messages", lambda route: route.abort())
    await write(page, "lost?")
    lost = message(page, "lost?")
    await expect(lost).to_have_attribute("data-status", "failed")
    await expect(lost.locator(".unsent")).to_contain_text("Not sent")
    await page.unroute("**/messages")
    await lost.get_by_role("button", name="Try again").click()
    await expect(lost).to_have_attribute("data-status", "sent")
    assert await _texts(page) == ["lost?"]


async def test_what_was_written_without_a_network_is_sent_when_it_is_back(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("ERR_INTERNET_DISCONNECTED",)
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    await page.context.set_offline(True)
    await write(page, "in a tunnel")
    await expect(message(page, "in a tunnel")).to_have_attribute("data-status", "failed")
    await page.context.set_offline(False)
    await expect(message(page, "in a tunnel")).to_have_attribute("data-status", "sent")
    assert await _texts(page) == ["in a tunnel"]


async def test_what_the_server_refuses_says_why_and_can_be_discarded(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("409", "ERR_FAILED")
    channel = await server.channel(org.owner)
    page = await visitors.visit(f"/c/{channel}", org.owner)
    await connected(page)
    await page.route("**/surroundings*", lambda route: route.abort())  # it has not heard yet that one may not write
    (await org.owner.api.put(f"/conversations/{channel}/archive")).raise_for_status()
    await write(page, "too late")
    late = message(page, "too late")
    await expect(late.locator(".unsent")).to_contain_text("archived")
    await late.get_by_role("button", name="Discard").click()
    await expect(page.locator(".message")).to_have_count(0)
    visitors.tolerated = ("401", "409", "422", "ERR_FAILED")  # what is no draft there any more is told so late
    await page.locator("crew-composer textarea").evaluate("it => it.removeAttribute('maxlength')")
    await write(page, "long " * 8001)
    await expect(page.locator(".unsent")).to_contain_text("Not sent. This is too long")
    await page.get_by_role("button", name="Discard").click()
    await page.context.clear_cookies()
    await write(page, "signed out")
    await expect(page.locator(".unsent")).to_contain_text("You are signed out")


async def test_what_a_message_is_for_is_chosen_and_the_next_is_a_message_again(
    visitors: Visitors, server: Server, org: Org
):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    chooser = page.get_by_label("Post as")
    await chooser.select_option("Question")
    await write(page, "When do we ship?")
    await expect(message(page, "When do we ship?").locator(".kind")).to_have_text("Question")
    await expect(message(page, "When do we ship?")).to_have_attribute("data-status", "sent")
    await expect(chooser).to_have_value("")
    await write(page, "Soon.")
    await expect(message(page, "Soon.")).to_have_attribute("data-status", "sent")
    await page.reload()
    await expect(page.locator(".message .kind")).to_have_text(["Question"])


async def test_shift_enter_starts_a_line_and_drafts_are_kept(visitors: Visitors, server: Server, org: Org):
    general, other = await server.general(org), await server.channel(org.owner)
    page = await visitors.visit(f"/c/{general}", org.owner)
    field = page.locator("crew-composer textarea")
    await field.press_sequentially("one")
    await field.press("Shift+Enter")
    await field.press_sequentially("two")
    await expect(field).to_have_value("one\ntwo")
    await page.locator(f"crew-sidebar a[href='/c/{other}']").click()
    await expect(page).to_have_url(f"/c/{other}")
    await expect(field).to_have_value("")
    await page.locator(f"crew-sidebar a[href='/c/{general}']").click()
    await expect(field).to_have_value("one\ntwo")
    await field.press("Enter")
    await expect(message(page, "two")).to_have_attribute("data-status", "sent")


async def test_a_title_is_added_kept_sent_and_cleared(visitors: Visitors, server: Server, org: Org):
    general, other = await server.general(org), await server.channel(org.owner)
    page = await visitors.visit(f"/c/{general}", org.owner)
    await connected(page)
    title, add = page.get_by_label("Title"), page.get_by_role("button", name="Add a title")
    await expect(title).to_be_hidden()
    await add.focus()
    await page.keyboard.press("Enter")
    await expect(title).to_be_focused()
    await title.press_sequentially("Release 4")
    await page.locator(f"crew-sidebar a[href='/c/{other}']").click()
    await expect(page).to_have_url(f"/c/{other}")
    await expect(title).to_be_hidden()
    await page.locator(f"crew-sidebar a[href='/c/{general}']").click()
    await expect(title).to_have_value("Release 4")
    await title.press("Enter")
    await page.keyboard.type("It is out.")
    await page.keyboard.press("Enter")
    await expect(message(page, "It is out.")).to_have_attribute("data-status", "sent")
    await expect(message(page, "It is out.").locator("h3")).to_have_text("Release 4")
    await expect(title).to_be_hidden()
    await write(page, "And that was that.")
    await expect(message(page, "And that was that.")).to_have_attribute("data-status", "sent")
    await page.reload()
    await expect(page.locator(".message h3")).to_have_text(["Release 4"])


async def test_messages_of_one_author_stand_together_below_their_day(visitors: Visitors, server: Server, org: Org):
    general = await server.general(org)
    for text in ("one", "two"):
        await _post(org, general, content=text)
    page = await visitors.visit(f"/c/{general}", org.owner)
    await connected(page)
    await write(page, "three")
    await expect(message(page, "three")).to_have_attribute("data-status", "sent")
    await expect(page.locator(".day")).to_have_count(1)
    await expect(page.locator(".message[data-grouped]")).to_have_count(2)
    member = await org.add()
    answer = await member.api.post(f"/conversations/{general}/messages", json={"content": "four"})
    assert answer.status_code == 201
    await expect(message(page, "four")).not_to_have_attribute("data-grouped", "1")
    hired = await server.hire(org)
    (await hired.api.post(f"/conversations/{general}/join")).raise_for_status()
    for text in ("five", "six"):
        (await hired.api.post(f"/conversations/{general}/messages", json={"content": text})).raise_for_status()
    await expect(message(page, "five").locator(".head .badge", has_text="agent")).to_be_visible()
    await expect(message(page, "six")).to_have_attribute("data-grouped", "1")
    await expect(message(page, "six").locator(".head .badge", has_text="agent")).to_be_hidden()


async def test_a_page_works_without_scripts(visitors: Visitors, server: Server, org: Org):
    general = await server.general(org)
    page = await visitors.visit(f"/c/{general}", org.owner, java_script_enabled=False)
    await page.locator("crew-composer textarea").fill("plain")
    await page.get_by_role("button", name="Send").click()
    await expect(message(page, "plain")).to_have_attribute("data-status", "sent")


async def _texts(page: Page) -> list[str]:
    return [text.strip() for text in await page.locator(".stream .message .content").all_inner_texts()]


async def _post(org: Org, conversation: str, **body: Any) -> dict[str, Any]:
    answer = (await org.owner.api.post(f"/conversations/{conversation}/messages", json=body)).raise_for_status()
    shown: dict[str, Any] = answer.json()
    return shown
