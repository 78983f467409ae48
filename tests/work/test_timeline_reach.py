"""Who sees which events: nobody finds out by the timeline what is hidden from them elsewhere."""

from typing import Any
from uuid import UUID

import pytest

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.ids import new_id
from crewhall.work import Timeline, record_event
from crewhall.work.timeline_content import TaskAssigned, TrustChanged
from crewhall.work.timeline_queries import list_events
from crewhall.work.timeline_schemas import Looked
from tests.conversations.ways import group
from tests.identity.hall import Member, Org
from tests.support.server import AgentClient, Server
from tests.work.timeline_ground import listed, posted, said, told

Who = Member | AgentClient


async def sees(who: Who, event_id: str) -> bool:
    """Whether somebody sees an event, on every way there."""
    found = {
        "list": event_id in {one["id"] for one in await listed(who.api)},
        "show": (await who.api.get(f"/timeline/{event_id}")).status_code == 200,
        "around": (await who.api.get("/timeline", params={"around": event_id})).status_code == 200,
        "export": event_id in (await who.api.get("/timeline/export", params={"format": "jsonl"})).text,
    }
    assert len(set(found.values())) == 1, found
    return found["list"]


@pytest.mark.rule("B1", "D5")
async def test_another_organization_sees_nothing(server: Server, org: Org, other_org: Org):
    one = await posted(org.owner, metadata={"machine": "mill"}, mentions=[str(org.owner.id)])
    stranger = await server.hire(other_org)
    for who in (other_org.owner, stranger):
        assert not await sees(who, one["id"])
        for query in ({"author": str(org.owner.id)}, {"mention": str(org.owner.id)}, {"metadata": "machine=mill"}):
            assert await listed(who.api, **query) == []
        refused = await who.api.post(
            "/timeline", json={"type": "question_asked", "content": {"text": "?"}, "mentions": [str(org.owner.id)]}
        )
        assert refused.status_code == 422


@pytest.mark.rule("B1", "D5")
async def test_what_a_private_conversation_says_its_readers_alone_see(server: Server, org: Org):
    admin, member, agent = await org.add("admin"), await org.add(), await server.hire(org)
    circle = await group(member)
    body = {"member_type": "agent", "member_id": agent.id}
    (await member.api.post(f"/conversations/{circle}/members", json=body)).raise_for_status()
    message = await said(member, circle, "Between us?", kind="question")
    (event,) = await told(member.api)
    assert event["id"] == message["id"]
    assert [await sees(who, event["id"]) for who in (member, agent, org.owner, admin)] == [True, True, False, False]
    assert await listed(org.owner.api, conversation=circle) == []
    (await member.api.delete(f"/conversations/{circle}/members/agent/{agent.id}")).raise_for_status()
    assert not await sees(agent, event["id"])
    title = (await member.api.get(f"/conversations/{circle}")).json()["title"]
    (await member.api.delete(f"/conversations/{circle}", params={"confirm": title})).raise_for_status()
    assert not await sees(member, event["id"])


@pytest.mark.rule("B2", "D5")
async def test_what_a_hidden_agent_does_is_hidden_too(server: Server, org: Org):
    hidden, member, agent = await server.hire(org, visibility="hidden"), await org.add(), await server.hire(org)
    own = await posted(hidden)
    (await org.owner.api.patch(f"/agents/{hidden.id}", json={"trust_score": 80})).raise_for_status()
    (trust,) = await listed(org.owner.api, type="trust_score_changed")
    for event in (own, trust):
        assert [await sees(who, event["id"]) for who in (org.owner, hidden, member, agent)] == [
            True, True, False, False,
        ]  # fmt: skip
    mention = await posted(org.owner, mentions=[hidden.id, agent.id])
    assert {one["id"] for one in mention["mentions"]} == {hidden.id, agent.id}
    shown = (await member.api.get(f"/timeline/{mention['id']}")).json()
    assert [one["id"] for one in shown["mentions"]] == [agent.id]


@pytest.mark.rule("D5", "D9")
async def test_of_a_proposal_its_author_and_who_decides_know(server: Server, org: Org):
    author, member = await org.add(), await org.add()
    agent = await server.hire(org)
    body = {"title": "Rents", "content": "Due on the first."}
    (await author.api.post("/wiki", json={**body, "draft": True, "title": "Draft"})).raise_for_status()
    proposed = (await author.api.post("/wiki", json=body)).raise_for_status().json()
    (waits,) = await listed(org.owner.api)
    assert (waits["type"], waits["title"], waits["content"]["status"]) == (
        "wiki_contribution", "Rents", "pending_approval",
    )  # fmt: skip
    everybody: tuple[Who, ...] = (org.owner, author, member, agent)
    assert [await sees(who, waits["id"]) for who in everybody] == [True, True, False, False]
    (await org.owner.api.post(f"/wiki/versions/{proposed['id']}/approve", json={})).raise_for_status()
    approved = (await listed(org.owner.api))[0]
    assert (approved["content"]["status"], approved["author"]["id"]) == ("approved", str(author.id))
    assert [await sees(who, approved["id"]) for who in everybody] == [True] * 4
    (await org.owner.api.put(f"/wiki/{proposed['entry_id']}/archive")).raise_for_status()
    assert [await sees(who, approved["id"]) for who in everybody] == [True, True, False, False]


@pytest.mark.rule("D5")
async def test_trust_that_is_set_by_hand_is_told_without_an_author(server: Server, org: Org):
    agent = await server.hire(org)
    (await org.owner.api.patch(f"/agents/{agent.id}", json={"trust_score": 72.5})).raise_for_status()
    (await org.owner.api.patch(f"/agents/{agent.id}", json={"status": "probation"})).raise_for_status()
    standing, trust = await listed(agent.api, agent=agent.id)
    assert (trust["type"], trust["author"], trust["agent"]["id"]) == ("trust_score_changed", None, agent.id)
    assert (trust["content"]["before"], trust["content"]["after"]) == (50, 72.5)
    assert trust["summary"] == f"{agent.code}’s trust is 72.5, was 50"
    assert (standing["content"]["status_before"], standing["content"]["status_after"]) == ("active", "probation")
    refused = await (await org.add()).api.patch(f"/agents/{agent.id}", json={"trust_score": 99})
    assert (refused.status_code, len(await listed(org.owner.api))) == (403, 2)


@pytest.mark.rule("D5")
async def test_other_parts_record_what_happened_and_an_agent_of_another_project_does_not_see_it(
    server: Server, org: Org
):
    project, another = [
        UUID((await org.owner.api.post("/projects", json={"name": name})).raise_for_status().json()["id"])
        for name in ("Shop", "Mill")
    ]
    inside = await server.hire(org, level="project", project_id=str(project))
    outside = await server.hire(org, level="project", project_id=str(another))
    member = await org.add()
    async with server.db.transaction(org.owner.actor) as tx:
        content = TaskAssigned(task_id=new_id(), title="Clean the mill", priority="P1")
        event = str(await record_event(tx, org.id, content, author=org.owner.actor, project_id=project))
        nobodys = TrustChanged(agent_id=new_id(), before=1, after=2, reason="By rule.")
        system = str(await record_event(tx, org.id, nobodys, author=org.owner.actor))
    assert [await sees(who, event) for who in (member, inside, outside)] == [True, True, False]
    assert (await member.api.get(f"/timeline/{event}")).json()["title"] == "Clean the mill"
    assert (await org.owner.api.get(f"/timeline/{system}")).json()["author"] is None
    own = await posted(inside)
    assert own["project_id"] == str(project)
    assert [one["id"] for one in await listed(member.api, project=str(project))] == [own["id"], event]


@pytest.mark.rule("X11")
async def test_who_acts_for_somebody_sees_what_both_may(server: Server, org: Org):
    ada, agent = await org.add(), await server.hire(org)
    circle = await group(org.owner)
    body = {"member_type": "agent", "member_id": agent.id}
    (await org.owner.api.post(f"/conversations/{circle}/members", json=body)).raise_for_status()
    await said(org.owner, circle, "Between us?", kind="question")
    await told(org.owner.api)

    async def seen(behalf: tuple[Actor, ...]) -> int:
        acting = Actor(ActorType.AGENT, agent.id, org.id, name="Scout", behalf=behalf)  # type: ignore[arg-type]
        async with server.db.transaction(acting) as tx:
            return len((await list_events(tx, acting, Looked())).items)

    assert [await seen(who) for who in ((), (org.owner.actor,), (ada.actor,), (ada.actor, org.owner.actor))] == [
        1, 1, 0, 0,
    ]  # fmt: skip


async def test_a_guest_is_told_to_sign_in(server: Server, org: Org):
    guest = server.client()
    for path in ("/timeline", "/timeline/types", "/timeline/export"):
        assert (await guest.get(path)).status_code == 401
    assert (await guest.post("/timeline", json={"type": "question_asked", "content": {}})).status_code == 401
    assert isinstance(server.services.part(Timeline), Timeline)
    nothing: list[dict[str, Any]] = await listed(org.owner.api)
    assert nothing == []
