"""Without a mouse: the focus is never lost, whatever is drawn anew under it."""

import re

from playwright.async_api import Locator, Page, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected, message, write


async def _having_said(words: str, visitors: Visitors, server: Server, org: Org) -> tuple[Page, Locator]:
    """The page of #general and the message that its owner has just sent there."""
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    await write(page, words)
    said = message(page, words)
    await expect(said).to_have_attribute("data-status", "sent")
    return page, said


async def test_the_focus_stays_when_one_reacts(visitors: Visitors, server: Server, org: Org):
    page, said = await _having_said("well done", visitors, server, org)
    await said.get_by_label("Add a reaction").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("thumbs up")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    reaction = said.locator(".reaction")
    await expect(reaction).to_have_attribute("aria-pressed", "true")
    await expect(said.get_by_label("Add a reaction")).to_be_focused()
    await reaction.focus()
    (await (await org.add()).api.put(await _path(page, said, "/reactions/❤️"))).raise_for_status()
    await expect(reaction).to_contain_text("2")
    await expect(reaction).to_be_focused()


async def _path(page, said, rest: str) -> str:
    conversation = page.url.rsplit("/", 1)[1]
    return f"/conversations/{conversation}/messages/{await said.get_attribute('data-message')}{rest}"


async def test_an_edit_outlives_what_others_do_to_the_message(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    await write(page, "first words")
    said = page.locator(".message").last
    await expect(said).to_have_attribute("data-status", "sent")
    await page.locator(".stream crew-composer textarea").press("ArrowUp")
    editor = said.get_by_label("Edit the message")
    await expect(editor).to_be_focused()
    await editor.fill("second thoughts")
    (await (await org.add()).api.put(await _path(page, said, "/reactions/👍"))).raise_for_status()
    await expect(said.locator(".reaction")).to_be_visible()
    await expect(editor).to_have_value("second thoughts")
    await expect(editor).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(said.locator(".content")).to_have_text("second thoughts")
    await expect(editor).to_have_count(0)


async def test_a_closed_thread_leads_back_to_its_message(visitors: Visitors, server: Server, org: Org):
    page, said = await _having_said("a root", visitors, server, org)
    await said.get_by_label("Reply in a thread").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".thread textarea")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(".thread")).to_have_count(0)
    await expect(said.get_by_label("Reply in a thread")).to_be_focused()


REACHABLE = """() => {
  const wanted = [...document.querySelectorAll(
    "a[href], button:not(:disabled), input:not(:disabled):not([type=hidden]), select, textarea, summary, [tabindex]")]
    .filter((it) => it.tabIndex >= 0 && it.checkVisibility({ visibilityProperty: true }) && !it.closest("[inert]"))
    .filter((it) => it.type !== "radio" || it.checked);
  wanted.forEach((it, place) => { it.dataset.tabStop = place; });
  return wanted.length;
}"""
FOCUSED = """() => {
  const it = document.activeElement;
  if (!it || it === document.body) return null;
  const isRinged = (one) => {
    const { outlineStyle, boxShadow } = getComputedStyle(one);
    return outlineStyle !== "none" || boxShadow !== "none";
  };
  for (const moving of document.getAnimations()) moving.finish();
  const around = it.matches("input, textarea") && it.closest(".box, .choice, .search, label");
  const seen = isRinged(it) || Boolean(around && isRinged(around));
  it.dataset.tabStop ??= `late ${it.outerHTML.slice(0, 120)}`; // from a frame that came meanwhile
  return [it.dataset.tabStop, seen, it.outerHTML.slice(0, 120)];
}"""
MISSED = """stops => [...document.querySelectorAll("[data-tab-stop]")]
  .filter((it) => !stops.includes(it.dataset.tabStop)).map((it) => it.outerHTML.slice(0, 120))"""


async def _walk(page: Page) -> tuple[set[str], list[str]]:
    """Press Tab until nothing new comes; returns the stops, and those at which nobody sees where one is."""
    stops: set[str] = set()
    unseen: list[str] = []
    for _ in range(400):
        await page.keyboard.press("Tab")
        found = await page.evaluate(FOCUSED)
        if found is None:  # past the last one: on with the first
            continue
        if found[0] in stops:
            break
        stops.add(found[0])
        if not found[1]:
            unseen.append(found[2])
    return stops, unseen


async def test_every_control_is_reached_and_seen(visitors: Visitors, server: Server, org: Org):
    agent = await server.hire(org, name="Scout")
    page = await visitors.visit("/people", org.owner)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    for path in ("/people", f"/agents/{agent.id}", "/settings", f"/c/{await server.general(org)}", "/search"):
        await page.goto(path)
        await connected(page)  # nothing comes by itself from here on
        await page.evaluate("document.activeElement?.blur()")
        wanted = await page.evaluate(REACHABLE)
        stops, unseen = await _walk(page)
        missed = await page.evaluate(MISSED, sorted(stops))
        assert (path, missed, unseen) == (path, [], [])
        assert wanted > 20


async def test_a_dialog_keeps_the_focus_and_gives_it_back(visitors: Visitors, org: Org):
    page = await visitors.visit("/people", org.owner)
    opener = page.get_by_role("button", name="Invite", exact=True)
    await opener.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    inside = "document.activeElement === document.body || Boolean(document.activeElement.closest('dialog[open]'))"
    for _ in range(12):
        await page.keyboard.press("Tab")
        assert await page.evaluate(inside)
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(opener).to_be_focused()


async def test_menus_are_walked_by_arrows(visitors: Visitors, org: Org):
    page = await visitors.visit("/people", org.owner)
    switcher = page.locator(".switcher")
    await switcher.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#organizations button").first).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#organizations a").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(switcher).to_be_focused()


async def test_signing_out_says_so_and_asks_nothing(visitors: Visitors, org: Org):
    page = await visitors.visit("/people", org.owner)
    await connected(page)
    await page.get_by_label("Sign out").focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/login$"))
    await expect(page.get_by_text("You are signed out.")).to_be_visible()


async def test_whoever_comes_by_a_link_sees_where_they_are(visitors: Visitors, server: Server, org: Org):
    for number in range(40):
        await server.channel(org.owner, name=f"team-{number:02d}")
    last = await server.channel(org.owner, name="zebra")
    page = await visitors.visit(f"/c/{last}", org.owner)
    await expect(page.locator("crew-sidebar [aria-current='page']")).to_be_in_viewport()
