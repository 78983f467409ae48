"""Finding what fits best, in everything."""

import html
import re

from playwright.async_api import expect

from crewhall.knowledge import KnowledgeSearch
from tests.conversations.ways import post
from tests.documents.ground import read_now
from tests.identity.hall import Org
from tests.knowledge.library import keep, search
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


async def test_what_fits_is_narrowed_by_what_is_chosen_without_scripts_too(server: Server, org: Org, other_org: Org):
    general = await server.general(org)
    await keep(server, org, general, "Bicycle manual", CHAIN)
    document, _ = await keep(server, org, general, "Sprockets", "A sprocket has teeth.", media_type="text/csv")
    await post(org.owner, general, "The sprocket of the red bike is worn out")
    scout = await server.hire(org, "scout")
    added = await org.owner.api.post(f"/agents/{scout.id}/knowledge/files?name=care.md", content=b"Oil the sprocket.")
    (item,) = (await org.owner.api.get(f"/agents/{scout.id}/knowledge/{added.json()['id']}/items")).json()["items"]
    await read_now(server, org, item["document_id"])
    browser, _ = await server.browse(org.owner)

    async def titles(page: str) -> set[str]:
        found = (await browser.get(f"{server.address}{page}")).raise_for_status().text
        return set(re.findall(r'<a class="title" href="[^"]*">([^<]*)</a>', found))

    async def chosen(**fields: str) -> str:
        given = {"q": "sprocket", "chosen": "true", "kinds": "", "document": "", **fields}
        answer = await browser.get(f"{server.address}/search/best", params=given)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    name = (await search(org.owner, "sprocket", kinds="message"))[0]["title"]
    assert await titles(await chosen()) == {"Bicycle manual", "Sprockets", "care.md", name}
    narrowed = await chosen(media_type="text/csv", after="2020-01-01")
    assert narrowed == "/search/best?q=sprocket+after%3A2020-01-01&media_type=text%2Fcsv"
    assert await titles(narrowed) == {"Sprockets"}
    assert await titles(await chosen(known=f"agent:{scout.id}")) == {"care.md"}
    assert await titles(await chosen(known=f"source:{added.json()['id']}")) == {"care.md"}
    assert await titles(await chosen(document=str(document))) == {"Sprockets"}
    assert await titles(await chosen(**{"from": "me"})) == await titles(await chosen(has="", kinds="message")) == {name}
    assert await titles(await chosen(**{"in": "#general", "kinds": "file"})) == {"Bicycle manual", "Sprockets"}
    page = (await browser.get(f"{server.address}{await chosen(known=f'agent:{scout.id}', after='2020-01-01')}")).text
    assert f"What {(await org.owner.api.get(f'/agents/{scout.id}')).json()['name']} knows" in page
    assert 'value="2020-01-01"' in page
    without = re.findall(r'class="chip".*?href="([^"]*)"', page)
    assert len(without) == 2
    assert await titles(html.unescape(without[1])) == await titles(await chosen(after="2020-01-01"))
    strangers, _ = await server.browse(other_org.owner)
    shown = (await strangers.get(f"{server.address}/search/best?q=sprocket&document={document}&agent={scout.id}")).text
    assert "Sprockets" not in shown
    assert "Scout" not in shown
    for wrong in ("agent=x", "document=%00", "media_type=%00", "source=" + "9" * 400):
        answer = await browser.get(f"{server.address}/search/best?q=sprocket&{wrong}")
        assert answer.status_code == 200, wrong


async def test_what_is_wrong_with_a_question_is_said_on_the_page(visitors: Visitors, org: Org):
    page = await visitors.visit("/search/best?q=from:me", org.owner)
    await expect(page.get_by_role("alert")).to_contain_text("Say what you look for")
    await page.goto("/search/best?q=x&kinds=tasks")
    await expect(page.get_by_role("alert")).to_contain_text("kinds are some of")
