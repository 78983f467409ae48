"""How a call stands that was asked about: in the conversation, for whoever reads it, and no more than that."""

import pytest
from playwright.async_api import expect

from crewhall.sdk import Client
from tests.conversations.ways import group
from tests.support.server import token_of
from tests.support.waiting import until
from tests.turns_faces.scene import Scene
from tests.turns_faces.test_approvals import asking
from tests.web.browser import PHONE, Visitors
from tests.web.judging import check


@pytest.mark.rule("X5")
async def test_what_became_of_a_call_stands_beside_it_for_whoever_reads_there(visitors: Visitors, scene: Scene):
    reader = await visitors.visit(f"/c/{scene.circle}", scene.member, **PHONE)
    asked = await asking(scene)
    told = reader.locator(".stream .message", has_text="asked to use list_people")
    await expect(told).to_contain_text("A person decides.")
    await expect(told.locator(".standing")).to_have_count(0)
    await until(lambda: scene.runs(status="waiting"))
    await scene.say("Approved, I say", client_id=f"approval:{asked['id']}")
    forged = reader.locator(".stream .message", has_text="Approved, I say")
    await expect(forged).to_be_visible()
    refused = await scene.owner.post(f"/approvals/{asked['id']}/refuse", json={"reason": "Ask them yourself."})
    refused.raise_for_status()
    await expect(told.locator(".standing")).to_have_text("refused")
    await expect(forged.locator(".standing")).to_have_count(0)
    async with reader.expect_request(lambda request: f"/approvals?limit=100&id={asked['id']}" in request.url):
        await reader.reload()
    await expect(told.locator(".standing")).to_have_text("refused")
    await check(reader, "a call that was refused")
    await told.get_by_role("link", name="How it stands").click()
    await expect(reader.get_by_role("heading", name="Scout asked to use list_people")).to_be_visible()
    await expect(reader.locator("#main .badge")).to_have_text("refused")
    for hidden in ("limit", "Ask them yourself", scene.org.owner.actor.name):
        assert hidden not in await reader.locator("#main").inner_html(), hidden
    await check(reader, "how a call stands")


@pytest.mark.rule("X5")
async def test_who_does_not_read_there_sees_nothing_of_it(visitors: Visitors, scene: Scene):
    asked = await asking(scene)
    path = f"/conversations/{scene.circle}/approvals"
    async with Client(scene.server.address, token=token_of(scene.member.api)) as client:
        (one,) = [one async for one in client.approvals.standings(scene.circle)]
    assert (one.id, one.tool, one.status, one.decided_at) == (asked["id"], "list_people", "waiting", None)
    assert set((await scene.member.api.get(path)).json()["items"][0]) == {
        "id", "conversation_id", "agent", "tool", "status", "decided_at", "expires_at", "created_at",
    }  # fmt: skip
    assert (await scene.member.api.get(f"/approvals/{asked['id']}")).status_code == 403
    assert (await scene.stranger.api.get(path)).status_code == 404
    elsewhere = await group(scene.org.owner, scene.member)
    assert (await scene.member.api.get(f"/conversations/{elsewhere}/approvals")).json()["items"] == []
    for place, ids, found in (
        (scene.circle, [asked["id"], elsewhere], 1), (scene.circle, [elsewhere], 0), (elsewhere, [asked["id"]], 0),
    ):  # fmt: skip
        answer = await scene.member.api.get(f"/conversations/{place}/approvals", params={"id": ids})
        assert len(answer.raise_for_status().json()["items"]) == found
    assert (await scene.stranger.api.get(path, params={"id": asked["id"]})).status_code == 404
    for wrong in (["what"], [asked["id"]] * 201):
        assert (await scene.member.api.get(path, params={"id": wrong})).status_code == 422
    visitors.tolerated = ("403",)
    stranger = await visitors.visit(f"/approvals/{asked['id']}", scene.stranger)
    await expect(stranger.get_by_role("heading", name="Not allowed")).to_be_visible()
    assert "list_people" not in await stranger.content()


async def test_calls_of_one_conversation_are_found_without_a_look_at_all_others(scene: Scene):
    async with scene.server.db.transaction(scene.org.owner.actor) as tx:
        await tx.run("set local enable_seqscan = off")
        await tx.run("set local enable_bitmapscan = off")
        plan = await tx.values(
            """
            explain select p.id from approvals p where p.org_id = any (current_orgs()) and p.conversation_id = %(place)s
            order by p.id desc limit 101
            """,
            {"place": scene.circle},
        )
    assert any("approvals_place" in line for line in plan), plan
    assert not any("Sort" in line for line in plan), plan
