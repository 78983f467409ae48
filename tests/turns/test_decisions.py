"""Decisions as they are kept: one row each, the run of what speaks, nothing decided twice."""

from uuid import UUID

import psycopg
import pytest

from crewhall.agents.actions import update_agent
from crewhall.agents.schemas import AgentPatch
from crewhall.agents.vocabulary import AgentStatus
from crewhall.conversations.members import add_member, remove_member
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.vocabulary import MemberType
from crewhall.kernel.actor import system_actor
from crewhall.runtime import situations
from crewhall.runtime.places import Place
from crewhall.runtime.runs import begin_run
from crewhall.runtime.triggers import add_trigger
from crewhall.runtime.vocabulary import Cause, RunStatus
from tests.turns.hall import TurnHall


async def brief(hall: TurnHall, conversation: UUID):
    """Every decision as (outcome, reason), after deciding what is due."""
    return [(told.outcome, told.reason) for told in await hall.settle(conversation)]


@pytest.mark.rule("C2")
async def test_a_burst_becomes_one_turn(hall, org):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    asked = [await hall.say(org.owner.actor, circle, f"@{agent.name} {number}") for number in range(4)]
    told = await hall.settle(circle)
    (run,) = await hall.runs(circle)
    assert [(one.message_id, one.outcome, one.run_id) for one in told] == [
        (message.id, "speak", run.id) for message in asked
    ]
    assert (run.message_id, run.message_seq, run.exchange_id) == (asked[-1].id, asked[-1].seq, asked[-1].id)
    assert (run.cause, run.author_id, run.status) == ("mention", org.owner.id, "queued")


@pytest.mark.rule("C12")
async def test_a_run_comes_with_its_job_or_not_at_all(hall, org, monkeypatch):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    await hall.say(org.owner.actor, circle, f"@{agent.name}")
    await hall.derive()
    with monkeypatch.context() as killed, pytest.raises(ZeroDivisionError):

        async def die(*_):
            raise ZeroDivisionError

        killed.setattr("crewhall.runtime.decisions._write", die)
        await hall.decider.decide(circle)
    assert (await hall.runs(circle), await hall.decisions(circle)) == ([], [])
    await hall.settle(circle)
    (run,) = await hall.runs(circle)
    jobs = await hall.rows(
        dict,
        "select lock, args from procrastinate_jobs where args ->> 'run_id' = %(id)s",
        id=str(run.id),
    )
    assert jobs == [{"lock": f"turn:{circle}:{agent.id}", "args": {"run_id": str(run.id), "org_id": str(org.id)}}]


@pytest.mark.rule("B11")
async def test_what_a_person_asks_comes_before_what_comes_by_itself(hall, org, monkeypatch):
    monkeypatch.setattr(situations, "MOST_TRIGGERS", 2)
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    for call in ("first", "second", "third"):
        async with hall.db.transaction(org.owner.actor) as tx:
            asks = {"conversation_id": circle, "agent_id": agent.id, "cause": Cause.WEBHOOK, "prompt": call}
            await add_trigger(tx, org.owner.actor, **asks)
    await hall.say(org.owner.actor, circle, f"@{agent.name} please")
    for expected in (("mention", None), ("webhook", "first"), ("webhook", "second")):
        await hall.settle(circle)
        (run,) = [one for one in await hall.runs(circle) if one.status is RunStatus.QUEUED]
        assert (run.cause, run.prompt) == expected
        async with hall.db.transaction(system_actor(org.id)) as tx:
            claimed = await begin_run(tx, run.id)
        await hall.end(claimed)


async def test_what_is_asked_during_a_turn_is_decided_when_it_ends(hall, org):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    await hall.say(org.owner.actor, circle, f"@{agent.name} first")
    await hall.settle(circle)
    (run,) = await hall.runs(circle)
    async with hall.db.transaction(system_actor(org.id)) as tx:
        claimed = await begin_run(tx, run.id)
        seen = await hall.say(org.owner.actor, circle, f"@{agent.name} seen")
        await tx.run(
            "update runs set seen_seq = %(seq)s where id = %(id)s", {"id": run.id, "seq": seen.seq}
        )  # as its context is read
    await hall.say(org.owner.actor, circle, f"@{agent.name} unseen")
    waiting = [("speak", "asked"), ("silent", "covered"), ("wait", "busy")]
    assert await brief(hall, circle) == waiting
    assert await brief(hall, circle) == waiting
    await hall.end(claimed)
    assert await brief(hall, circle) == [*waiting, ("speak", "asked")]
    assert len(await hall.runs(circle)) == 2


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.STOPPED, RunStatus.SUCCEEDED])
async def test_however_a_turn_ends_the_next_may_begin(hall, org, status):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    await hall.say(org.owner.actor, circle, f"@{agent.name}")
    await hall.settle(circle)
    await hall.say(org.owner.actor, circle, f"@{agent.name} again")
    assert (await brief(hall, circle))[-1] == ("wait", "busy")
    (run,) = await hall.runs(circle)
    async with hall.db.transaction(system_actor(org.id)) as tx:
        claimed = await begin_run(tx, run.id)
    assert (await brief(hall, circle))[-1] == ("wait", "busy")
    await hall.end(claimed, status, "why not")
    assert (await brief(hall, circle))[-1] == ("speak", "asked")


@pytest.mark.rule("C2")
async def test_the_cooldown_is_waited_for_and_said_once(hall, org):
    one, two = await hall.hire(org), await hall.hire(org)
    circle = await hall.group(org, one, two)
    await hall.say(two, circle, "I have spoken")
    await hall.say(one, circle, f"@{two.name}?")
    assert await brief(hall, circle) == [("wait", "cooldown")]
    await hall.pass_time(10)
    assert await brief(hall, circle) == [("wait", "cooldown")]
    await hall.pass_time(5)
    assert await brief(hall, circle) == [("wait", "cooldown"), ("speak", "asked")]


@pytest.mark.rule("C2")
async def test_agents_cannot_talk_to_each_other_without_end(hall, org):
    """Each answers, on purpose, with a mention of the other."""
    ping, pong = await hall.hire(org, "ping"), await hall.hire(org, "pong")
    circle = await hall.group(org, ping, pong, agent_cooldown_seconds=0)
    agents = {ping.id: ping, pong.id: pong}

    async def play():
        while open_runs := [run for run in await hall.runs(circle) if run.status == "queued"]:
            for run in open_runs:
                await hall.take_turn(run, agents[run.agent_id], "your turn, @ping @pong")
            await hall.settle(circle)
        return len(await hall.runs(circle))

    await hall.say(org.owner.actor, circle, "go, @ping")
    await hall.settle(circle)
    assert await play() == 4
    assert (await hall.decisions(circle))[-1].reason == "rounds"
    await hall.say(org.owner.actor, circle, "again, @ping @pong")
    await hall.settle(circle)
    assert await play() == 8


@pytest.mark.rule("C2")
async def test_posts_outside_a_turn_count_and_wake_nobody_beyond_the_limit(hall, org):
    one, two = await hall.hire(org), await hall.hire(org)
    circle = await hall.group(org, one, two, agent_cooldown_seconds=0)
    for _ in range(3):
        await hall.say(one, circle, f"@{two.name}")
    assert await brief(hall, circle) == [("speak", "asked"), ("speak", "asked"), ("silent", "rounds")]
    for _ in range(2):
        await hall.say(two, circle, "by myself")
    (run,) = await hall.runs(circle)
    await hall.take_turn(run, two, None)
    await hall.say(org.owner.actor, circle, "a person speaks")
    await hall.say(one, circle, f"@{two.name}")
    assert (await brief(hall, circle))[-1] == ("speak", "asked")


async def test_the_chain_belongs_to_the_exchange_that_a_person_began(hall, org):
    one, two = await hall.hire(org), await hall.hire(org)
    circle = await hall.group(org, one, two)
    root = await hall.say(org.owner.actor, circle, f"@{one.name}")
    await hall.settle(circle)
    (first,) = await hall.runs(circle)
    await hall.take_turn(first, one, f"@{two.name}, what do you think?")
    await hall.settle(circle)
    _, second = await hall.runs(circle)
    assert (second.agent_id, second.author_type, second.exchange_id) == (two.id, "agent", root.id)
    await hall.take_turn(second, two, None)
    alone = await hall.say(one, circle, f"@{two.name}, by myself")
    await hall.pass_time(60)
    await hall.settle(circle)
    assert (await hall.runs(circle))[-1].exchange_id == alone.id


async def test_a_remote_agents_answer_belongs_to_the_exchange_it_answers(hall, org):
    remote, two = await hall.hire(org, model_config={}), await hall.hire(org)
    circle = await hall.group(org, remote, two)
    root = await hall.say(org.owner.actor, circle, f"@{remote.name}")
    await hall.settle(circle)
    (run,) = await hall.runs(circle)
    assert run.is_remote
    await hall.take_turn(run, remote)
    await hall.say(remote, circle, f"@{two.name}?", client_id=f"answer:{root.id}")
    await hall.settle(circle)
    assert (await hall.runs(circle))[-1].exchange_id == root.id


async def test_a_turn_answers_in_the_thread_in_which_it_was_asked(hall, org):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    root = await hall.say(org.owner.actor, circle, "a thread")
    await hall.say(org.owner.actor, circle, f"@{agent.name}", parent_id=root.id)
    await hall.settle(circle)
    assert [run.parent_id for run in await hall.runs(circle)] == [root.id]


@pytest.mark.rule("B1")
async def test_only_agents_that_may_read_and_answer_do(hall, org):
    outside, late, idle = await hall.hire(org), await hall.hire(org), await hall.hire(org)
    gone, here = await hall.hire(org), await hall.hire(org)
    circle = await hall.group(org, idle, gone, here)
    owner = org.owner.actor
    async with hall.db.transaction(owner) as tx:
        await update_agent(tx, owner, idle.id, AgentPatch(status=AgentStatus.INACTIVE))
        await remove_member(tx, owner, circle, NewMember(MemberType.AGENT, gone.id))
    names = " ".join(f"@{agent.name}" for agent in (outside, late, idle, gone, here))
    await hall.say(owner, circle, names)
    async with hall.db.transaction(owner) as tx:
        await add_member(tx, owner, circle, NewMember(MemberType.AGENT, late.id))
    told = {one.agent_id: (one.outcome, one.reason) for one in await hall.settle(circle)}
    assert told == {
        outside.id: ("silent", "not_here"), late.id: ("silent", "not_here"), gone.id: ("silent", "not_here"),
        idle.id: ("silent", "inactive"), here.id: ("speak", "asked"),
    }  # fmt: skip


async def test_a_message_that_was_deleted_is_answered_by_nobody(hall, org):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    message = await hall.say(org.owner.actor, circle, f"@{agent.name}")
    await hall.derive()
    async with hall.everything() as connection:
        await connection.execute(
            "insert into message_overlays (message_id, conversation_id, org_id, deleted_at, last_seq)"
            " values (%(id)s, %(conversation)s, %(org)s, now(), 9)",
            {"id": message.id, "conversation": circle, "org": org.id},
        )
    assert await brief(hall, circle) == [("silent", "gone")]


async def test_what_is_asked_by_hand_about_a_message_is_done_though_it_was_read(hall, org):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    message = await hall.say(org.owner.actor, circle, f"@{agent.name}")
    await hall.settle(circle)
    await hall.take_turn((await hall.runs(circle))[0], agent)
    async with hall.db.transaction(org.owner.actor) as tx:
        for prompt in (None, "Shorter.", "Longer."):
            await add_trigger(
                tx, org.owner.actor, conversation_id=circle, agent_id=agent.id, cause=Cause.RUN_NOW,
                message_id=message.id, prompt=prompt,
            )  # fmt: skip
    for _ in range(3):
        await hall.settle(circle)
        await hall.take_turn((await hall.runs(circle))[-1], agent)
    assert [run.prompt for run in await hall.runs(circle)] == [None, None, "Shorter.", "Longer."]


@pytest.mark.rule("E5")
async def test_decisions_stay_as_they_were_made(hall, org):
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    await hall.say(org.owner.actor, circle, f"@{agent.name}")
    await hall.settle(circle)
    for statement in ("update turn_decisions set reason = 'rounds'", "delete from turn_decisions"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with hall.db.transaction(org.owner.actor) as tx:
                await tx.run(statement)


@pytest.mark.rule("C2")
async def test_who_is_away_follows_nothing_unasked_and_is_still_told_what_it_is_asked(hall, org):
    agent = await hall.hire(org, model_config={})  # a program of its own, of which there is no sign of life
    circle = await hall.group(org, agent, auto_trigger=True)
    await hall.say(org.owner.actor, circle, "just saying")
    assert await brief(hall, circle) == [("silent", "away")]
    await hall.say(org.owner.actor, circle, f"@{agent.name}?")
    assert (await brief(hall, circle))[1:] == [("speak", "asked")]
    await hall.take_turn((await hall.runs(circle))[-1], agent)
    async with hall.everything() as eye:
        await eye.execute(
            "update agents set presence = 'online', presence_until = now() + interval '1 hour' where id = %s",
            [agent.id],
        )
    await hall.pass_time(60)
    await hall.say(org.owner.actor, circle, "just saying so again")
    assert (await brief(hall, circle))[2:] == [("speak", "follows")]


@pytest.mark.rule("C2")
async def test_what_one_decides_about_another_cannot_take(hall, org):
    """The lease alone does not hold: a decider whose lease has lapsed in this very moment still reads."""
    agent = await hall.hire(org)
    circle = await hall.group(org, agent)
    await hall.say(org.owner.actor, circle, f"@{agent.name}")
    await hall.derive()
    place = Place(org.id, circle, agent.id)
    free = "select id from turn_triggers where conversation_id = %(circle)s for update skip locked"
    async with hall.db.transaction(system_actor(org.id)) as first:
        assert await situations.read_situation(first, place) is not None
        async with hall.db.transaction(system_actor(org.id)) as second:
            assert await second.value(free, {"circle": circle}) is None
    async with hall.db.transaction(system_actor(org.id)) as later:
        assert await later.value(free, {"circle": circle}) is not None
