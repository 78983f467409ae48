"""Work sessions and a person's day in the browser: looked at, ended after a question, narrowed by a link."""

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import PHONE, Visitors
from tests.work.ground import begun, person, wrote
from tests.work.session_ground import logged, shown, started


async def test_a_person_looks_at_a_session_and_ends_it(visitors: Visitors, server: Server, org: Org):
    member, hired = await org.add(), await server.hire(org)
    session = (await started(hired, goal="Paint the <wall>"))["session"]["id"]
    await logged(hired, session, "Half of it is **blue**.")
    project = await begun(org.owner)
    await wrote(org.owner, project, "Buy paint", priority="P0", assignee=person(org.owner))
    page = await visitors.visit("/day", org.owner)
    await expect(page.get_by_role("link", name="Buy paint").first).to_be_visible()
    await page.get_by_role("region", name="Agents at work").get_by_role("link", name=hired.code).click()
    await expect(page.get_by_role("heading", name="Paint the <wall>")).to_be_visible()
    await expect(page.get_by_text("Half of it is blue.")).to_be_visible()
    await page.get_by_role("button", name="End it").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert (await shown(org.owner, session))["stopped_at"] is None
    await page.get_by_role("button", name="End it").click()
    await page.get_by_label("What should it know?").fill("The paint comes on Monday.")
    await page.get_by_role("dialog").get_by_role("button", name="End it").click()
    await expect(page.get_by_text("The session is over.")).to_be_visible()
    await expect(page.get_by_text("The paint comes on Monday.").first).to_be_visible()
    await expect(page.get_by_role("button", name="End it")).to_have_count(0)
    await page.goto(f"/agents/{hired.id}")
    await page.locator("#sessions").get_by_role("link", name="Paint the <wall>").click()
    await expect(page.get_by_role("heading", name="What it left")).to_be_visible()
    phone = await visitors.visit("/sessions", member, java_script_enabled=False, **PHONE)
    await expect(phone.get_by_text("Paint the <wall>")).to_be_visible()
    await phone.get_by_role("link", name="At work").click()
    await expect(phone.get_by_role("heading", name="Nothing like that")).to_be_visible()
    await phone.goto("/day")
    await expect(phone.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    assert (await phone.goto(f"/sessions/{session}")) is not None
    await expect(phone.get_by_role("button", name="End it")).to_have_count(0)
