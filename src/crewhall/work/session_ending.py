"""How a work session ends: once, with its fact and its event."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.events import publish
from crewhall.work.facts import WorkSessionStopped
from crewhall.work.session_vocabulary import StopReason
from crewhall.work.timeline import record_event
from crewhall.work.timeline_content import SessionStopped

SESSIONS_CHANNEL = "crewhall_sessions"
"""Notices that an agent of the organization began to work: its silence may be due earlier than any was."""
_END: LiteralString = """
update work_sessions s set status = 'stopped', stop_reason = %(reason)s, stopped_by_type = %(by_type)s,
    stopped_by = %(by)s, stopped_by_name = %(by_name)s, hand_off = coalesce(%(hand_off)s, s.hand_off),
    heard_at = greatest(s.heard_at, %(heard)s::timestamptz),
    stopped_at = greatest(s.started_at, coalesce(%(heard)s::timestamptz, clock_timestamp()))
from agents a
where s.org_id = %(org)s and s.id = %(id)s and s.stopped_at is null and a.org_id = s.org_id and a.id = s.agent_id
returning s.id, s.agent_id, a.name as agent_name, s.project_id, s.started_at, s.stopped_at, s.duration_seconds,
          s.tasks_worked_on, s.hand_off
"""


class _Ended(Struct):
    id: UUID
    agent_id: UUID
    agent_name: str
    project_id: UUID | None
    started_at: datetime
    stopped_at: datetime
    duration_seconds: int
    tasks_worked_on: list[UUID]
    hand_off: str | None


async def end_session(
    tx: Tx,
    actor: Actor,
    session_id: UUID,
    reason: StopReason,
    *,
    hand_off: str | None = None,
    heard_at: datetime | None = None,
) -> bool:
    """End a session and tell of it; False where it is over already. `heard_at`: it ended with that sign of life."""
    values: Params = {
        "org": actor.org, "id": session_id, "reason": str(reason), "by_type": str(actor.type), "by": actor.id,
        "by_name": actor.name, "hand_off": hand_off, "heard": heard_at,
    }  # fmt: skip
    ended = await tx.find(_Ended, _END, values)
    if ended is None:
        return False
    await _tell(tx, actor, ended, reason)
    return True


async def _tell(tx: Tx, actor: Actor, ended: _Ended, reason: StopReason) -> None:
    """Who fell silent did nothing: that the system tells. What somebody else ended says whose it was."""
    is_own = actor.id == ended.agent_id
    content = SessionStopped(
        duration_seconds=ended.duration_seconds, tasks_worked_on=ended.tasks_worked_on, reason=str(reason),
        hand_off=ended.hand_off, agent=None if is_own else ended.agent_name,
    )  # fmt: skip
    await record_event(
        tx, actor.org, content, author=actor, agent_id=None if is_own else ended.agent_id, session_id=ended.id,
        project_id=ended.project_id,
    )  # fmt: skip
    fact = WorkSessionStopped(
        session_id=ended.id, org_id=actor.org, agent_id=ended.agent_id, project_id=ended.project_id,
        started_at=ended.started_at, stopped_at=ended.stopped_at, duration_seconds=ended.duration_seconds,
        reason=reason, tasks_worked_on=ended.tasks_worked_on,
    )  # fmt: skip
    await publish(tx, actor, fact)
