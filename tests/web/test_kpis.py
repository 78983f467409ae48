"""KPIs in the browser: figures that one can recompute, the leaderboard, metrics of roles, on a phone."""

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import PHONE, Visitors
from tests.work.ground import begun
from tests.work.kpi_ground import calculated, completed, reviewed


async def test_a_person_follows_trust_from_the_leaderboard_to_its_sum(visitors: Visitors, server: Server, org: Org):
    scout, shop = await server.hire(org, "scout", name="Scout", role_title="Painter"), await begun(org.owner)
    await completed(org, shop, scout)
    await calculated(server, org)
    await reviewed(org.owner, "approved", scout)
    await calculated(server, org)
    page = await visitors.visit("/settings/metrics", org.owner)
    await page.get_by_label("What people call it").fill("Walls painted")
    await page.get_by_label("What programs call it").fill("walls")
    await page.get_by_role("button", name="Name it").click()
    await expect(page.get_by_text("It is measured from now on.")).to_be_visible()
    await page.goto("/leaderboard?role=Painter")
    await expect(page.get_by_text("1 task completed")).to_be_visible()
    await page.get_by_role("link", name="Scout", exact=True).first.click()
    await expect(page.get_by_role("img", name="Trust: From 52.73 it went to")).to_be_visible()
    whole = page.locator(".sums .whole").first
    await expect(whole).to_contain_text("50 + (91 − 50) × 2 ÷ (2 + 10)")
    await expect(whole).to_contain_text("56.83")
    await expect(page.get_by_text("Walls painted")).to_be_visible()
    await page.get_by_role("button", name="Calculate now").click()
    await expect(page.get_by_text("asked for it.")).to_be_visible()


async def test_the_pages_teach_where_nothing_counted_and_fit_a_phone(visitors: Visitors, server: Server, org: Org):
    member, scout = await org.add(), await server.hire(org, "scout", name="Scout")
    page = await visitors.visit(f"/agents/{scout.id}/kpis", member, java_script_enabled=False, **PHONE)
    await expect(page.get_by_role("heading", name="Nothing has counted yet")).to_be_visible()
    await expect(page.get_by_role("button", name="Calculate now")).to_have_count(0)
    await completed(org, await begun(org.owner), scout)
    await calculated(server, org)
    await page.reload()
    await expect(page.get_by_role("heading", name="How its trust is worked out")).to_be_visible()
    assert await page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    await page.goto("/leaderboard?q=nobody")
    await expect(page.get_by_role("heading", name="No agent is like that")).to_be_visible()
