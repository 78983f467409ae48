"""The composer: drafts that survive, two windows that lose no words, what is typed shorter than it reads."""

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.conversations.ways import post
from tests.identity.hall import Member, Org
from tests.support.server import Server
from tests.support.waiting import until
from tests.web.browser import Visitors, connected, message, write


async def saved(member: Member, place: str, content: str) -> None:
    """Wait until the server has that as the draft."""

    async def is_there() -> bool:
        return bool((await member.api.get(f"/conversations/{place}/draft")).json()["content"] == content)

    await until(is_there)


def field_of(page: Page):
    return page.locator(".stream crew-composer textarea")


@pytest.mark.rule("E4")
async def test_what_is_begun_is_kept_and_two_windows_lose_nothing(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("409", "ERR_INTERNET_DISCONNECTED")
    general = await server.general(org)
    one = await visitors.visit(f"/c/{general}", org.owner)
    await field_of(one).press_sequentially("begun")
    await saved(org.owner, general, "begun")
    two = await visitors.visit(f"/c/{general}", org.owner)  # another device
    await expect(field_of(two)).to_have_value("begun")
    await field_of(two).press_sequentially(" there")
    await saved(org.owner, general, "begun there")
    await field_of(one).press_sequentially(" here")
    conflict = one.locator("[data-conflict]")
    await expect(conflict).to_contain_text("begun there")
    await one.reload()  # nothing was saved over, and nothing is lost
    await expect(field_of(one)).to_have_value("begun here")
    await conflict.get_by_role("button", name="Keep both").click()
    await saved(org.owner, general, "begun here\n\nbegun there")
    await expect(conflict).to_be_hidden()
    await connected(one)
    await one.context.set_offline(offline=True)
    await field_of(one).fill("offline")
    await one.context.set_offline(offline=False)
    await saved(org.owner, general, "offline")
    await field_of(one).press("Enter")
    await saved(org.owner, general, "")
    await one.get_by_role("button", name="Undo").click()
    await expect(field_of(one)).to_have_value("offline")
    await expect(message(one, "offline")).to_have_count(0)
    await field_of(one).press("Enter")
    await expect(message(one, "offline")).to_have_attribute("data-status", "sent")
    await field_of(one).press("Control+z")
    await expect(field_of(one)).to_have_value("offline")
    await expect(message(one, "offline")).to_have_count(0)


@pytest.mark.rule("E4")
async def test_what_another_device_has_sent_is_no_draft_here_any_more(visitors: Visitors, server: Server, org: Org):
    general = await server.general(org)
    desk = await visitors.visit(f"/c/{general}", org.owner)
    await connected(desk)
    for begun, more in (("the very words", ""), ("only half", " of it")):
        await field_of(desk).press_sequentially(begun)
        await saved(org.owner, general, begun)
        phone = await visitors.visit(f"/c/{general}", org.owner)
        await expect(field_of(phone)).to_have_value(begun)
        await field_of(phone).press_sequentially(more)
        await field_of(phone).press("Enter")
        await expect(message(desk, begun + more)).to_be_visible()
        await expect(field_of(desk)).to_have_value("")  # in sight all the while: nothing is sent twice
        await saved(org.owner, general, "")
    await field_of(desk).fill("one line")
    await saved(org.owner, general, "one line")
    await phone.reload()
    await expect(field_of(phone)).to_have_value("one line")
    await field_of(desk).press_sequentially(" and more")
    await field_of(phone).press("Enter")
    await expect(message(desk, "one line")).to_be_visible()
    await saved(org.owner, general, "one line and more")  # what was typed meanwhile is not lost
    await expect(field_of(desk)).to_have_value("one line and more")
    told = (await org.owner.api.get(f"/conversations/{general}/messages")).json()["items"]
    assert [one["content"] for one in told] == ["the very words", "only half of it", "one line"]


async def test_what_was_not_taken_is_not_called_sent(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("409", "ERR_FAILED")
    opened = {"kind": "group", "title": "Circle"}
    circle = (await org.owner.api.post("/conversations", json=opened)).raise_for_status().json()["id"]
    page = await visitors.visit(f"/c/{circle}", org.owner)
    await connected(page)
    await page.route("**/surroundings*", lambda route: route.abort())  # it has not heard yet that one may not write
    await write(page, "first")
    await expect(page.locator(".stream [data-undo]")).to_be_visible()
    (await org.owner.api.put(f"/conversations/{circle}/archive")).raise_for_status()
    await write(page, "late")
    await expect(message(page, "late")).to_contain_text("Not sent. This conversation is archived")
    await expect(page.locator(".stream [data-undo]")).to_be_hidden()


async def test_unknown_commands_are_asked_about_and_emoji_named_as_they_are_sent(
    visitors: Visitors, server: Server, org: Org
):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    field = page.locator(".stream crew-composer textarea")
    await field.fill("/remind me of tea")
    await field.press("Enter")
    await expect(page.get_by_text("There is no /remind here.")).to_be_visible()
    await expect(field).to_have_value("/remind me of tea")
    await field.press("Enter")
    await expect(message(page, "/remind me of tea")).to_have_attribute("data-status", "sent")
    await field.fill("Done :tada: and `:tada:` at 10:30:15")
    await field.press("Enter")
    await expect(message(page, "Done 🎉 and :tada: at 10:30:15")).to_have_attribute("data-status", "sent")


async def test_who_writes_on_while_the_names_of_emoji_come_loses_nothing(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    names: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/emoji.txt", names.put)
    field = page.locator(".stream crew-composer textarea")
    await field.fill("Done :tada:")
    await field.press("Escape")
    await field.press("Enter")
    coming = await names.get()
    await field.press_sequentially(" at last")
    await coming.continue_()
    await expect(message(page, "at last")).to_have_attribute("data-status", "sent")


async def test_what_is_typed_shorter_than_it_reads(visitors: Visitors, server: Server, org: Org):
    agent = await server.hire(org, name="Scout")
    general = await server.general(org)
    invited = {"member_type": "agent", "member_id": agent.id}
    (await org.owner.api.post(f"/conversations/{general}/members", json=invited)).raise_for_status()
    task = {"title": "Open questions", "prompt": "Which are open?"}
    (await org.owner.api.post(f"/agents/{agent.id}/quick-tasks", json=task)).raise_for_status()
    await post(org.owner, general, f"@{agent.code} first\n    - second")
    page = await visitors.visit(f"/c/{general}", org.owner)
    await connected(page)
    field, options = field_of(page), page.locator(".stream .completion [role=option]")
    await field.press_sequentially(":rock")
    await expect(options.filter(has_text=":rocket:")).to_be_visible()
    await field.press_sequentially("et:")
    await expect(field).to_have_value("🚀")
    await field.fill("word")
    await field.press("Control+a")
    await field.press("Control+b")
    await expect(field).to_have_value("**word**")
    await field.fill("```")
    await field.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("x = 1")
    await page.keyboard.press("Enter")
    await page.keyboard.type("y")
    await expect(field).to_have_value("```\n  x = 1\n  y\n```")
    await field.fill("/open")
    await field.press_sequentially("-")
    await expect(options.filter(has_text="Open questions · Scout")).to_be_visible()
    await field.press("Enter")
    await expect(message(page, "Which are open?")).to_have_attribute("data-status", "sent")
    await field.fill("/usr/bin is no command")
    await field.press("Enter")
    await expect(message(page, "/usr/bin is no command")).to_have_attribute("data-status", "sent")
    await message(page, "first").first.focus()
    await page.keyboard.press("q")
    await expect(field).to_be_focused()
    await expect(field).to_have_value(re.compile(re.escape(f"> @{agent.code} first\n>     - second\n\n")))
    await field.press("Enter")
    await field.fill("Good morning")
    await page.locator(".stream").get_by_role("button", name="Post later").click()
    await page.get_by_role("button", name="Tomorrow at 9:00").click()
    await expect(field).to_have_value("")
    await page.goto("/drafts")
    await expect(page.get_by_role("list", name="To be posted later")).to_contain_text("Good morning")
    await page.get_by_role("button", name="Post now").click()
    await expect(message(page, "Good morning")).to_have_attribute("data-status", "sent")


@pytest.mark.rule("E4")
async def test_two_tabs_that_edit_one_message(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("409",)
    general = await server.general(org)
    page = await visitors.visit(f"/c/{general}", org.owner)
    await connected(page)
    await write(page, "one")
    sent = message(page, "one")
    await expect(sent).to_have_attribute("data-status", "sent")
    await field_of(page).press("ArrowUp")
    editor = page.locator("form.editor")
    await editor.locator("textarea").fill("mine")
    message_id = await page.locator(".message:has(form.editor)").get_attribute("data-message")
    path = f"/conversations/{general}/messages/{message_id}"
    (await org.owner.api.patch(path, json={"content": "theirs"})).raise_for_status()
    await editor.get_by_role("button", name="Save").click()
    await expect(editor.locator("[data-other]")).to_contain_text("theirs")
    await expect(editor.locator("textarea")).to_have_value("mine")
    await editor.get_by_role("button", name="Save over it").click()
    await expect(message(page, "mine")).to_be_visible()
    assert [one["content"] for one in (await org.owner.api.get(path + "/history")).json()["items"]] == [
        "one", "theirs", "mine",
    ]  # fmt: skip
