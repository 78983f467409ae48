"""The forms on a task's page: what others did meanwhile stays, also after a refusal, and so does what nobody touched."""

from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.ground import begun, changed, wrote
from tests.work.page_ground import visit_page


async def test_what_others_chose_meanwhile_stays_after_a_refusal(server: Server, org: Org):
    task = await wrote(org.owner, await begun(org.owner), priority="P2")
    page = await visit_page(server, org.owner, f"/tasks/{task['id']}")
    await changed(org.owner, task, priority="P0")
    await page.choose(status="blocked")
    assert "Say why it cannot go on." in page.text
    await page.choose(blocked_reason="No paint.")
    now = await page.now()
    assert (now["status"], now["blocked_reason"], now["priority"]) == ("blocked", "No paint.", "P0")
