"""The forms on a task's page: what others did meanwhile stays, after a refusal too, and so does what nobody touched."""

from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.ground import begun, changed, wrote
from tests.work.page_ground import visit_page

TOO_MANY = ", ".join(f"label {number}" for number in range(21))


async def test_what_others_chose_meanwhile_stays_after_a_refusal(server: Server, org: Org):
    task = await wrote(org.owner, await begun(org.owner), priority="P2")
    page = await visit_page(server, org.owner, f"/tasks/{task['id']}")
    await changed(org.owner, task, priority="P0")
    await page.choose(status="blocked")
    assert "Say why it cannot go on." in page.text
    await page.choose(blocked_reason="No paint.")
    now = await page.now()
    assert (now["status"], now["blocked_reason"], now["priority"]) == ("blocked", "No paint.", "P0")


async def test_text_that_was_refused_for_itself_is_not_saved_over_what_others_wrote(server: Server, org: Org):
    task = await wrote(org.owner, await begun(org.owner), description="Blue.")
    page = await visit_page(server, org.owner, f"/tasks/{task['id']}", form="title")
    await changed(org.owner, task, description="Red.")
    await page.choose(labels=TOO_MANY)
    assert page.fields["labels"] == TOO_MANY
    await page.choose(labels="ui")
    assert "Somebody changed this task meanwhile" in page.text
    assert ((now := await page.now())["description"], now["labels"]) == ("Red.", [])
    await page.choose(labels=TOO_MANY)  # who was shown what stands there may save over it, also after another refusal
    await page.choose(labels="ui")
    assert ((now := await page.now())["description"], now["labels"]) == ("Blue.", ["ui"])


async def test_what_is_met_stays_met_when_the_text_is_saved(server: Server, org: Org):
    criteria = [{"text": text, "is_met": text != "Cheap"} for text in ("Blue", "Dry", "Cheap")]
    project = await begun(org.owner)
    task = await wrote(org.owner, project, description="Both\nsides.", success_criteria=criteria)
    page = await visit_page(server, org.owner, f"/tasks/{task['id']}", form="title")
    await page.choose(title="Paint it blue")
    now = await page.now()
    assert (now["title"], now["description"]) == ("Paint it blue", "Both\nsides.")
    assert [one["is_met"] for one in now["success_criteria"]] == [True, True, False]


async def test_a_reason_of_several_lines_stays_as_it_was_written(server: Server, org: Org):
    reason = "No paint.\nThe shop  is shut."
    task = await wrote(org.owner, await begun(org.owner))
    await changed(org.owner, task, status="blocked", blocked_reason=reason)
    page = await visit_page(server, org.owner, f"/tasks/{task['id']}")
    assert page.fields["blocked_reason"] == "No paint. The shop is shut."
    await page.choose(priority="P1")
    assert ((now := await page.now())["priority"], now["blocked_reason"]) == ("P1", reason)
