"""How often agents are asked: per kind and organization, a minute, an hour and a day."""

from datetime import UTC, datetime, timedelta

import pytest

from crewhall.agents import AgentKind
from crewhall.conversations import PostMessage
from crewhall.governance.rates import reset_rate, set_rate
from crewhall.governance.schemas import RateInput
from crewhall.kernel.actor import system_actor
from crewhall.kernel.errors import FORBIDDEN, CrewhallError
from crewhall.runtime.preview import preview_message
from crewhall.runtime.schemas import MessageDraft

BURST, PER_MINUTE, PER_HOUR, PER_DAY = 3, 6, 20, 50


async def limit(hall, org, **data) -> None:
    given = {"per_minute": PER_MINUTE, "per_hour": PER_HOUR, "per_day": PER_DAY, "burst": BURST, **data}
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_rate(tx, org.owner.actor, AgentKind.SALES, RateInput(**given))


@pytest.mark.rule("B12")
async def test_a_kind_of_agent_begins_as_many_turns_as_it_may_and_the_rest_wait(hall, org):
    await limit(hall, org, burst=2, per_minute=1)
    sellers = [await hall.hire(org, kind="sales") for _ in range(3)]
    other = await hall.hire(org)
    circles = [await hall.group(org, agent) for agent in (*sellers, other)]
    told = []
    for agent, circle in zip((*sellers, other), circles, strict=True):
        await hall.posting.post(org.owner.actor, circle, PostMessage(content=f"@{agent.name}"))
        told += [(one.outcome, one.reason) for one in await hall.settle(circle)]
    assert told == [("speak", "asked"), ("speak", "asked"), ("wait", "rate"), ("speak", "asked")]
    draft = MessageDraft(content=f"@{sellers[2].name} and now?")
    (woken,) = (await preview_message(hall.db, hall.posting, org.owner.actor, circles[2], draft)).agents
    assert (str(woken.outcome), str(woken.reason)) == ("wait", "rate")
    assert woken.until is not None
    async with hall.db.transaction(org.owner.actor) as tx:
        await reset_rate(tx, org.owner.actor, AgentKind.SALES)
    assert (await hall.settle(circles[2]))[-1].outcome == "speak"


@pytest.mark.rule("B12")
async def test_the_limits_hold_over_minutes_hours_and_days(hall, org):
    """Asked every five seconds for an hour and a half, then once an hour: no more begin than may."""
    await limit(hall, org)
    agent = await hall.hire(org, kind="sales")
    begin = datetime(2026, 3, 28, 10, 30, tzinfo=UTC)
    moments = [begin + timedelta(seconds=5 * step) for step in range(60 * 18)]
    moments += [begin + timedelta(minutes=90 + step) for step in range(0, 60 * 30, 2)]
    taken = []
    async with hall.db.transaction(system_actor(org.id)) as tx:
        for moment in moments:
            opens = await tx.value(
                "select take_rate(%(org)s, %(agent)s, %(at)s)", {"org": org.id, "agent": agent.id, "at": moment}
            )
            if opens is None:
                taken.append(moment)
            assert opens is None or opens > moment
    assert len([moment for moment in taken if moment < begin + timedelta(seconds=10)]) == 2
    for first in taken:
        assert len([one for one in taken if first <= one < first + timedelta(minutes=1)]) <= BURST + PER_MINUTE
    hours = [moment.replace(minute=0, second=0) for moment in taken]
    days = [moment.date() for moment in taken]
    assert max(hours.count(hour) for hour in hours) == PER_HOUR
    assert max(days.count(day) for day in days) == PER_DAY


@pytest.mark.rule("B12")
async def test_members_change_no_limits(hall, org):
    member = await org.add("member")
    with pytest.raises(CrewhallError) as refused:
        async with hall.db.transaction(member.actor) as tx:
            await set_rate(tx, member.actor, AgentKind.SALES, RateInput(per_minute=1, per_hour=1, per_day=1, burst=1))
    assert refused.value.kind is FORBIDDEN
