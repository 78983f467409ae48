"""What sessions follow: an agent that is put away works no more."""

from uuid import UUID

from crewhall.agents import AgentDeleted, AgentStatus, AgentStatusChanged
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.events import subscribe
from crewhall.work.facts import TaskBlocked, TaskCompleted, TaskStarted
from crewhall.work.session_ending import end_session
from crewhall.work.session_tasks import on_task
from crewhall.work.session_vocabulary import StopReason

_AWAY = frozenset({AgentStatus.INACTIVE, AgentStatus.TERMINATED})


def follow_work() -> None:
    """Subscribe to what sessions follow."""
    for fact in (TaskStarted, TaskBlocked, TaskCompleted):
        subscribe(fact, on_task)
    subscribe(AgentStatusChanged, on_status_changed)
    subscribe(AgentDeleted, on_agent_deleted)


async def on_status_changed(tx: Tx, actor: Actor, event: AgentStatusChanged) -> None:
    """An agent that may not sign in any more works no more."""
    if event.after in _AWAY:
        await _end(tx, actor, event.org_id, event.agent_id, f"{actor.name} made the agent {event.after}.")


async def on_agent_deleted(tx: Tx, actor: Actor, event: AgentDeleted) -> None:
    """Nor one that is deleted."""
    await _end(tx, actor, event.org_id, event.agent_id, f"{actor.name} deleted the agent.")


async def _end(tx: Tx, actor: Actor, org_id: UUID, agent_id: UUID, note: str) -> None:
    session_id = await tx.value(
        "select id from work_sessions where org_id = %(org)s and agent_id = %(agent)s and stopped_at is null",
        {"org": org_id, "agent": agent_id},
    )
    if session_id is not None:
        await end_session(tx, actor, session_id, StopReason.STOPPED, hand_off=note)
