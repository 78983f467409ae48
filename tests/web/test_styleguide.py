"""The design system as a page: there for those who change Crewhall, whole, legible, and nowhere else."""

import re

import httpx
from playwright.async_api import expect

from crewhall.conversations.pages_styleguide import samples, tokens
from crewhall.faces.plumbing.pages import TEMPLATES
from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors
from tests.web.judging import PHONE_DARK, WIDE_LIGHT, check

LEGIBLE = 4.5


async def test_it_is_served_in_development_alone(visitors: Visitors, server: Server, org: Org, monkeypatch):
    browser, _ = await server.browse(org.owner)
    for path in ("/styleguide", "/styleguide.css"):
        refused = await browser.get(server.address + path, headers={"accept": "text/html"})
        assert refused.status_code == httpx.codes.NOT_FOUND
    settings = server.services.settings.model_copy(update={"development": True})
    monkeypatch.setattr(server.services, "settings", settings)
    for look in (WIDE_LIGHT, PHONE_DARK):
        page = await visitors.visit("/styleguide", org.owner, **look)
        await expect(page.get_by_role("heading", name="Style guide")).to_be_visible()
        await check(page, "/styleguide")
    html = await page.content()
    assert [name for name in tokens() if name.startswith(("text", "space", "radius")) and name not in html] == []
    await page.get_by_role("button", name="A form that was refused").click()
    await expect(page.get_by_role("dialog", name="Change its name")).to_be_visible()
    await check(page, "a refused form")


def test_every_colour_is_legible_on_what_it_stands_on():
    assert [one for one in samples() if min(one.light, one.dark) < LEGIBLE] == []


def test_every_part_that_pages_share_is_shown():
    parts = set(re.findall(r"macro (\w+)\(", (TEMPLATES / "parts" / "ui.html").read_text()))
    shown = (TEMPLATES / "styleguide.html").read_text()
    of_agents = {"seen", "waits_for_budget"}  # see the page of agents
    assert {name for name in parts if f"{name}(" not in shown} == of_agents
