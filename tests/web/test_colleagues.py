"""Agents as colleagues, on pages: found by capability, forked, compared, lent to another organization."""

from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors

LENT = ["read_messages", "list_people"]


async def tools_at(page: Page, org: Org) -> list[str]:
    """The tools of the agent whose page is open, as its organization's owner reads them."""
    path = urlsplit(page.url).path
    found: list[str] = (await org.owner.api.get(path)).raise_for_status().json()["tools"]
    return found


async def test_an_agent_is_found_forked_compared_and_lent(visitors: Visitors, server: Server, org: Org):
    hired = await server.hire(org, name="Scout", capabilities=["maps"], instructions="Look around.", tools=LENT)
    await server.hire(org, "clerk", name="Clerk", capabilities=["forms"])
    page = await visitors.visit("/agents", org.owner)
    await page.get_by_label("maps, 1").click()
    cards = page.get_by_role("list", name="Agents", exact=True).get_by_role("listitem")
    await expect(cards).to_have_count(1)
    await cards.get_by_role("link", name="Scout", exact=True).click()
    await expect(page.locator("#activity")).to_contain_text("no turn yet")

    await page.get_by_role("link", name="Fork", exact=True).click()
    await expect(page.get_by_role("heading", name="Fork Scout")).to_be_visible()
    await page.get_by_label("Name", exact=True).fill("Ranger")
    await page.get_by_role("button", name="Fork").click()
    await page.get_by_label("Instructions").fill("Look around. Look far.")
    await page.get_by_role("spinbutton", name="Trust").fill("72")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#about")).to_contain_text("trust 72")
    await page.get_by_role("link", name="what it does otherwise").click()
    await expect(page.locator("ins", has_text="Look far.")).to_be_visible()

    await page.goto(f"/agents/{hired.id}")
    await page.get_by_role("button", name="Lend it").click()
    code = await page.get_by_label("Code of the grant").input_value()
    other = await server.make_org("Beacon")
    there = await visitors.visit("/grants", other.owner)
    await there.get_by_label("Code", exact=True).fill(code)
    await there.get_by_label("Its name here").fill("Our scout")
    await there.get_by_role("button", name="Borrow").click()
    await expect(there.get_by_role("heading", name="Our scout", level=1)).to_be_visible()
    await expect(there.get_by_label("Instructions")).to_have_count(0)
    await there.get_by_label("Name", exact=True).fill("Pathfinder")
    await there.get_by_role("button", name="Save").click()
    await expect(there.get_by_role("heading", name="Pathfinder", level=1)).to_be_visible()
    await expect(there.locator("#tools")).to_contain_text("From its lender it has read_messages, list_people.")
    await there.evaluate(
        "fetch(location.pathname + '/tools', {method: 'POST', body: new URLSearchParams({tool: 'mcp-tracker-list'})})"
    )
    await there.reload()
    await expect(there.get_by_label("mcp-tracker-list")).to_be_checked()
    await there.get_by_label("mcp-tracker-list").uncheck()
    await there.get_by_role("button", name="Set tools").click()
    await expect(there.get_by_text("Saved.")).to_be_visible()
    await expect(there.get_by_label("mcp-tracker-list")).to_have_count(0)
    assert await tools_at(there, other) == LENT
    await there.get_by_role("link", name="the grant").click()
    await there.get_by_label("Visible to").select_option(label="Everybody there")
    await there.get_by_role("button", name="Save").click()
    await expect(there.get_by_text("Saved, and both")).to_be_visible()

    await page.goto("/grants")
    await page.get_by_role("link", name="Scout", exact=True).click()
    await page.get_by_role("button", name="End the grant").click()
    await page.get_by_role("dialog").get_by_role("button", name="End it").click()
    await expect(page.get_by_text("ended", exact=True)).to_be_visible()
    assert (await other.owner.api.get("/agents")).json()["items"] == []


async def test_who_may_not_read_instructions_is_told_that_they_differ(visitors: Visitors, server: Server, org: Org):
    hired = await server.hire(org, "scout", name="Scout", instructions="Look around.")
    fork = (await org.owner.api.post(f"/agents/{hired.id}/fork", json={"name": "Ranger"})).json()
    (await org.owner.api.patch(f"/agents/{fork['id']}", json={"instructions": "Look far."})).raise_for_status()
    page = await visitors.visit(f"/agents/{fork['id']}/differences", await org.add())
    await expect(page.get_by_role("list", name="Differences")).to_contain_text("They differ; how is for who")
    await expect(page.get_by_text("Look far.")).to_have_count(0)
