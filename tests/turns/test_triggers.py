"""What the log's records make agents be asked."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from psycopg import OperationalError

from crewhall.agents.actions import delete_agent
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.runtime.places import Place, name_places, places_named, shard_of, shards_named
from crewhall.runtime.triggers import TriggerDeriver, add_trigger
from crewhall.runtime.vocabulary import Cause
from tests.support.waiting import until
from tests.turns.hall import TurnHall

HALF_DONE = """
select pid from pg_stat_activity
where datname = current_database() and query like '%announce_triggers%' and wait_event_type = 'Lock'
"""


async def asked(hall: TurnHall, conversation: UUID) -> list[tuple[str, Any, Any]]:
    """What waits in a conversation: (cause, agent, message), in order."""
    await hall.derive()
    async with hall.everything() as connection:
        cursor = await connection.execute(
            "select cause, agent_id, message_id from turn_triggers where conversation_id = %(id)s"
            " order by message_seq, cause, agent_id, message_id",
            {"id": conversation},
        )
        return list(await cursor.fetchall())


async def test_mentions_replies_and_direct_messages_ask_once_each(hall, org):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    mention = await hall.say(org.owner.actor, circle, f"hello @{agent.name}, @{agent.name}")
    await hall.say(org.owner.actor, circle, "nobody")
    own = await hall.say(agent, circle, f"I am @{agent.name}")
    reply = await hall.say(org.owner.actor, circle, "and mine", parent_id=own.id)
    both = await hall.say(org.owner.actor, circle, f"again @{agent.name}", parent_id=own.id)
    assert await asked(hall, circle) == [
        ("mention", agent.id, mention.id), ("reply", agent.id, reply.id), ("mention", agent.id, both.id)
    ]  # fmt: skip
    talk = await hall.direct(org, agent)
    said = await hall.say(org.owner.actor, talk, f"psst @{agent.name}")
    more = await hall.say(org.owner.actor, talk, "psst")
    await hall.say(agent, talk, "yes")
    assert await asked(hall, talk) == [("mention", agent.id, said.id), ("direct", agent.id, more.id)]


@pytest.mark.rule("C2")
async def test_who_answers_unasked_is_asked_by_all_but_itself(hall, org):
    one, two, outside = await hall.hire(org), await hall.hire(org), await hall.hire(org)
    lively = await hall.group(org, one, two, auto_trigger=True)
    quiet = await hall.group(org, one, two)
    first = await hall.say(org.owner.actor, lively, f"anybody? @{outside.name}")
    second = await hall.say(one, lively, f"me, @{two.name}")
    await hall.say(org.owner.actor, quiet, "anybody?")
    expected = [("auto", agent, first.id) for agent in sorted((one.id, two.id))]
    expected += [("mention", outside.id, first.id), ("mention", two.id, second.id)]
    assert await asked(hall, lively) == expected
    assert await asked(hall, quiet) == []


@pytest.mark.rule("B1")
async def test_nobody_of_another_organization_is_asked(hall, org):
    other = await hall.make_org("Other")
    stranger = await hall.hire(other, "stranger")
    circle = await hall.group(org)
    message = await hall.say(org.owner.actor, circle, "@stranger")
    assert message.mentions == []
    async with hall.everything() as connection:  # as if a mention had named it after all
        await connection.execute(
            "update message_records set mentions = array[%(agent)s]::uuid[] where id = %(id)s",
            {"agent": stranger.id, "id": message.id},
        )
    assert await asked(hall, circle) == []


@pytest.mark.rule("A5")
async def test_a_deleted_agent_is_not_asked(hall, org):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    own = await hall.say(agent, circle, "farewell")
    async with hall.db.transaction(org.owner.actor) as tx:
        await delete_agent(tx, org.owner.actor, agent.id)
    await hall.say(org.owner.actor, circle, "come back", parent_id=own.id)
    assert await asked(hall, circle) == []


@pytest.mark.rule("X1")
async def test_two_processes_derive_each_trigger_once_and_a_killed_one_nothing(hall, org, monkeypatch):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    await hall.derive()

    async def step():
        return await TriggerDeriver(hall.db).step()

    monkeypatch.setattr("crewhall.runtime.triggers.CONSUMER_BATCH", 3)
    messages = [await hall.say(org.owner.actor, circle, f"@{agent.name} {number}") for number in range(10)]
    async with hall.everything() as connection, hall.everything() as onlooker:
        async with connection.transaction():
            await connection.execute("lock table turn_triggers in share mode")  # it waits with its work half done
            killed = asyncio.create_task(step())

            async def half_done():
                nonlocal killed
                if killed.done():  # what others write in the cluster hid the newest records from it
                    killed = asyncio.create_task(step())
                # within a transaction the view would go on showing what it showed first
                return await (await onlooker.execute(HALF_DONE)).fetchone()

            (backend,) = await until(half_done)
            await onlooker.execute("select pg_terminate_backend(%(pid)s)", {"pid": backend})
            with pytest.raises(OperationalError):
                await killed
        cursor = await connection.execute(
            "select count(*) from turn_triggers where agent_id = %(id)s", {"id": agent.id}
        )
        assert await cursor.fetchone() == (0,)
    await asyncio.gather(*(step() for _ in range(4)))
    assert await asked(hall, circle) == [("mention", agent.id, message.id) for message in messages]


async def test_the_wake_up_names_the_places_once(hall, org):
    agent = await hall.hire(org)
    circles = [await hall.group(org, agent) for _ in range(3)]
    await hall.derive()
    heard = []
    hall.db.hear("crewhall_triggers", heard.append)
    for circle in circles:
        await hall.say(org.owner.actor, circle, f"@{agent.name}")
        await hall.say(org.owner.actor, circle, "nobody")
    await hall.derive()
    places = {Place(org.id, circle, agent.id) for circle in circles}
    named = [place for payload in heard for place in places_named(payload)]
    assert len(named) == len(places)
    assert set(named) == places
    assert {shard for payload in heard for shard in shards_named(payload)} == {shard_of(circle) for circle in circles}
    heard.clear()
    await hall.say(org.owner.actor, circles[0], "nobody again")
    await hall.derive()
    assert heard == []


async def test_shards_are_counted_alike_here_and_in_the_database(hall, org):
    for conversation in (new_id() for _ in range(100)):
        async with hall.db.transaction(None) as tx:
            assert await tx.value("select shard_of(%(id)s)", {"id": conversation}) == shard_of(conversation)


async def test_a_caller_asks_by_message_or_prompt_under_its_own_rights(hall, org):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    message = await hall.say(org.owner.actor, circle, "please")
    outsider = await org.add()
    remote = await hall.hire(org, model_config={})

    async def ask(actor, **fields):
        async with hall.db.transaction(actor) as tx:
            return await add_trigger(tx, actor, conversation_id=circle, cause=Cause.RUN_NOW, **fields)

    assert await ask(org.owner.actor, agent_id=agent.id, message_id=message.id) == message.id
    assert await ask(org.owner.actor, agent_id=agent.id, message_id=message.id) == message.id
    await ask(org.owner.actor, agent_id=agent.id, prompt="Sum it up.")
    assert await asked(hall, circle) == [("run_now", agent.id, message.id), ("run_now", agent.id, None)]
    for actor, fields, code in [
        (outsider.actor, {"agent_id": agent.id, "prompt": "x"}, "not_found"),
        (org.owner.actor, {"agent_id": outsider.id, "prompt": "x"}, "not_found"),
        (org.owner.actor, {"agent_id": agent.id}, "invalid"),
        (org.owner.actor, {"agent_id": remote.id, "prompt": "x"}, "invalid"),
        (org.owner.actor, {"agent_id": agent.id, "message_id": agent.id}, "invalid"),
    ]:
        with pytest.raises(CrewhallError) as refused:
            await ask(actor, **fields)
        assert refused.value.code == code


def test_a_wake_up_of_very_many_places_names_their_shards():
    org, agent = new_id(), new_id()
    places = [Place(org, new_id(), agent) for _ in range(61)]
    assert set(places_named(name_places(places[:60]))) == set(places[:60])
    assert len(name_places(places[:60])) < 8000
    assert places_named(name_places(places)) == []
    assert shards_named(name_places(places)) == {place.shard for place in places}


async def test_who_is_woken_is_not_forgotten_with_a_lost_connection(hall, org, monkeypatch):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    await hall.derive()
    await hall.say(org.owner.actor, circle, f"@{agent.name}")
    heard = []
    hall.db.hear("crewhall_triggers", heard.append)
    deriver = TriggerDeriver(hall.db)
    with monkeypatch.context() as patched:
        one = Tx.one

        async def lose(self, *asked):
            await one(self, *asked)
            raise OperationalError("the connection was lost")

        patched.setattr(Tx, "one", lose)
        with pytest.raises(OperationalError):
            await deriver.step()
    assert heard == []
    await deriver.step()
    assert shard_of(circle) in {shard for payload in heard for shard in shards_named(payload)}
