"""Silence: a session whose agent gives no sign of life is closed as crashed, by one timer for the nearest.

Nothing is written while agents work: when a session's silence would be due, and not before, it is looked up when the
agent was heard last (`heard_of_agent` of the schema). Who was heard meanwhile is looked at again that much later.
"""

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Database, Params, Tx
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.work.following import give_back
from crewhall.work.session_ending import SESSIONS_CHANNEL, end_session
from crewhall.work.session_pull import show_tasks
from crewhall.work.session_vocabulary import StopReason
from crewhall.work.session_words import crashed
from crewhall.work.timeline_content import MAX_TEXT_LENGTH

_HEARD: LiteralString = """
update work_sessions s set heard_at = h.heard, silent_at = h.heard + %(silence)s
from (select w.id, greatest(w.heard_at, heard_of_agent(w.agent_id)) as heard from work_sessions w
      where w.org_id = %(org)s and w.id = %(id)s and w.stopped_at is null) h
where s.org_id = %(org)s and s.id = h.id and s.stopped_at is null and h.heard + %(silence)s > clock_timestamp()
"""
_SILENT: LiteralString = """
select s.agent_id, s.started_at, greatest(s.heard_at, heard_of_agent(s.agent_id)) as heard_at, s.log_count,
       s.tasks_worked_on from work_sessions s
where s.org_id = %(org)s and s.id = %(id)s and s.stopped_at is null
"""


class _Next(msgspec.Struct):
    org_id: UUID
    id: UUID
    due_in: float


class _Silent(msgspec.Struct):
    agent_id: UUID
    started_at: datetime
    heard_at: datetime
    log_count: int
    tasks_worked_on: list[UUID]


class SessionClock:
    """Closes sessions of every organization whose agents fell silent, whichever process is first."""

    def __init__(self, db: Database, signals: Signals, silence: timedelta) -> None:
        self._db = db
        self._silence = silence
        self._timer = DueTimer("work sessions", self.close_silent)
        signals.subscribe(SESSIONS_CHANNEL, lambda _org: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Close what fell silent, then wait for the next; the database must be up."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; who falls silent meanwhile is found at the next start, or by another process."""
        await self._timer.stop()

    async def close_silent(self) -> float | None:
        """Look at every session that is due; gives the seconds until the next, None when no agent is at work."""
        while True:
            async with self._db.transaction(None) as tx:
                found = await tx.find(_Next, "select * from next_silent_session()")
            if found is None or found.due_in > 0:
                return None if found is None else found.due_in
            async with self._db.transaction(system_actor(found.org_id)) as tx:
                await self._look(tx, system_actor(found.org_id), found.id)

    async def _look(self, tx: Tx, system: Actor, session_id: UUID) -> None:
        """Look again later where the agent was heard, else close it. Tasks first: whoever starts one locks it first."""
        values: Params = {"org": system.org, "id": session_id, "silence": self._silence}
        if await tx.run(_HEARD, values):
            return
        silent = await tx.find(_Silent, _SILENT, values)
        if silent is None:
            return
        held = await tx.values(
            """
            select id from tasks where org_id = %(org)s and assigned_agent_id = %(agent)s and status = 'in_progress'
              and deleted_at is null order by id for update
            """,
            {"org": system.org, "agent": silent.agent_id},
        )
        await tx.run("select from work_sessions where org_id = %(org)s and id = %(id)s for update", values)
        if await tx.run(_HEARD, values):
            return
        await self._close(tx, system, session_id, silent, [one for one in held if one in silent.tasks_worked_on])

    async def _close(self, tx: Tx, system: Actor, session_id: UUID, silent: _Silent, held: list[UUID]) -> None:
        last = await tx.value(
            """
            select e.content ->> 'message' from events e where e.org_id = %(org)s and e.session_id = %(id)s
              and e.type = 'session_log' and e.timestamp >= %(since)s order by e.timestamp desc, e.id desc limit 1
            """,
            {"org": system.org, "id": session_id, "since": silent.started_at},
        )
        lasted = max(0, int((silent.heard_at - silent.started_at).total_seconds()))
        note = crashed(silent.heard_at, lasted, silent.log_count, last, await show_tasks(tx, system, held))
        await end_session(
            tx, system, session_id, StopReason.CRASHED, hand_off=note[:MAX_TEXT_LENGTH], heard_at=silent.heard_at
        )
        await give_back(tx, system, system.org, silent.agent_id, tasks=held)
