"""Schedules whose task nobody answered: it stands on them with the reason, and their maker is told once."""

import pytest

from crewhall.conversations.members import add_member, remove_member
from crewhall.conversations.schemas import NewMember
from crewhall.conversations.vocabulary import MemberType
from crewhall.governance.budgets import close_budget
from crewhall.notifications import NotificationKind
from crewhall.notifications.queries import list_notifications
from crewhall.runtime import schedules
from crewhall.runtime.schedule_clock import fire
from crewhall.runtime.vocabulary import FiringOutcome
from tests.taking.books import set_budget
from tests.turns.schedule_ground import GRACE, due, made, seen


@pytest.fixture
async def agent(hall, org):
    return await hall.hire(org)


@pytest.mark.rule("B11")
async def test_a_maker_who_is_away_is_told_of_what_was_not_answered_once_they_are_back(hall, org, agent):
    member, owner = await org.add("member"), org.owner.actor
    circle = await hall.group(org, agent)
    async with hall.db.transaction(owner) as tx:
        await add_member(tx, owner, circle, NewMember(MemberType.USER, member.id))
    schedule = await made(hall, member, agent, circle)
    await due(hall, schedule)
    assert await fire(hall.db, org.id, schedule.id, GRACE) is FiringOutcome.FIRED
    async with hall.db.transaction(owner) as tx:
        for gone in (NewMember(MemberType.USER, member.id), NewMember(MemberType.AGENT, agent.id)):
            await remove_member(tx, owner, circle, gone)
    await hall.settle(circle)
    told = []
    for _ in range(2):
        async with hall.db.transaction(member.actor) as tx:
            told.append((await list_notifications(tx, member.actor, kind=NotificationKind.SCHEDULE)).items)
        async with hall.db.transaction(owner) as tx:
            await add_member(tx, owner, circle, NewMember(MemberType.USER, member.id))
    assert [len(items) for items in told] == [0, 1]
    assert (await seen(hall, member, schedule)).unanswered_reason == "not_here"


@pytest.mark.rule("B11", "C6")
async def test_what_is_not_answered_stands_on_it_with_the_reason_and_tells_its_maker_once(hall, org):
    member = await org.add("member")
    agent = await hall.hire(org)
    schedule = await made(hall, member, agent)
    place = schedule.conversation.id

    async def fired():
        await due(hall, schedule)
        assert await fire(hall.db, org.id, schedule.id, GRACE) is FiringOutcome.FIRED
        await hall.settle(place)
        now = await seen(hall, member, schedule)
        async with hall.db.transaction(member.actor) as tx:
            told = (await list_notifications(tx, member.actor, kind=NotificationKind.SCHEDULE)).items
        return now.last_outcome, now.unanswered_reason, len(told), told

    budget = await set_budget(hall, org, agent_id=str(agent.id), run_limit=0)
    assert (await fired())[:3] == ("unanswered", "budget", 1)
    *_, (told,) = await fired()  # the second one tells nobody anew
    assert told.path == f"/schedules/{schedule.id}"
    assert told.summary == f"{agent.name} did not answer your schedule “{schedule.name}”"
    async with hall.db.transaction(org.owner.actor) as tx:
        assert (await list_notifications(tx, org.owner.actor, kind=NotificationKind.SCHEDULE)).items == []
        await close_budget(tx, org.owner.actor, budget.id)
    assert (await fired())[:3] == ("fired", None, 1)
    (run,) = await hall.runs(place)
    await hall.take_turn(run, agent)
    await set_budget(hall, org, agent_id=str(agent.id), run_limit=0)
    assert (await fired())[:3] == ("unanswered", "budget", 2)
    async with hall.db.transaction(member.actor) as tx:
        await schedules.delete_schedule(tx, member.actor, schedule.id)
        assert (await list_notifications(tx, member.actor)).items == []
