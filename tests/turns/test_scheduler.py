"""The scheduler: woken, timed, taken over from, and asleep while nothing waits."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest

from crewhall.agents.actions import update_agent
from crewhall.agents.schemas import AgentPatch
from crewhall.conversations.changes import change_conversation
from crewhall.conversations.schemas import AgentPolicyChange, ConversationChange
from crewhall.kernel.actor import system_actor
from crewhall.kernel.errors import UNAVAILABLE
from crewhall.kernel.signals import Signals
from crewhall.runtime.decisions import decide_place
from crewhall.runtime.hours import DAYS
from crewhall.runtime.leases import Lease
from crewhall.runtime.places import shard_of
from crewhall.runtime.runs import begin_run
from crewhall.runtime.scheduler import Scheduler
from tests.support.waiting import until
from tests.turns.hall import Decider, TurnHall

ANOTHER_DAY = DAYS[(datetime.now(UTC).weekday() + 3) % 7]


class Apart(msgspec.Struct):
    """Whether two moments are far enough apart."""

    enough: bool


@asynccontextmanager
async def scheduling(hall: TurnHall, lease_s: float = 15.0):
    """A scheduler at work, in a process of its own but for the database's pool."""
    signals = Signals(hall.url)
    scheduler = Scheduler(hall.db, signals, lease_s=lease_s)
    await signals.start()
    scheduler.start()
    try:
        yield scheduler
    finally:
        await scheduler.stop()
        await signals.stop()


async def runs_of(hall, circle, count):
    async def are_there():
        found = await hall.runs(circle)
        return found if len(found) == count else None

    return await until(are_there)


class Counted:
    """How many transactions a database opened."""

    def __init__(self, hall, monkeypatch):
        self.count = 0
        opened = type(hall.db).transaction

        def counting(db, actor, **how):
            self.count += 1
            return opened(db, actor, **how)

        monkeypatch.setattr(type(hall.db), "transaction", counting)


@pytest.fixture
async def agent(hall, org):
    await hall.pass_time(3600)
    return await hall.hire(org)


async def test_what_waits_is_decided_at_start_and_when_woken(hall, org, agent):
    circle = await hall.group(org, agent)
    await hall.say(org.owner.actor, circle, f"@{agent.name}")
    await hall.derive()
    async with scheduling(hall):
        (run,) = await runs_of(hall, circle, 1)
        await hall.say(org.owner.actor, circle, f"@{agent.name} again")
        await hall.derive()

        async def waits():
            return [told.reason for told in await hall.decisions(circle)] == ["asked", "busy"]

        await until(waits)
        await hall.take_turn(run, agent, None)
        assert [told.reason for told in await hall.decisions(circle)][:2] == ["asked", "busy"]


async def test_the_end_of_a_turn_wakes_what_waited_for_it(hall, org, agent):
    circle = await hall.group(org, agent)
    async with scheduling(hall):
        await hall.say(org.owner.actor, circle, f"@{agent.name}")
        await hall.derive()
        (run,) = await runs_of(hall, circle, 1)
        async with hall.db.transaction(system_actor(org.id)) as tx:
            claimed = await begin_run(tx, run.id)
        await hall.say(org.owner.actor, circle, f"@{agent.name} again")
        await hall.derive()
        await hall.end(claimed)
        await runs_of(hall, circle, 2)


async def test_nothing_is_asked_of_the_database_while_nothing_is_due(hall, org, agent, monkeypatch):
    other = await hall.hire(org)
    circle = await hall.group(org, agent, other, agent_cooldown_seconds=600)
    async with scheduling(hall) as scheduler:
        await hall.say(other, circle, "I have spoken")
        await hall.say(agent, circle, f"@{other.name}")
        await hall.derive()

        async def rests():
            return [told.reason for told in await hall.decisions(circle)] == ["cooldown"]

        await until(rests)
        await hall.say(org.owner.actor, circle, "for nobody")
        await hall.derive()
        counted = Counted(hall, monkeypatch)
        for _ in range(200):
            await asyncio.sleep(0)
        assert counted.count == 0
        nearest = min(scheduler._looks.values()) - asyncio.get_running_loop().time()
        assert 500 < nearest <= 600


@pytest.mark.rule("C2")
async def test_a_timer_ends_the_cooldown(hall, org, agent):
    other = await hall.hire(org)
    circle = await hall.group(org, agent, other, agent_cooldown_seconds=1)
    async with scheduling(hall):
        await hall.say(other, circle, "I have spoken")
        await hall.say(agent, circle, f"@{other.name}")
        await hall.derive()
        (run,) = await runs_of(hall, circle, 1)
        assert [told.reason for told in await hall.decisions(circle)] == ["cooldown", "asked"]
    apart = await hall.rows(
        Apart,
        "select (d.created_at - m.created_at >= interval '1 second') as enough from turn_decisions d"
        " join message_records m on m.conversation_id = d.conversation_id and m.seq = 1 where d.run_id = %(run)s",
        run=run.id,
    )
    assert apart == [Apart(enough=True)]


@pytest.mark.rule("B11")
async def test_new_hours_and_policies_hold_for_what_waits_already(hall, org, agent):
    other = await hall.hire(org, scheduling_config={"enabled": True, "working_hours": {ANOTHER_DAY: "12-13"}})
    circle = await hall.group(org, agent, other, agent_cooldown_seconds=3000)
    owner = org.owner.actor

    async def waits_for(*reasons):
        async def does():
            return [told.reason for told in await hall.decisions(circle) if told.outcome == "wait"] == list(reasons)

        await until(does)

    async with scheduling(hall):
        await hall.say(owner, circle, f"@{other.name}")
        await hall.derive()
        await waits_for("outside_hours")
        async with hall.db.transaction(owner) as tx:
            await update_agent(tx, owner, other.id, AgentPatch(scheduling_config={}))
        await runs_of(hall, circle, 1)
        await hall.say(agent, circle, "I have spoken")
        await hall.say(other, circle, f"@{agent.name}")
        await hall.derive()
        await waits_for("outside_hours", "cooldown")
        async with hall.db.transaction(owner) as tx:
            change = ConversationChange(agent_policy=AgentPolicyChange(agent_cooldown_seconds=0))
            await change_conversation(tx, owner, circle, change)
        await runs_of(hall, circle, 2)


@pytest.mark.rule("C5")
@pytest.mark.parametrize("how", ["its machine is lost", "it is killed"])
async def test_another_process_takes_over_when_the_holder_dies(hall, org, agent, how):
    circle = await hall.group(org, agent)
    shard = shard_of(circle)
    dead = Decider(hall, ttl_s=1.5 if how == "its machine is lost" else 600)
    await hall.say(org.owner.actor, circle, f"@{agent.name}")
    await hall.derive()
    lease = await dead.take(shard)  # and decides nothing more
    assert isinstance(lease, Lease)
    if how == "it is killed":
        await hall.end_life(dead.leases.controller_id)
    async with scheduling(hall):
        await runs_of(hall, circle, 1)
    (told,) = await hall.decisions(circle)
    assert told.epoch == lease.epoch + 1


@pytest.mark.rule("C5")
async def test_who_stops_hands_over_at_once(hall, org, agent):
    circle = await hall.group(org, agent)
    async with scheduling(hall):
        async with scheduling(hall) as first:
            lease = await first._leases.take(shard_of(circle))
            assert isinstance(lease, Lease)
            await hall.say(org.owner.actor, circle, f"@{agent.name}")
            await hall.derive()
            await runs_of(hall, circle, 1)
        (run,) = await hall.runs(circle)
        await hall.take_turn(run, agent, None)
        await hall.say(org.owner.actor, circle, f"@{agent.name} again")
        await hall.derive()
        await runs_of(hall, circle, 2)
    assert [told.epoch - lease.epoch for told in await hall.decisions(circle)] == [0, 1]


async def test_a_place_that_fails_keeps_no_other_waiting_and_is_tried_again(hall, org, agent, monkeypatch):
    other = await hall.hire(org)
    circle = await hall.group(org, agent, other)
    failures = []

    async def fail_at_first(db, leases, lease, place):
        if place.agent_id == agent.id and len(failures) < 2:
            failures.append(place)
            raise UNAVAILABLE("The database is away.")
        return await decide_place(db, leases, lease, place)

    monkeypatch.setattr("crewhall.runtime.scheduler.decide_place", fail_at_first)
    async with scheduling(hall):
        await hall.say(org.owner.actor, circle, f"@{agent.name} @{other.name}")
        await hall.derive()
        found = await runs_of(hall, circle, 2)
    assert [run.agent_id for run in found] == [other.id, agent.id]
    assert len(failures) == 2
