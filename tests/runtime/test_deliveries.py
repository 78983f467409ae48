import asyncio
from uuid import UUID

import pytest

from crewhall.kernel.actor import system_actor
from crewhall.kernel.errors import UNAVAILABLE
from crewhall.ports.message_log import RecordType
from crewhall.runtime.deliveries import deliver
from crewhall.runtime.runs import Run
from tests.conversations.ways import as_member, direct, group, post, turns_settled


async def inbox(server, org, agent):
    """What was delivered: (reason, content, message id) in order."""
    await turns_settled(server.db, org.id)
    records = await server.services.log.read(org.id, UUID(agent.inbox_id), after=0, limit=500)
    assert all(record.type is RecordType.DELIVERY and record.metadata for record in records)
    return [(r.metadata["reason"], r.metadata["message"]["content"], r.metadata["message"]["id"]) for r in records]


async def test_mentions_replies_and_direct_messages_are_delivered_once_each(server, org):
    agent = await server.hire(org)
    general = await server.general(org)
    mention = await post(org.owner, general, f"hello @{agent.code}, @{agent.code}")
    await post(org.owner, general, "nobody")
    own = await post(agent, general, "my word")
    reply = await post(org.owner, general, "and mine", parent_id=own["id"])
    both = await post(org.owner, general, f"again @{agent.code}", parent_id=own["id"])
    await turns_settled(server.db, org.id)
    talk = await post(org.owner, await direct(org.owner, agent), "psst")
    assert await inbox(server, org, agent) == [
        ("mention", mention["content"], mention["id"]), ("reply", "and mine", reply["id"]),
        ("mention", both["content"], both["id"]), ("message", "psst", talk["id"]),
    ]  # fmt: skip
    shown = (await agent.api.get(f"/conversations/{agent.inbox_id}")).json()
    assert shown["unread"] == 4


async def test_a_delivery_holds_the_message_as_every_face_shows_it(server, org):
    agent = await server.hire(org)
    posted = await post(
        org.owner, await server.general(org), f"**hi** @{agent.code}", metadata={"a": [1]}, kind="question"
    )
    await turns_settled(server.db, org.id)
    (record,) = await server.services.log.read(org.id, UUID(agent.inbox_id), after=0, limit=10)
    assert record.client_id == f"delivery:{posted['id']}"
    assert record.metadata["message"] == posted


@pytest.mark.rule("B1")
async def test_only_agents_that_may_read_and_answer_are_delivered_to(server, org, other_org):
    outsider, member, gone = await server.hire(org), await server.hire(org), await server.hire(org)
    idle, stranger = await server.hire(org), await server.hire(other_org)
    circle = await group(org.owner, member, gone, idle)
    (await org.owner.api.patch(f"/agents/{idle.id}", json={"status": "inactive"})).raise_for_status()
    names = " ".join(f"@{agent.code}" for agent in (outsider, member, gone, idle, stranger))
    (await org.owner.api.delete(f"/conversations/{circle}/members/agent/{gone.id}")).raise_for_status()
    await post(org.owner, circle, names)
    assert [reason for reason, *_ in await inbox(server, org, member)] == ["mention"]
    for agent in (outsider, gone, idle):
        assert await inbox(server, org, agent) == []
    assert await inbox(server, other_org, stranger) == []


async def test_an_agent_is_not_told_of_its_own_messages(server, org):
    agent = await server.hire(org)
    talk = await direct(org.owner, agent)
    first = await post(agent, talk, f"I am @{agent.code}")
    await post(agent, talk, "again", parent_id=first["id"])
    assert await inbox(server, org, agent) == []


@pytest.mark.rule("C2")
async def test_agents_cannot_talk_to_each_other_without_end(server, org):
    """Each agent wakes others, and is woken by them, twice until a person speaks."""
    ping, pong = await server.hire(org), await server.hire(org)
    circle = await group(org.owner, ping, pong)
    policy = f"/conversations/{circle}"
    (await org.owner.api.patch(policy, json={"agent_policy": {"agent_cooldown_seconds": 0}})).raise_for_status()

    async def heard_after(rounds):
        for _ in range(rounds):
            for one, other in ((ping, pong), (pong, ping)):
                await post(one, circle, f"@{other.code}")
                await turns_settled(server.db, org.id)
        return len(await inbox(server, org, ping)), len(await inbox(server, org, pong))

    assert await heard_after(3) == (1, 2)
    await post(org.owner, circle, "a person speaks")
    assert await heard_after(3) == (2, 4)
    (await org.owner.api.patch(policy, json={"agent_policy": {"multi_agent_enabled": False}})).raise_for_status()
    await post(org.owner, circle, "a person speaks")
    assert await heard_after(1) == (2, 4)


@pytest.mark.rule("X1")
async def test_deliveries_that_are_made_again_double_nothing(server, org):
    agent = await server.hire(org)
    general = await server.general(org)
    for number in range(5):
        message = await post(org.owner, general, f"@{agent.code} {number}")
    before = await inbox(server, org, agent)
    path = f"/conversations/{general}/messages/{message['id']}"
    (await org.owner.api.patch(path, json={"content": "edited since"})).raise_for_status()
    async with server.db.transaction(system_actor(org.id)) as tx:
        runs = await tx.all(Run, "select * from runs where is_remote")
    assert runs
    for run in runs:  # as if killed after the appends, before the run had ended
        assert await deliver(server.db, server.services.log, run) > 0
    assert await inbox(server, org, agent) == [*before[:4], ("mention", "edited since", message["id"])]


@pytest.mark.rule("X1")
async def test_a_turn_is_taken_again_until_the_log_acknowledges(server, org, monkeypatch):
    agent = await server.hire(org)
    await turns_settled(server.db, org.id)
    log, refused = server.services.log, []
    append = type(log).append

    async def refuse_deliveries_at_first(self, record):
        if record.type is RecordType.DELIVERY and not refused:
            refused.append(record.client_id)
            raise UNAVAILABLE("The database is away.")
        return await append(self, record)

    monkeypatch.setattr(type(log), "append", refuse_deliveries_at_first)
    await post(org.owner, await server.general(org), f"@{agent.code}")
    assert [reason for reason, *_ in await inbox(server, org, agent)] == ["mention"]
    assert len(refused) == 1


async def test_a_retired_inbox_holds_nobody_up(server, org):
    leaving, staying = await server.hire(org), await server.hire(org)
    general = await server.general(org)
    await asyncio.gather(
        post(org.owner, general, f"@{leaving.code} @{staying.code}"),
        org.owner.api.delete(f"/agents/{leaving.id}"),
    )
    await post(org.owner, general, f"@{staying.code} again")
    assert len(await inbox(server, org, staying)) == 2


async def test_members_added_later_hear_what_is_said_from_then_on(server, org):
    agent = await server.hire(org, visibility="private")
    circle = await group(org.owner)
    await post(org.owner, circle, f"@{agent.code} too early")
    (await org.owner.api.post(f"/conversations/{circle}/members", json=as_member(agent))).raise_for_status()
    await post(org.owner, circle, f"@{agent.code} now")
    assert [content for _, content, _ in await inbox(server, org, agent)] == [f"@{agent.code} now"]
