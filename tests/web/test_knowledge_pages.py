"""How far the index is, on a page of the settings; the librarian offered to who has none."""

from playwright.async_api import expect

from crewhall.agents.templates import plant_templates
from crewhall.identity.events import InstallationSeeded
from crewhall.kernel.actor import system_actor
from crewhall.ports.embedder import WordEmbedder
from tests.documents.conftest import alone
from tests.documents.ground import attached, ended, means, working
from tests.documents.test_worker import Paragraphs
from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors
from tests.web.judging import check

__all__ = ["alone"]
COMES = """
update knowledge_indexes set coming = 'next-model', coming_dimension = 1536, coming_since = now() where org_id = %(org)s
"""
SETTLED = """
update knowledge_indexes set model = coming, coming = null, coming_dimension = null, coming_since = null
"""


async def test_how_far_the_index_is_moves_while_one_looks(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit("/settings/organization", org.owner)
    await page.get_by_role("link", name="Knowledge", exact=True).click()
    await expect(page.get_by_role("heading", name="Nothing to look up yet")).to_be_visible()
    await check(page, "/settings/knowledge")
    document = await attached(server, org, b"whatever", "pumps.txt")
    async with working(server, means(server, embedder=WordEmbedder(), extractor=Paragraphs(5))):
        await ended(org, document)
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run(COMES, {"org": org.id})
    await page.reload()
    status = page.get_by_role("status").filter(has_text="next-model")
    await expect(status).to_contain_text("0 of 5 passages have its vectors")
    await page.set_viewport_size({"width": 375, "height": 812})
    await check(page, "a model comes")
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run("update documents set model = 'next-model' where org_id = %(org)s", {"org": org.id})
    await expect(status).to_contain_text("5 of 5 passages")  # by itself
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run(SETTLED)
    await expect(page.get_by_text("Searches ask next-model")).to_be_visible()
    member = await org.add()
    browser, _ = await server.browse(member)
    assert (await browser.get(f"{server.address}/settings/knowledge")).status_code == 403


async def test_a_librarian_is_offered_to_who_has_none_and_takes_one_click(visitors: Visitors, server: Server, org: Org):
    async with server.db.transaction(org.owner.actor) as tx:
        await plant_templates(tx, org.owner.actor, InstallationSeeded(org.id))
    page = await visitors.visit("/agents", org.owner)
    await page.get_by_role("button", name="Add the librarian").click()
    await expect(page.get_by_role("heading", level=1, name="Librarian")).to_be_visible()
    (found,) = (await org.owner.api.get("/agents", params={"q": "librarian"})).json()["items"]
    made = (await org.owner.api.get(f"/agents/{found['id']}")).json()
    asked = {name: made["model_config"][name] for name in ("provider", "model")}
    assert (made["code"], asked) == ("librarian", {"provider": "crewhall", "model": "librarian"})
    await page.goto("/agents")
    await expect(page.get_by_role("button", name="Add the librarian")).to_have_count(0)
