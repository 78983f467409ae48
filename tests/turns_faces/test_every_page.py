"""Every page of an organization in use, in every role: usable by everybody (axe finds nothing serious)."""

from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.identity.hall import Member
from tests.support.furnished import Company, addresses, furnish
from tests.support.furnished.places import GUESTS
from tests.support.openai import ScriptedModel
from tests.support.server import Server
from tests.web.browser import Visitors
from tests.web.judging import PHONE_DARK, WIDE_LIGHT, check

TELLING = {"class", "role", "type", "data-tone", "data-actor", "data-status"}
"""Attributes whose value decides how an element looks or what it is; of others it counts that they are there."""
VISIT = """async (path) => {
  const loaded = new Promise((resolve) => addEventListener("turbo:load", resolve, { once: true }));
  Turbo.visit(path);
  await loaded;
  return location.pathname + location.search;
}"""
Element = tuple[str, frozenset[tuple[str, str]]]


class Elements(HTMLParser):
    """The kinds of elements that a page is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[Element] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = frozenset((name, value or "" if name in TELLING else "") for name, value in attrs if name != "data-hue")
        self.found.add((tag, told))


@pytest.fixture(scope="module")
async def company(server: Server, model: ScriptedModel) -> Company:
    """An organization in use, for every role."""
    return await furnish(server, model)


def variants(company: Company) -> list[str]:
    """Pages that look otherwise by what is asked of them."""
    general, question = company.talk.general, company.talk.question
    return [
        f"/c/{general}?thread={question}", f"/c/{company.talk.launch}", f"/c/{company.talk.direct}",
        f"/c/{company.talk.launch}/about", f"/c/{general}/members?q=a", "/c/new?kind=group", "/c/new?kind=direct",
        f"/agents/{company.ids['fork']}", f"/agents/{company.ledger.id}", "/agents?q=nothing", "/runs?status=failed",
        f"/c/{general}/decisions?message={company.talk.edited}", "/saved?status=done", "/inbox?show=all",
        "/search", "/search?q=nowhere", "/schedules?agent=" + company.scout.id, "/nowhere",
    ]  # fmt: skip


async def judge(page: Page, path: str) -> None:
    """Go there as one goes by a link, and look."""
    assert await page.evaluate(VISIT, path) == path
    await expect(page.locator("h1").first).to_be_visible()
    await check(page, path)


async def enter(visitors: Visitors, member: Member, look: dict[str, Any]) -> Page:
    """A page of the member, from which one goes on."""
    visitors.tolerated = ("403", "404", "410")
    return await visitors.visit("/keys", member, **look)


@pytest.mark.timeout(240)
@pytest.mark.slow
@pytest.mark.parametrize("look", [WIDE_LIGHT, PHONE_DARK], ids=["wide", "phone"])
async def test_nothing_serious_on_any_page_of_an_owner(visitors: Visitors, company: Company, look: dict[str, Any]):
    page = await enter(visitors, company.org.owner, look)
    inside = [path for route, path in addresses(company).items() if route not in GUESTS]
    for path in [*inside, *variants(company)]:
        await judge(page, path)


@pytest.mark.timeout(240)
async def test_nothing_serious_on_what_others_see_otherwise(visitors: Visitors, server: Server, company: Company):
    """What is made of elements that the owner's pages have, too, is judged there."""
    inside = [path for route, path in addresses(company).items() if route not in GUESTS] + variants(company)
    known: set[Element] = set().union(*[elements async for _, elements in _made_of(server, company.org.owner, inside)])
    for member in (company.admin, company.member, company.stranger):
        page: Page | None = None
        async for path, elements in _made_of(server, member, inside):
            if elements - known:
                page = page or await enter(visitors, member, WIDE_LIGHT)
                await judge(page, path)
                known |= elements


async def _made_of(server: Server, member: Member, paths: list[str]) -> AsyncIterator[tuple[str, set[Element]]]:
    """What each page is made of for a member."""
    _, session = await server.browse(member)
    headers = {"accept": "text/html", "cookie": f"crewhall_session={session}"}
    async with httpx.AsyncClient(base_url=server.address, headers=headers, verify=False) as browser:
        for path in paths:
            yield path, Elements((await browser.get(path)).text).found


async def test_nothing_serious_on_any_page_of_a_guest(visitors: Visitors, company: Company):
    visitors.tolerated = ("410",)
    page = await visitors.visit("/login", **PHONE_DARK)
    for path in [path for route, path in addresses(company).items() if route in GUESTS]:
        await judge(page, path)
