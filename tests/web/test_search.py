"""Finding what was said."""

import re

import pytest
from playwright.async_api import expect

from tests.files.making import post, sent
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until
from tests.web.browser import Visitors
from tests.web.filling import fill


async def _found(org: Org, q: str, count: int) -> None:
    """Wait until the consumer of the log has made the messages searchable."""

    async def is_found() -> bool:
        return len((await org.owner.api.get("/search", params={"q": q})).json()["items"]) >= count

    await until(is_found)


async def test_a_search_leads_to_the_place(visitors: Visitors, server: Server, org: Org):
    general = await server.general(org)
    await fill(server, org, general, 30)
    posted = {"content": "the <b>lighthouse</b> keeper"}
    (await org.owner.api.post(f"/conversations/{general}/messages", json=posted)).raise_for_status()
    await fill(server, org, general, 120)
    await _found(org, "lighthouse", 1)
    page = await visitors.visit(f"/c/{general}", org.owner)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("lighthouse")
    await page.get_by_role("option", name="Search all messages").click()
    hit = page.locator(".hit")
    await expect(hit).to_have_count(1)
    await expect(hit.locator("mark")).to_have_text("lighthouse")
    await expect(hit).to_contain_text("in #general")
    await hit.locator("a.title").click()
    found = page.locator(".message[data-found]")
    await expect(found).to_contain_text("keeper")
    await expect(found).to_be_in_viewport()
    marked = "() => [...(CSS.highlights.get('found') ?? [])].join() === 'lighthouse'"
    await page.wait_for_function(marked)
    await expect(page.get_by_role("button", name="Newest")).to_be_visible()
    await page.get_by_role("button", name="Newest").click()
    await expect(page.locator(".message").last).to_contain_text("message 120")
    await expect(page.locator(".message").last).to_be_in_viewport()


async def test_what_matched_is_marked_in_names_of_files(visitors: Visitors, server: Server, org: Org):
    general = await server.general(org)
    await post(org.owner, general, await sent(org.owner, general, b"2027", "Roadmap &lt; draft.txt"))
    await _found(org, "roadmap", 1)
    page = await visitors.visit("/search?q=roadmap", org.owner)
    name = page.locator(".hit .held .badge")
    await expect(name).to_have_text("Roadmap &lt; draft.txt")
    await expect(name.locator("mark")).to_have_text("Roadmap")


async def test_nothing_outside_one_s_reach_is_found(visitors: Visitors, server: Server, org: Org):
    hidden = await server.channel(org.owner, type="private")
    (await org.owner.api.post(f"/conversations/{hidden}/messages", json={"content": "a zebra"})).raise_for_status()
    await _found(org, "zebra", 1)
    member = await org.add()
    page = await visitors.visit("/search?q=zebra", member)
    await expect(page.get_by_text("Nothing found")).to_be_visible()
    elsewhere = page.get_by_role("link", name="Look in tasks, files and the wiki")
    await expect(elsewhere).to_have_attribute("href", "/search/best?q=zebra")
    owner = await visitors.visit("/search?q=zebra", org.owner)
    await expect(owner.locator(".hit")).to_have_count(1)


@pytest.mark.rule("X6")
async def test_people_and_agents_are_found_above_the_messages(
    visitors: Visitors, server: Server, org: Org, other_org: Org
):
    general = await server.general(org)
    (await org.owner.api.post(f"/conversations/{general}/messages", json={"content": "Zeno?"})).raise_for_status()
    await _found(org, "zeno", 1)
    await org.add(who=await server.make_person(name="Zeno Brook"))
    await server.hire(org, "zeno-bot", name="Zeno Bot")
    await server.hire(org, "zeno-hid", name="Zeno Hidden", visibility="hidden")
    await server.channel(org.owner, name="zeno-secret", type="private")
    page = await visitors.visit("/search?q=zeno", await org.add())
    named = page.get_by_role("list", name="Conversations, people and agents")
    await expect(named.locator(".title")).to_have_text(["Zeno Bot", "Zeno Brook"])
    await expect(page.locator(".hit")).to_have_count(1)
    await page.goto("/search?q=brook")
    await expect(page.get_by_text("No message found")).to_be_visible()
    await page.goto("/search?q=zeno+from%3Ame")
    await expect(named).to_have_count(0)
    await page.goto("/search?q=%22zeno+br%22")
    await named.get_by_role("button", name="Write to Zeno Brook").click()
    await expect(page).to_have_title(re.compile("Zeno Brook"))
    stranger = await visitors.visit("/search?q=zeno", other_org.owner)
    await expect(stranger.get_by_text("Nothing found")).to_be_visible()


async def test_a_search_is_narrowed_by_what_is_typed_or_chosen(visitors: Visitors, server: Server, org: Org):
    general = await server.general(org)
    for content, kind in (("a heron?", "question"), ("a heron", "message")):
        posted = {"content": content, "kind": kind}
        (await org.owner.api.post(f"/conversations/{general}/messages", json=posted)).raise_for_status()
    await _found(org, "heron", 2)
    page = await visitors.visit(f"/search?conversation={general}", org.owner)
    box, hits = page.get_by_role("combobox", name="Search messages"), page.locator(".hit")
    await expect(box).to_have_value("in:#general")
    await box.fill("heron in:#gen")
    await page.locator("#search-completion").get_by_role("option", name="general").click()
    await expect(box).to_have_value("heron in:#general ")
    await box.press_sequentially("kind:qu")
    await expect(page.locator("#search-completion").get_by_role("option")).to_have_text("question")
    await box.press("Enter")
    await box.press("Enter")
    await expect(hits).to_have_count(1)
    await expect(hits).to_contain_text("question")
    await page.get_by_role("link", name="Search without kind question").click()
    await expect(hits).to_have_count(2)
    await page.get_by_text("Filters", exact=True).click()
    await page.get_by_label("Kind").select_option("message")
    await page.get_by_role("combobox", name="From", exact=True).fill("me")
    await page.get_by_role("combobox", name="From", exact=True).press("Escape")
    await page.get_by_label("Filters").get_by_role("button", name="Search").click()
    await expect(hits).to_have_count(1)
    await expect(box).to_have_value("heron in:#general from:me kind:message")
    await page.get_by_role("link", name="Leave out kind message instead").click()
    await expect(box).to_have_value("heron in:#general from:me -kind:message")
    await expect(hits).to_have_count(1)
    await expect(hits).to_contain_text("question")
    await page.get_by_role("link", name="Search without not kind message").click()
    await expect(hits).to_have_count(2)
    await box.fill("heron -kind:que")
    await expect(page.locator("#search-completion").get_by_role("option")).to_have_text("question")
    await page.goto("/search?q=from%3Anobody")
    await expect(page.get_by_role("alert")).to_contain_text("There is no person or agent")
