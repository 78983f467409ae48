"""Projects and tasks in the browser: a project is begun, its board used by hand, keys and phone, and follows others."""

from playwright.async_api import Page, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import PHONE, Visitors
from tests.work.ground import begun, changed, listed, person, wrote


def column(page: Page, name: str):
    return page.get_by_role("region", name=name)


async def test_from_a_project_to_a_task_that_is_done(visitors: Visitors, org: Org):
    page = await visitors.visit("/projects", org.owner)
    await page.get_by_role("link", name="Begin the first project").click()
    await page.get_by_label("Name").fill("Shop")
    await page.get_by_role("button", name="Begin").click()
    await page.get_by_label("What is to be done?").fill("Paint it")
    await page.get_by_role("button", name="Add").click()
    await column(page, "Backlog").get_by_role("link", name="Paint it").click()
    await page.get_by_text("Edit the text").click()
    await page.get_by_label("Done when").fill("It is blue\nIt is dry")
    await page.get_by_role("textbox", name="Labels").fill("UI, walls")
    await page.get_by_role("button", name="Save").first.click()
    await page.get_by_role("button", name="It is blue").click()
    await expect(page.get_by_text("1 of 2")).to_be_visible()
    await page.get_by_label("Say something").fill("Which blue?")
    await page.get_by_role("button", name="Comment").click()
    await expect(page.get_by_role("link", name="Read the thread")).to_be_visible()
    await page.get_by_label("Status").select_option("completed")
    await page.get_by_role("complementary", name="Where it stands").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Completed").first).to_be_visible()
    await page.get_by_role("button", name="Delete it").click()
    await page.get_by_role("button", name="Bring it back").click()
    await expect(page.get_by_role("button", name="Delete it")).to_be_visible()
    (task,) = await listed(org.owner)
    assert (task["status"], task["labels"]) == ("completed", ["ui", "walls"])
    assert [one["is_met"] for one in task["success_criteria"]] == [True, False]


async def test_cards_are_moved_by_hand_and_keys_and_follow_others(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("409",)
    member, project = await org.add(), await begun(org.owner)
    first = await wrote(org.owner, project, "First")
    await wrote(org.owner, project, "Second", waits_for=[first["id"]])
    page = await visitors.visit(f"/projects/{project['slug']}", org.owner)
    card = page.get_by_role("listitem", name="#1 First")
    await card.drag_to(column(page, "In progress"))
    await expect(column(page, "In progress").get_by_role("listitem", name="#1 First")).to_be_visible()
    waiting = page.get_by_role("listitem", name="#2 Second")
    await waiting.get_by_label("Move #2").select_option("in_progress")
    await expect(page.get_by_text("It waits for other tasks.")).to_be_visible()
    await expect(column(page, "Backlog").get_by_role("listitem", name="#2 Second")).to_be_visible()
    await card.focus()
    await page.keyboard.press("Alt+ArrowRight")
    await page.get_by_label("In a sentence").fill("No paint.")
    await page.get_by_role("button", name="It is blocked").click()
    await expect(column(page, "Blocked").get_by_text("No paint.")).to_be_visible()
    await changed(member, first, status="completed")
    await expect(column(page, "Completed").get_by_role("listitem", name="#1 First")).to_be_visible()
    await wrote(member, project, "Third")
    await expect(column(page, "Backlog").get_by_role("listitem", name="#3 Third")).to_be_visible()


async def test_on_a_phone_and_without_scripts(visitors: Visitors, org: Org):
    project = await begun(org.owner)
    await wrote(org.owner, project, "First")
    await wrote(org.owner, project, "Second", assignee=person(org.owner))
    page = await visitors.visit(f"/projects/{project['slug']}", org.owner, **PHONE)
    assert await page.evaluate("scrollTo(500, 0), scrollX") == 0, "only the columns scroll sideways"
    await page.get_by_label("Move #1").select_option("in_progress")
    await expect(column(page, "In progress").get_by_role("listitem", name="#1 First")).to_be_attached()
    plain = await visitors.visit(f"/projects/{project['slug']}", org.owner, java_script_enabled=False)
    card = plain.get_by_role("listitem", name="#2 Second")
    await card.get_by_label("Move #2").select_option("cancelled")
    await card.get_by_role("button", name="Move").click()
    await expect(column(plain, "Cancelled").get_by_role("listitem", name="#2 Second")).to_be_visible()
    await plain.goto("/tasks?status=all")
    for box in await plain.get_by_role("checkbox").all():
        await box.check()
    group = plain.get_by_role("group", name="Change those that are marked")
    await group.get_by_label("Priority").select_option("P0")
    await group.get_by_role("button", name="Change them").click()
    await expect(plain.get_by_text("2 changed.")).to_be_visible()
    assert {task["priority"] for task in await listed(org.owner)} == {"P0"}
