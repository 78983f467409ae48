"""What cannot be loaded into a part of the page says so there; what is not in the log offers nothing that needs it."""

import pytest
from playwright.async_api import Page, Route, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected, message, write

THREAD = "**/c/*?thread=*"
HISTORY = "**/c/*/messages/*/history"
PAGE = "<h1>No</h1>"
FAILURES = [
    (404, PAGE, "not here"), (422, PAGE, "not here"), (429, "", "Wait a moment"), (503, "", "could not answer"),
]  # fmt: skip


async def _open_with_message(visitors: Visitors, server: Server, org: Org) -> Page:
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    await write(page, "shall we?")
    await expect(message(page, "shall we?")).to_have_attribute("data-status", "sent")
    return page


async def _reply(page: Page) -> None:
    await message(page, "shall we?").hover()
    await message(page, "shall we?").get_by_role("link", name="Reply in a thread").click()


async def test_a_message_that_was_not_sent_offers_only_to_send_or_discard_it(
    visitors: Visitors, server: Server, org: Org
):
    visitors.tolerated = ("503",)
    page = await _open_with_message(visitors, server, org)
    await page.route("**/api/v1/conversations/*/messages", lambda route: route.fulfill(status=503, body="{}"))
    await write(page, "lost")
    lost = message(page, "lost")
    await expect(lost).to_have_attribute("data-status", "failed")
    await lost.hover()
    await expect(lost.locator(".tools")).to_have_count(0)
    await expect(lost.get_by_role("button")).to_have_text(["Try again", "Discard"])
    await lost.focus()
    await page.keyboard.press("r")
    await expect(page.locator(".thread")).to_have_count(0)
    await page.unroute_all()
    await lost.get_by_role("button", name="Try again").click()
    await expect(lost).to_have_attribute("data-status", "sent")
    await lost.hover()
    await expect(lost.get_by_role("link", name="Reply in a thread")).to_be_visible()


@pytest.mark.parametrize(("status", "body", "reason"), FAILURES)
async def test_a_thread_that_is_refused_says_why_and_can_be_tried_again(
    visitors: Visitors, server: Server, org: Org, status: int, body: str, reason: str
):
    visitors.tolerated = (str(status),)
    page = await _open_with_message(visitors, server, org)
    place = await page.locator(".stream crew-composer").bounding_box()

    async def refuse(route: Route) -> None:
        await route.fulfill(status=status, body=body, content_type="text/html" if body else "text/plain")

    await page.route(THREAD, refuse)
    await _reply(page)
    panel = page.get_by_label("Thread", exact=True)
    await expect(panel.get_by_role("alert")).to_contain_text(reason)
    await expect(page.get_by_text("Content missing")).to_have_count(0)
    standing = await page.locator(".stream crew-composer").bounding_box()
    assert place
    assert standing
    assert (standing["y"], standing["height"]) == (place["y"], place["height"]), "nothing moves up"
    again = panel.get_by_role("button", name="Try again")
    await expect(again).to_be_focused()
    await page.unroute_all()
    await again.click()
    await expect(message(page, "shall we?", ".thread .root")).to_be_visible()
    await expect(page.locator(".thread textarea")).to_be_focused()


async def test_a_thread_without_a_connection_can_be_closed_and_asked_for_again(
    visitors: Visitors, server: Server, org: Org
):
    visitors.tolerated = ("ERR_FAILED",)
    page = await _open_with_message(visitors, server, org)
    await page.route(THREAD, lambda route: route.abort())
    await _reply(page)
    panel = page.get_by_label("Thread", exact=True)
    await expect(panel.get_by_role("alert")).to_contain_text("cannot be reached")
    await expect(page.locator(".toast")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    await expect(message(page, "shall we?").get_by_role("link", name="Reply in a thread")).to_be_focused()
    await page.unroute_all()
    await page.keyboard.press("Enter")
    await expect(message(page, "shall we?", ".thread .root")).to_be_visible()
    visitors.complaints[:] = [said for said in visitors.complaints if "Failed to fetch" not in said]


async def test_earlier_versions_that_cannot_be_had_say_so_in_the_dialog(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("503",)
    page = await _open_with_message(visitors, server, org)
    await page.locator("crew-composer textarea").press("ArrowUp")
    await page.get_by_label("Edit the message").fill("let us")
    await page.keyboard.press("Enter")
    await page.route(HISTORY, lambda route: route.fulfill(status=503, body=""))
    await message(page, "let us").locator(".edited").click()
    await expect(page.locator("#history").get_by_role("alert")).to_contain_text("could not answer")
    await page.unroute_all()
    await page.locator("#history").get_by_role("button", name="Try again").click()
    await expect(page.locator("#history .version")).to_have_count(2)


async def test_whoever_is_signed_out_meanwhile_is_led_to_the_door(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("401",)
    page = await _open_with_message(visitors, server, org)
    await page.context.clear_cookies()
    await _reply(page)
    await expect(page.get_by_label("Password")).to_be_visible()
