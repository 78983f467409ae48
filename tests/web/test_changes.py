"""A conversation that changes does so in every window that has it open: no reload, and nothing written is lost."""

import asyncio
from uuid import UUID

import pytest
from playwright.async_api import Route, WebSocketRoute, expect

from crewhall.conversations.telling import Change, tell_change
from crewhall.kernel.actor import system_actor
from tests.conversations.ways import group, post
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import in_time
from tests.web.browser import Visitors, connected

MARK = "() => document.querySelectorAll('crew-composer').forEach((one) => (one.dataset.former = ''))"


@pytest.mark.rule("B6")
async def test_open_windows_show_renaming_archiving_and_restoring(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("409",)  # words that were not saved yet when their place closed
    pat = await org.add()
    circle = await group(org.owner, pat, title="Offsite")
    root = await post(org.owner, circle, "Where to?")
    page = await visitors.visit(f"/c/{circle}?thread={root['id']}", pat)
    elsewhere = await visitors.visit("/people", pat)
    for one in (page, elsewhere):
        await connected(one)
    field = page.locator(".stream crew-composer textarea")
    await field.fill("To the sea")
    await org.owner.api.patch(f"/conversations/{circle}", json={"title": "Retreat"})
    await expect(page.locator("h1")).to_have_text("Retreat")
    await expect(page).to_have_title("Retreat · Acme")
    await expect(page.locator("[data-beginning] h2")).to_contain_text("Retreat")
    await expect(page.get_by_role("combobox", name="Write in Retreat")).to_be_focused()
    await expect(field).to_have_value("To the sea")
    for one in (page, elsewhere):
        await expect(one.locator(f"#sidebar [data-conversation='{circle}']")).to_contain_text("Retreat")

    await org.owner.api.put(f"/conversations/{circle}/archive")
    closed = page.locator(".stream .composer .closed")
    await expect(closed).to_contain_text("archived it on")
    await expect(closed.locator("pre")).to_have_text("To the sea")
    await expect(page.locator(".thread .composer .closed")).to_be_visible()
    await expect(page.locator("[data-announcer]")).to_contain_text("archived it on")
    await page.evaluate(MARK)
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tell_change(tx, org.id, UUID(circle), Change.CHANGED)
    await expect(page.locator("crew-composer[data-former]")).to_have_count(0)
    await expect(closed.locator("pre")).to_have_text("To the sea")
    await expect(elsewhere.locator(f"#sidebar [data-conversation='{circle}']")).to_have_count(0)

    await org.owner.api.delete(f"/conversations/{circle}/archive")
    await expect(field).to_have_value("To the sea")
    await expect(page.locator(".thread textarea")).to_be_visible()
    await expect(elsewhere.locator(f"#sidebar [data-conversation='{circle}']")).to_be_visible()
    await field.press("Enter")
    await expect(page.locator(".stream .message[data-status='sent']").last).to_contain_text("To the sea")


@pytest.mark.rule("E3")
async def test_who_is_taken_out_sees_it_and_keeps_what_was_written(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("404",)
    pat, zoe = await org.add(), await org.add()
    circle = await group(org.owner, pat, zoe, title="Offsite")
    pats, zoes = await visitors.visit(f"/c/{circle}", pat), await (await visitors.context(zoe, once=True)).new_page()
    await zoes.route_web_socket("**/api/v1/live", _another_change_follows)
    await zoes.goto(f"/c/{circle}")
    for page in (pats, zoes):
        await connected(page)
        await page.locator(".stream crew-composer textarea").fill("Half a thought")
    await org.owner.api.delete(f"/conversations/{circle}/members/user/{zoe.id}")
    await expect(zoes.locator("main")).to_contain_text("not shared with you")
    await expect(zoes.locator("main pre")).to_have_text("Half a thought")
    await expect(zoes.locator(".toast")).to_have_text("You are no longer in “Offsite”.")
    await expect(zoes.locator(f"#sidebar [data-conversation='{circle}']")).to_have_count(0)
    await expect(pats.locator(".stream crew-composer textarea")).to_have_value("Half a thought")
    await org.owner.api.delete(f"/conversations/{circle}", params={"confirm": "Offsite"})
    await expect(pats.locator(".toast")).to_have_text("“Offsite” was deleted.")
    await expect(pats.locator("main pre")).to_have_text("Half a thought")


def _another_change_follows(route: WebSocketRoute) -> None:
    """Whoever was taken out is told of another change in the same moment."""
    server = route.connect_to_server()

    def told(frame: str | bytes) -> None:
        route.send(frame)
        if '"removed"' in str(frame):
            route.send(str(frame).replace('"removed"', '"changed"'))

    server.on_message(told)


async def test_lists_that_come_late_take_nothing_away(visitors: Visitors, server: Server, org: Org):
    pat = await org.add()
    circle = await group(org.owner, pat, title="Offsite")
    page = await visitors.visit("/people", pat)
    await connected(page)
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        if asked.is_set():
            await route.continue_()
            return
        response = await route.fetch()
        asked.set()
        await may_answer.wait()
        await route.fulfill(response=response)

    await page.route("**/sidebar?*", answer_late)
    await org.owner.api.put(f"/conversations/{circle}/archive")
    await in_time(asked.wait())
    async with page.expect_response("**/sidebar?*"):  # the second one: the first has no answer yet
        await org.owner.api.delete(f"/conversations/{circle}/archive")
    async with page.expect_response("**/sidebar?*") as overtaken:
        may_answer.set()
    await (await overtaken.value).finished()
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    await expect(page.locator(f"#sidebar [data-conversation='{circle}']")).to_be_visible()
