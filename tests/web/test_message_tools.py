"""What one can do with a message: reply in a thread, react, edit, pin, delete."""

import asyncio

from playwright.async_api import Page, Route, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected, message, write


async def _open_two(visitors: Visitors, server: Server, org: Org) -> tuple[Page, Page]:
    """The owner and a member in #general, with one message of the owner's."""
    path = f"/c/{await server.general(org)}"
    member = await org.add()
    ada, bob = await visitors.visit(path, org.owner), await visitors.visit(path, member)
    for page in (ada, bob):
        await connected(page)
    await write(ada, "shall we?")
    await expect(message(bob, "shall we?")).to_be_visible()
    await expect(message(ada, "shall we?")).to_have_attribute("data-status", "sent")
    return ada, bob


async def _choose(page: Page, text: str, item: str) -> None:
    target = message(page, text)
    await target.hover()
    await target.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name=item).click()


async def test_a_thread_opens_beside_the_stream_and_is_live_on_both_sides(visitors: Visitors, server: Server, org: Org):
    ada, bob = await _open_two(visitors, server, org)
    await message(bob, "shall we?").hover()
    await message(bob, "shall we?").get_by_role("link", name="Reply in a thread").click()
    reply = bob.locator(".thread textarea")
    await expect(reply).to_be_focused()
    await reply.fill("yes")
    await reply.press("Enter")
    await expect(message(bob, "yes", ".thread .replies")).to_have_attribute("data-status", "sent")
    await expect(message(bob, "yes", ".thread .replies")).to_have_count(1)

    link = message(ada, "shall we?").locator(".thread-link")
    await expect(link).to_contain_text("1 reply")
    await expect(message(ada, "yes").locator(".reply-mark")).to_contain_text("Ada Lovelace: shall we?")
    await link.click()
    await expect(message(ada, "yes", ".thread .replies")).to_be_visible()
    await ada.locator(".thread textarea").fill("good")
    await ada.keyboard.press("Enter")
    await expect(message(bob, "good", ".thread .replies")).to_be_visible()
    await expect(message(bob, "shall we?").locator(".thread-link")).to_contain_text("2 replies")
    await ada.keyboard.press("Escape")
    await expect(ada.locator(".thread")).to_have_count(0)
    await ada.reload()
    await expect(message(ada, "shall we?").locator(".thread-link")).to_contain_text("2 replies")


async def test_reactions_are_picked_counted_and_taken_back(visitors: Visitors, server: Server, org: Org):
    ada, bob = await _open_two(visitors, server, org)
    await message(bob, "shall we?").hover()
    await message(bob, "shall we?").get_by_role("button", name="Add a reaction").click()
    await bob.get_by_role("button", name="rocket").click()
    theirs, mine = (message(page, "shall we?").locator(".reaction") for page in (bob, ada))
    await expect(theirs).to_have_attribute("aria-pressed", "true")
    await expect(mine).to_have_attribute("aria-pressed", "false")
    await mine.click()
    await expect(theirs).to_have_text("🚀 2")
    await ada.reload()
    await expect(mine).to_have_attribute("aria-pressed", "true")
    await mine.click()
    await theirs.click()
    await expect(mine).to_have_count(0)
    await expect(theirs).to_have_count(0)


async def test_an_edit_shows_everywhere_and_keeps_what_was_said(visitors: Visitors, server: Server, org: Org):
    ada, bob = await _open_two(visitors, server, org)
    await ada.locator("crew-composer textarea").press("ArrowUp")
    field = ada.get_by_label("Edit the message")
    await expect(field).to_have_value("shall we?")
    await field.fill("let us *go*")
    await field.press("Enter")
    for page in (ada, bob):
        await expect(message(page, "let us go").locator("em")).to_have_text("go")
        await expect(message(page, "let us go").locator(".edited")).to_be_visible()
    await expect(field).to_have_count(0)
    await message(bob, "let us go").locator(".edited").click()
    versions = bob.locator("#history .version")
    await expect(versions).to_have_count(2)
    await expect(versions.first).to_contain_text("shall we?")


async def test_an_edit_gives_a_title_and_takes_it_away(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    await write(page, "lets go")
    mine = message(page, "lets go")
    await expect(mine).to_have_attribute("data-status", "sent")
    await page.locator(".stream crew-composer textarea").press("ArrowUp")
    await mine.get_by_role("button", name="Add a title").click()
    await page.keyboard.type("Friday")
    await mine.get_by_role("button", name="Save").click()
    await expect(mine.locator("h3")).to_have_text("Friday")
    await page.locator(".stream crew-composer textarea").press("ArrowUp")
    await expect(mine.get_by_label("Title")).to_have_value("Friday")
    await mine.get_by_role("button", name="Remove title").click()
    await page.keyboard.press("Enter")
    await expect(mine.locator("h3")).to_have_count(0)
    await expect(mine.locator(".content")).to_have_text("lets go")


async def test_editing_again_waits_for_the_save_on_its_way(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    await write(page, "lets go")
    mine = message(page, "lets go")
    await expect(mine).to_have_attribute("data-status", "sent")
    saved = asyncio.Event()

    async def answer_late(route: Route) -> None:
        response = await route.fetch()
        await saved.wait()
        await route.fulfill(response=response)

    await page.route("**/api/v1/conversations/*/messages/*", answer_late)
    composer = page.locator(".stream crew-composer textarea")
    saved.set()
    await composer.press("ArrowUp")
    await mine.get_by_role("button", name="Add a title").click()
    await page.keyboard.type("Friday")
    saved.clear()
    await mine.get_by_role("button", name="Save").click()
    await expect(mine.locator("h3")).to_have_text("Friday")  # the record came before the answer
    await expect(mine.locator(".editor textarea")).to_have_js_property(
        "readOnly", True
    )  # nothing is added to what is on its way
    await composer.press("ArrowUp")
    await composer.press("ArrowUp")
    saved.set()
    await expect(mine.get_by_label("Title")).to_have_value("Friday")
    await expect(mine.locator(".editor")).to_have_count(1)


async def test_only_the_author_edits(visitors: Visitors, server: Server, org: Org):
    _, bob = await _open_two(visitors, server, org)
    target = message(bob, "shall we?")
    await target.hover()
    await target.get_by_role("button", name="More actions").click()
    await expect(bob.get_by_role("menuitem", name="Copy link")).to_be_visible()
    await expect(bob.get_by_role("menuitem", name="Edit")).to_be_hidden()
    await expect(bob.get_by_role("menuitem", name="Delete")).to_be_hidden()


async def test_a_deleted_message_leaves_a_tombstone(visitors: Visitors, server: Server, org: Org):
    ada, bob = await _open_two(visitors, server, org)
    await _choose(ada, "shall we?", "Delete")
    await ada.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await _choose(ada, "shall we?", "Delete")
    await ada.get_by_role("dialog").get_by_role("button", name="Delete").click()
    for page in (ada, bob):
        await expect(page.locator(".tombstone")).to_have_text("This message was deleted.")
        await expect(message(page, "shall we?")).to_have_count(0)
    await ada.reload()
    await expect(ada.locator(".tombstone")).to_be_visible()


async def test_a_pin_shows_and_goes(visitors: Visitors, server: Server, org: Org):
    ada, bob = await _open_two(visitors, server, org)
    await _choose(ada, "shall we?", "Pin")
    await expect(message(bob, "shall we?").locator(".pin-mark")).to_be_visible()
    await _choose(bob, "shall we?", "Unpin")
    await expect(message(ada, "shall we?").locator(".pin-mark")).to_have_count(0)


async def test_keys_move_through_messages(visitors: Visitors, server: Server, org: Org):
    ada, _ = await _open_two(visitors, server, org)
    await write(ada, "last")
    await expect(message(ada, "last")).to_have_attribute("data-status", "sent")
    await ada.locator(".scroller").first.focus()
    await ada.keyboard.press("k")
    await expect(message(ada, "last")).to_be_focused()
    await ada.keyboard.press("k")
    await expect(message(ada, "shall we?")).to_be_focused()
    await ada.keyboard.press("r")
    await expect(ada.locator(".thread textarea")).to_be_focused()
    await ada.keyboard.press("Control+k")
    await expect(ada.get_by_role("combobox", name="Jump to")).to_be_focused()
