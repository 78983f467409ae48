"""A manual dropped into a conversation, a question, an answer whose number opens the passage."""

import re

from playwright.async_api import expect

from crewhall.knowledge import KnowledgeSearch
from tests.conversations.ways import turns_settled
from tests.documents.conftest import alone
from tests.documents.ground import attached, ended, means, working
from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import PHONE, Visitors, connected, message, write
from tests.web.judging import check

__all__ = ["alone"]
MANUAL = "# Espresso machine\n\n" + "\n\n".join(
    f"## Part {n}\n\nPart {n} is made of brass. " + "It wants no care at all. " * 30 for n in range(16)
)
DESCALING = "## Descaling\n\nDescale the machine every two months with citric acid, never with vinegar."


async def test_an_answer_opens_at_the_passage_it_rests_on(visitors: Visitors, server: Server, org: Org):
    model = {"provider": "crewhall", "model": "librarian"}
    await server.hire(org, "librarian", name="Librarian", model_config=model)
    general = await server.general(org)
    text = f"{MANUAL}\n\n{DESCALING}\n"
    document = await attached(server, org, text.encode(), "espresso.md")
    embedder = server.services.part(KnowledgeSearch)._first
    async with working(server, means(server, embedder=embedder)):
        assert (await ended(org, document))["status"] == "ready"
    page = await visitors.visit(f"/c/{general}", org.owner)
    await connected(page)
    await write(page, "@librarian descale the machine every how many months?")
    await turns_settled(server.db, org.id)
    answer = message(page, "citric acid").last
    source = answer.locator(".source").first
    await expect(source.locator(".number")).to_have_text("1")
    await expect(source).to_contain_text("espresso")
    await check(page, "an answer with its sources")
    await page.reload()
    await expect(message(page, "citric acid").last.locator(".content a").first).to_have_attribute(
        "title", re.compile("espresso")
    )
    await message(page, "citric acid").last.locator(".source a").first.click()
    passage = page.locator("[data-cited]")
    await expect(passage).to_be_in_viewport()
    await expect(passage).to_contain_text("citric acid")
    phone = await visitors.visit(f"/c/{general}", org.owner, **PHONE)
    await expect(message(phone, "citric acid").last.locator(".source").first).to_be_visible()
    assert await phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_search_page_asks_the_librarian(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit("/search/best?q=what+about+herons", org.owner)
    await expect(page.get_by_role("button", name="Ask the librarian")).to_have_count(0)
    model = {"provider": "crewhall", "model": "librarian"}
    await server.hire(org, "librarian", name="Librarian", model_config=model)
    await page.reload()
    await page.get_by_role("button", name="Ask the librarian").click()
    await expect(message(page, "what about herons").first).to_be_visible()
    await turns_settled(server.db, org.id)
    await expect(message(page, "I found nothing about this")).to_be_visible()
