"""The timeline in the browser: told by a form, live in another window, narrowed by links, an event where it stands."""

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import PHONE, Visitors
from tests.work.ground import begun, person, wrote
from tests.work.timeline_ground import posted


async def test_what_one_tells_another_sees_at_once_and_narrows(visitors: Visitors, server: Server, org: Org):
    member = await org.add()
    page = await visitors.visit("/timeline", org.owner)
    other = await visitors.visit("/timeline", member)
    await expect(other.get_by_role("heading", name="Nothing has happened yet")).to_be_visible()
    await page.get_by_role("link", name="Tell everybody").first.click()
    await page.get_by_text("A question", exact=True).click()
    await page.get_by_label("What there is to say").fill("Who has the **key**?")
    await page.get_by_role("button", name="Tell everybody").click()
    await expect(page.get_by_text("It stands on the timeline.")).to_be_visible()
    await expect(other.get_by_text("Who has the key?")).to_be_visible()
    await posted(org.owner, metadata={"machine": "mill"})
    await expect(other.get_by_text("The mill is stuck.")).to_be_visible()
    await other.get_by_role("link", name="machine=mill").click()
    await expect(other.get_by_text("Who has the key?")).to_have_count(0)
    await other.get_by_role("link", name="Not only machine=mill").click()
    await expect(other.get_by_text("Who has the key?")).to_be_visible()
    await other.get_by_role("navigation", name="What to show").get_by_role("link", name="Problems").click()
    await expect(other.get_by_text("Who has the key?")).to_have_count(0)
    await other.locator(".event time").first.click()
    await expect(other.get_by_text("What happened around it")).to_be_visible()
    await expect(other.locator(".event[aria-current]")).to_contain_text("The mill is stuck.")


async def test_it_works_without_scripts_and_on_a_phone(visitors: Visitors, org: Org):
    await posted(org.owner, "<b>Stuck</b>", metadata={"<i>": "x"})
    task = await wrote(org.owner, await begun(org.owner), assignee=person(org.owner))
    page = await visitors.visit("/timeline", org.owner, java_script_enabled=False, **PHONE)
    await expect(page.get_by_text("Stuck")).to_be_visible()
    assert await page.get_by_role("link", name="Paint it").get_attribute("href") == f"/tasks/{task['id']}"
    await expect(page.get_by_text(task["id"])).to_have_count(0)
    await page.get_by_role("link", name="Problems").click()
    await expect(page.get_by_text("Stuck")).to_be_visible()
    export = page.get_by_role("link", name="Export as CSV")
    await expect(export).to_have_attribute("href", "/api/v1/timeline/export?type=problem_report")
    await page.goto("/timeline/new")
    await page.get_by_label("What there is to say").fill("Clean it.")
    await page.get_by_label("Advice").check()
    await page.get_by_role("button", name="Tell everybody").click()
    await expect(page.locator(".event").first).to_contain_text("gave advice")
