"""Schedules of tests: made, let be due, seen."""

from datetime import UTC, datetime, timedelta

import msgspec

from crewhall.runtime import schedules
from crewhall.runtime.hours import DAYS
from crewhall.runtime.schedule_queries import get_schedule
from crewhall.runtime.schemas_schedules import ScheduleInput

GRACE = timedelta(hours=1)
ANOTHER_DAY = DAYS[(datetime.now(UTC).weekday() + 3) % 7]


class Waiting(msgspec.Struct):
    """A trigger that waits, and for whom."""

    cause: str
    author_id: str
    prompt: str


async def made(hall, who, agent, conversation_id=None, **fields):
    data = ScheduleInput(**{
        "agent_id": agent.id, "conversation_id": conversation_id, "name": "Morning", "prompt": "Sum up.",
        "cron": "0 9 * * *", **fields,
    })  # fmt: skip
    async with hall.db.transaction(who.actor) as tx:
        return await schedules.make_schedule(tx, who.actor, hall.log, data)


async def due(hall, schedule, **ago):
    """Let a schedule be due since so long."""
    async with hall.everything() as eye:
        await eye.execute(
            "update schedules set next_due_at = date_trunc('minute', now()) - %(ago)s where id = %(id)s",
            {"id": schedule.id, "ago": timedelta(**ago)},
        )


async def seen(hall, who, schedule):
    async with hall.db.transaction(who.actor) as tx:
        return await get_schedule(tx, who.actor, schedule.id)


async def waiting(hall, agent):
    return await hall.rows(
        Waiting, "select cause, author_id::text, prompt from turn_triggers where agent_id = %(id)s", id=agent.id
    )
