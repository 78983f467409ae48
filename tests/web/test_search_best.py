"""Finding what fits best, in everything."""

import re

from playwright.async_api import expect

from crewhall.knowledge import KnowledgeSearch
from tests.conversations.ways import post
from tests.identity.hall import Org
from tests.knowledge.library import keep
from tests.knowledge.meaning import Meaning
from tests.support.server import Server
from tests.web.browser import Visitors

CHAIN = "Put the chain back on the <b>smallest</b> sprocket, then turn the pedals slowly."


async def test_the_box_finds_documents_by_meaning_and_leads_there(visitors: Visitors, server: Server, org: Org):
    general = await server.general(org)
    document, chunks = await keep(server, org, general, "Bicycle manual", CHAIN, "Fill in the form.", heading=("Care",))
    page = await visitors.visit("/search?q=sprocket", org.owner)
    await page.get_by_role("link", name="Best matches").click()
    hit = page.locator(".hit").first
    await expect(hit.locator("mark")).to_have_text("sprocket")
    await expect(hit).to_contain_text("#general")
    await expect(hit).to_contain_text("page 1, Care")
    await expect(hit.locator("a.title")).to_have_attribute("href", re.compile(f"/documents/{document}.*{chunks[0]}"))
    await page.get_by_role("searchbox", name="Search everything").fill("my bike's gears slipped off")
    await page.keyboard.press("Enter")
    await expect(page.locator(".hit").first).to_contain_text("smallest")
    await page.locator("#main").get_by_role("link", name="Wiki").click()
    await expect(page.get_by_text("Nothing fits")).to_be_visible()


async def test_the_switcher_shows_documents_and_what_means_the_same_below_places(
    visitors: Visitors, server: Server, org: Org
):
    general = await server.general(org)
    await keep(server, org, general, "Bicycle manual", CHAIN)
    for said in ("My bike lost its chain on the hill again", "The sprocket of the red bike is worn out"):
        await post(org.owner, general, said)
    await Meaning(server, server.services.part(KnowledgeSearch)._first).embed()
    page = await visitors.visit("/inbox", org.owner)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("sprocket")
    await expect(page.get_by_role("option", name="Bicycle manual")).to_be_visible()
    await expect(page.get_by_role("option", name="worn out")).to_have_count(1)  # by its word, so not by meaning again
    await page.get_by_role("option", name="lost its chain").click()
    await expect(page.locator("[aria-current], .message").get_by_text("lost its chain").first).to_be_visible()


async def test_what_is_wrong_with_a_question_is_said_on_the_page(visitors: Visitors, org: Org):
    page = await visitors.visit("/search/best?q=from:me", org.owner)
    await expect(page.get_by_role("alert")).to_contain_text("Say what you look for")
    await page.goto("/search/best?q=x&kinds=tasks")
    await expect(page.get_by_role("alert")).to_contain_text("kinds are some of")
