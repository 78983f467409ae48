"""Schedules: fired once, whoever is first and whatever was down; with the maker's rights as they are then."""

import asyncio

import pytest

from crewhall.agents.actions import delete_agent, update_agent
from crewhall.agents.schemas import AgentPatch
from crewhall.agents.vocabulary import AgentStatus
from crewhall.conversations.changes import delete_conversation
from crewhall.conversations.members import add_member, remove_member
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.vocabulary import MemberType
from crewhall.identity import people
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.runtime import schedule_clock, schedules
from crewhall.runtime.hooks import make_hook
from crewhall.runtime.schedule_clock import ScheduleClock, fire
from crewhall.runtime.schedule_queries import list_schedules
from crewhall.runtime.schemas_hooks import HookInput
from crewhall.runtime.schemas_schedules import ScheduleInput, SchedulePatch
from crewhall.runtime.vocabulary import FiringOutcome, PauseReason
from tests.support.waiting import until
from tests.turns.schedule_ground import ANOTHER_DAY, GRACE, Waiting, due, made, seen, waiting


@pytest.fixture
async def agent(hall, org):
    return await hall.hire(org)


async def test_it_fires_once_whoever_is_first_and_runs_for_its_maker(hall, org, agent):
    member = await org.add("member")
    schedule = await made(hall, member, agent)  # in their direct conversation, made for it
    assert (schedule.is_mine, len(schedule.upcoming), schedule.pause_reason) == (True, 3, None)
    assert await fire(hall.db, org.id, schedule.id, GRACE) is None  # not due yet
    await due(hall, schedule)
    fired = await asyncio.gather(*(fire(hall.db, org.id, schedule.id, GRACE) for _ in range(4)))
    assert sorted(filter(None, fired)) == [FiringOutcome.FIRED]
    assert await waiting(hall, agent) == [Waiting("schedule", str(member.id), "Sum up.")]
    place = (await seen(hall, member, schedule)).conversation.id
    await hall.settle(place)
    (run,) = await hall.runs(place)
    assert (run.behalf_of, run.cause, run.prompt) == ([member.id], "schedule", "Sum up.")
    now = await seen(hall, member, schedule)
    assert (now.run_id, now.last_outcome) == (run.id, FiringOutcome.FIRED)
    assert now.next_due_at > now.last_fired_at


@pytest.mark.rule("X11")
async def test_without_its_makers_rights_it_is_paused_and_says_why(hall, org, agent):
    member, other = await org.add("member"), await org.add("member")
    circle = await hall.group(org, agent)
    with pytest.raises(CrewhallError) as refused:  # who may not write there cannot make one either
        await made(hall, member, agent, circle)
    assert refused.value.code == "not_found"
    with pytest.raises(CrewhallError) as refused:  # nor may an agent
        async with hall.db.transaction(agent) as tx:
            data = ScheduleInput(agent_id=agent.id, conversation_id=circle, name="x", prompt="x", cron="* * * * *")
            await schedules.make_schedule(tx, agent, hall.log, data)
    assert refused.value.code == "forbidden"
    owner = org.owner.actor
    group = await hall.group(org, agent)
    async with hall.db.transaction(owner) as tx:
        await add_member(tx, owner, group, NewMember(MemberType.USER, member.id))
    mine = await made(hall, member, agent, group)
    async with hall.db.transaction(owner) as tx:
        await remove_member(tx, owner, group, NewMember(MemberType.USER, member.id))
    await due(hall, mine)
    assert await fire(hall.db, org.id, mine.id, GRACE) is FiringOutcome.REFUSED
    assert (await seen(hall, member, mine)).pause_reason is PauseReason.NO_ACCESS
    theirs = await made(hall, other, agent)
    async with hall.db.transaction(owner) as tx:
        await people.remove_member(tx, owner, other.id)
    await due(hall, theirs)
    assert await fire(hall.db, org.id, theirs.id, GRACE) is FiringOutcome.REFUSED
    assert (await seen(hall, org.owner, theirs)).pause_reason is PauseReason.MAKER_LEFT
    assert await waiting(hall, agent) == []


@pytest.mark.rule("X11")
async def test_only_its_maker_changes_it_and_managers_may_pause_and_delete_it(hall, org, agent):
    member, other = await org.add("member"), await org.add("member")
    schedule = await made(hall, member, agent)

    async def attempt(who, act, *more):
        try:
            async with hall.db.transaction(who.actor) as tx:
                return await act(tx, who.actor, schedule.id, *more)
        except CrewhallError as error:
            return error.code

    patch = SchedulePatch(prompt="Send me everything.")
    for act, more in (
        (schedules.change_schedule, [patch]),
        (schedules.run_schedule, []),
        (schedules.pause_schedule, []),
    ):
        assert await attempt(other, act, *more) == "not_found"
    assert await attempt(org.owner, schedules.change_schedule, patch) == "forbidden"
    assert await attempt(org.owner, schedules.run_schedule) == "forbidden"
    paused = await attempt(org.owner, schedules.pause_schedule)
    assert (paused.pause_reason, paused.upcoming, paused.prompt, paused.conversation) == ("by_hand", [], None, None)
    assert await attempt(org.owner, schedules.resume_schedule) == "forbidden"
    assert len((await attempt(member, schedules.resume_schedule)).upcoming) == 3
    changed = await attempt(member, schedules.change_schedule, SchedulePatch(cron="0 7 * * 1", timezone="Asia/Tokyo"))
    assert (changed.cron, changed.prompt, changed.upcoming[0].hour) == ("0 7 * * 1", "Sum up.", 22)
    assert await attempt(member, schedules.change_schedule, SchedulePatch(cron="0 0 31 2 *")) == "invalid"
    task = await attempt(member, schedules.run_schedule)
    await hall.settle(task.conversation_id)
    (run,) = await hall.runs(task.conversation_id)
    assert (run.cause, run.behalf_of) == ("run_now", [member.id])
    assert await attempt(org.owner, schedules.delete_schedule) is None
    async with hall.db.transaction(member.actor) as tx:
        assert (await list_schedules(tx, member.actor)).items == []


async def test_it_is_deleted_with_its_agent_and_with_its_conversation_as_webhooks_are(hall, org, agent):
    owner, circle = org.owner.actor, await hall.group(org, agent)
    await made(hall, org.owner, agent)
    await made(hall, org.owner, await hall.hire(org), circle)
    async with hall.db.transaction(owner) as tx:
        await make_hook(tx, owner, "", HookInput(conversation_id=circle, name="Builds"))
    count = "select array[(select count(*) from schedules), (select count(*) from hooks)]"
    async with hall.db.transaction(owner) as tx:
        assert await tx.value(count) == [2, 1]
        await delete_agent(tx, owner, agent.id)
        assert await tx.value(count) == [1, 1]
        await delete_conversation(tx, owner, hall.log, circle, "Circle")
        assert await tx.value(count) == [0, 0]


@pytest.mark.rule("B11")
async def test_what_was_missed_is_made_up_for_once_within_the_grace(hall, org, agent):
    often = await made(hall, org.owner, agent, cron="* * * * *")
    await due(hall, often, hours=5)
    assert await fire(hall.db, org.id, often.id, GRACE) is FiringOutcome.FIRED
    assert len(await waiting(hall, agent)) == 1
    await due(hall, often)
    assert await fire(hall.db, org.id, often.id, GRACE) is FiringOutcome.SKIPPED  # what it asked for has not begun
    daily = await made(hall, org.owner, agent, cron="0 9 1 1 *")
    await due(hall, daily, hours=2)
    assert await fire(hall.db, org.id, daily.id, GRACE) is FiringOutcome.MISSED
    now = await seen(hall, org.owner, daily)
    assert (now.last_outcome, now.pause_reason, now.next_due_at.month) == (FiringOutcome.MISSED, None, 1)
    assert len(await waiting(hall, agent)) == 1


@pytest.mark.rule("B11")
async def test_it_waits_for_the_agents_working_hours_and_asks_no_second_time(hall, org):
    agent = await hall.hire(org, scheduling_config={"enabled": True, "working_hours": {ANOTHER_DAY: "9-17"}})
    schedule = await made(hall, org.owner, agent)
    await due(hall, schedule)
    assert await fire(hall.db, org.id, schedule.id, GRACE) is FiringOutcome.FIRED
    place = schedule.conversation.id
    assert [(told.outcome, told.reason) for told in await hall.settle(place)] == [("wait", "outside_hours")]
    await due(hall, schedule)
    assert await fire(hall.db, org.id, schedule.id, GRACE) is FiringOutcome.SKIPPED
    assert await hall.runs(place) == []


@pytest.mark.rule("B11")
async def test_running_it_now_leaves_what_it_asked_for_by_the_clock_its_own(hall, org):
    agent = await hall.hire(org, scheduling_config={"enabled": True, "working_hours": {ANOTHER_DAY: "9-17"}})
    schedule = await made(hall, org.owner, agent)
    place = schedule.conversation.id
    await due(hall, schedule)
    assert await fire(hall.db, org.id, schedule.id, GRACE) is FiringOutcome.FIRED
    await hall.settle(place)  # it waits for its hours
    async with hall.db.transaction(org.owner.actor) as tx:
        await schedules.run_schedule(tx, org.owner.actor, schedule.id)
    await hall.settle(place)
    assert [run.cause for run in await hall.runs(place)] == ["run_now"]
    await due(hall, schedule)
    assert await fire(hall.db, org.id, schedule.id, GRACE) is FiringOutcome.SKIPPED
    async with hall.db.transaction(org.owner.actor) as tx:
        await update_agent(tx, org.owner.actor, agent.id, AgentPatch(status=AgentStatus.INACTIVE))
    await hall.settle(place)
    now = await seen(hall, org.owner, schedule)
    assert (now.last_outcome, now.unanswered_reason) == (FiringOutcome.UNANSWERED, "inactive")


@pytest.mark.rule("B11")
async def test_the_timer_is_set_for_what_has_just_fired_and_none_that_fails_stops_the_others(
    hall, org, agent, monkeypatch
):
    clock = ScheduleClock(hall.db, Signals(hall.url), grace_s=3600)
    often = await made(hall, org.owner, agent, cron="* * * * *")
    failing = await made(hall, org.owner, agent, cron="* * * * *")
    await made(hall, org.owner, agent, cron="0 9 1 1 *")
    await due(hall, often, minutes=1)
    await due(hall, failing, minutes=2)

    async def fire_or_fail(db, org_id, schedule_id, grace):
        if schedule_id == failing.id:
            raise RuntimeError("It fails.")
        return await fire(db, org_id, schedule_id, grace)

    monkeypatch.setattr(schedule_clock, "BATCH", 1)
    monkeypatch.setattr(schedule_clock, "fire", fire_or_fail)
    wait = await clock.fire_due()
    assert wait is not None
    assert 0 < wait <= 60
    assert (await seen(hall, org.owner, often)).last_outcome is FiringOutcome.FIRED
    monkeypatch.undo()
    await due(hall, failing)
    await clock.fire_due()
    assert (await seen(hall, org.owner, failing)).last_outcome is FiringOutcome.FIRED


async def test_one_timer_wakes_for_the_nearest_and_nothing_else(hall, org, agent):
    signals = Signals(hall.url)
    clock = ScheduleClock(hall.db, signals, grace_s=3600)
    await signals.start()
    clock.start()
    try:
        schedule = await made(hall, org.owner, agent)
        async with hall.everything() as eye:
            await eye.execute(
                "update schedules set next_due_at = now() + interval '0.3 s' where id = %(id)s", {"id": schedule.id}
            )
        assert 0 < (await clock.fire_due() or 0) <= 0.3
        async with hall.db.transaction(org.owner.actor) as tx:
            await tx.notify(schedules.SCHEDULES_CHANNEL, "")

        async def has_fired():
            return (await seen(hall, org.owner, schedule)).last_outcome

        assert await until(has_fired) is FiringOutcome.FIRED
    finally:
        await clock.stop()
        await signals.stop()
