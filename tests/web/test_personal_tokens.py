"""Personal tokens on one's own settings, and programs to copy on an agent's page."""

import re

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors


async def test_a_token_is_made_shown_once_and_revoked(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit("/settings", org.owner)
    await page.get_by_label("What it is for").fill("editor")
    await page.get_by_label("Good for").select_option("30 days")
    await page.get_by_role("button", name="New token").click()
    token = await page.get_by_label("Personal token", exact=True).input_value()
    assert re.fullmatch(r"cwp_\S{40,}", token)
    client = server.client(token)
    assert (await client.get("/me")).json()["actor"]["id"] == str(org.owner.id)
    await page.goto(page.url)
    await expect(page.get_by_label("Personal token", exact=True)).to_have_count(0)
    await page.get_by_role("button", name="Revoke editor").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("The token is revoked.")).to_be_visible()
    assert (await client.get("/me")).status_code == 401

    visitors.tolerated = ("422",)
    await page.get_by_label("What it is for").fill("   ")
    await page.get_by_role("button", name="New token").click()
    await expect(page.locator("#error-token_name")).to_be_visible()


async def test_an_agents_page_shows_how_to_ask_it(visitors: Visitors, server: Server, org: Org):
    agent = await server.hire(org)
    page = await visitors.visit(f"/agents/{agent.id}", org.owner)
    program = page.get_by_label("Ask it from Python")
    await expect(program).to_contain_text(f'base_url="{server.address}/v1"')
    await expect(program).to_contain_text(f'model="{agent.code}"')
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy Ask it with curl").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl {server.address}/v1/chat/completions")
