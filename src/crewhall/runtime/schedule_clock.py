"""The clock of schedules: one timer for the nearest that is due, and none while nothing is.

A schedule is moved on and its trigger written in one transaction, under its row's lock: whichever process is first
fires it, once. A moment that passed while nothing ran is made up for once within the grace, else noted as missed.
"""

import logging
from datetime import datetime, timedelta
from itertools import takewhile
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity import find_actor
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.cron import occurrences, upcoming
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.runtime.makers import pause_reason_of
from crewhall.runtime.schedules import SCHEDULES_CHANNEL
from crewhall.runtime.triggers import add_trigger
from crewhall.runtime.vocabulary import Cause, FiringOutcome, PauseReason

log = logging.getLogger(__name__)
BATCH = 100
PUT_OFF_S = 60
"""How long after a failure a schedule is tried again."""
_LOCK: LiteralString = """
select s.id, s.org_id, s.agent_id, s.conversation_id, s.maker_id, s.name, s.prompt, s.cron, s.timezone, s.next_due_at,
       clock_timestamp() as now,
       exists (select from turn_triggers t where t.agent_id = s.agent_id and t.id = s.trigger_id) as is_pending
from schedules s where s.id = %(id)s and s.next_due_at <= clock_timestamp() for no key update
"""
_MOVE: LiteralString = """
update schedules set last_due_at = %(at)s, last_outcome = %(outcome)s, next_due_at = %(next)s,
    pause_reason = %(pause)s, trigger_id = coalesce(%(trigger)s, trigger_id),
    last_fired_at = case when %(trigger)s::uuid is null then last_fired_at else now() end
where id = %(id)s
"""
_PUT_OFF: LiteralString = """
update schedules set next_due_at = clock_timestamp() + make_interval(secs => %(seconds)s)
where id = %(id)s and next_due_at <= clock_timestamp()
"""


class _Next(msgspec.Struct):
    org_id: UUID
    id: UUID
    due_in: float


class _Due(msgspec.Struct, kw_only=True):
    id: UUID
    org_id: UUID
    agent_id: UUID
    conversation_id: UUID
    maker_id: UUID
    name: str
    prompt: str
    cron: str
    timezone: str
    next_due_at: datetime
    now: datetime
    is_pending: bool


class ScheduleClock:
    """Fires schedules of every organization, whichever process is first."""

    def __init__(self, db: Database, signals: Signals, *, grace_s: float) -> None:
        self._db = db
        self._grace = timedelta(seconds=grace_s)
        self._timer = DueTimer("schedules", self.fire_due)
        signals.subscribe(SCHEDULES_CHANNEL, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Make up for what was due, then wait for the next; the database must be up."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; what is due meanwhile is fired by another process, or at the next start."""
        await self._timer.stop()

    async def fire_due(self) -> float | None:
        """Fire everything that is due; gives the seconds until the next, None when nothing is ever due.

        What was fired is due again, maybe soon: it is read anew until nothing is due. One that fails is put off, so
        that it keeps no other from firing, however many fail.
        """
        while True:
            async with self._db.transaction(None) as tx:
                found = await tx.all(_Next, "select * from next_schedules(%(size)s)", {"size": BATCH})
            due = [one for one in found if one.due_in <= 0]
            if not due:
                return found[0].due_in if found else None
            for one in due:
                try:
                    await fire(self._db, one.org_id, one.id, self._grace)
                except Exception as error:  # noqa: BLE001 - whatever failed is tried again
                    log.warning("a schedule did not fire", extra={"schedule": str(one.id), "reason": str(error)})
                    await _put_off(self._db, one)


async def fire(db: Database, org_id: UUID, schedule_id: UUID, grace: timedelta) -> FiringOutcome | None:
    """Fire a schedule if it is due, as its maker; returns what became of it, None when it was not due (any more)."""
    async with db.transaction(system_actor(org_id)) as tx:
        maker_id = await tx.value("select maker_id from schedules where id = %(id)s", {"id": schedule_id})
        maker = None if maker_id is None else await find_actor(tx, org_id, maker_id)
    async with db.transaction(maker or system_actor(org_id)) as tx:
        due = await tx.find(_Due, _LOCK, {"id": schedule_id})
        if due is None or await find_actor(tx, org_id, due.maker_id) != maker:
            return None  # it has moved on, or its maker's standing has this very moment: it is looked at again
        return await _settle(tx, due, maker, grace)


async def _put_off(db: Database, failed: _Next) -> None:
    async with db.transaction(system_actor(failed.org_id)) as tx:
        await tx.run(_PUT_OFF, {"id": failed.id, "seconds": PUT_OFF_S})


async def _settle(tx: Tx, due: _Due, maker: Actor | None, grace: timedelta) -> FiringOutcome:
    """Decide what becomes of the moment, ask for the turn, move the schedule on."""
    at = latest_due(due.cron, due.timezone, due.next_due_at, due.now, grace)
    trigger_id: UUID | None = None
    pause: PauseReason | None = None
    if maker is None:
        outcome, pause = FiringOutcome.REFUSED, PauseReason.MAKER_LEFT
    elif at is None:
        outcome = FiringOutcome.MISSED
    elif due.is_pending:
        outcome = FiringOutcome.SKIPPED
    else:
        try:
            trigger_id = await _ask(tx, due, maker)
            outcome = FiringOutcome.FIRED
        except CrewhallError as error:
            outcome, pause = FiringOutcome.REFUSED, pause_reason_of(error)
    following = upcoming(due.cron, due.timezone, due.now, 1)
    if not following:
        pause = pause or PauseReason.OVER
    await tx.run(
        _MOVE,
        {
            "id": due.id,
            "at": at or due.next_due_at,
            "outcome": str(outcome),
            "next": None if pause else following[0],
            "pause": str(pause) if pause else None,
            "trigger": trigger_id,
        },
    )
    if pause is not None:
        about = {"name": due.name, "agent_id": str(due.agent_id), "reason": str(pause)}
        await audit.record(tx, system_actor(due.org_id), "schedule.paused", "schedule", due.id, about)
    return outcome


async def _ask(tx: Tx, due: _Due, maker: Actor) -> UUID:
    return await add_trigger(
        tx,
        maker,
        conversation_id=due.conversation_id,
        agent_id=due.agent_id,
        cause=Cause.SCHEDULE,
        prompt=due.prompt,
    )


def latest_due(cron: str, timezone: str, first: datetime, now: datetime, grace: timedelta) -> datetime | None:
    """Return the latest moment from `first` on that has come and is within the grace; None: all were missed."""
    oldest = now - grace
    found = [first] if first >= oldest else []
    since = max(first, oldest - timedelta(microseconds=1))
    found += takewhile(lambda moment: moment <= now, occurrences(cron, timezone, since))
    return found[-1] if found else None
