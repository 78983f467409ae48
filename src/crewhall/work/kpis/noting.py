"""What may count is noted where it happens: one row in that transaction, which waits for nobody over it.

What follows is worked out later, by whoever calculates the organization (calculating.py): whose it is may depend on
tasks and on the mirror, whose rows two transactions would hold in opposite orders.
"""

from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from crewhall.agents import AgentStatus, AgentStatusChanged
from crewhall.agents.events import AgentTrustSet
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.events import subscribe
from crewhall.kernel.ids import new_id
from crewhall.work.facts import (
    ProjectArchived,
    ProjectDeleted,
    ProjectFact,
    ProjectRestored,
    TaskChanged,
    TaskCompleted,
    TaskCreated,
    TaskDeleted,
    TaskFact,
    TaskReopened,
    TaskRestored,
    WorkSessionStopped,
)
from crewhall.work.github.facts import ThingMirrored
from crewhall.work.github.vocabulary import ItemKind
from crewhall.work.kpis.vocabulary import SESSION_END, NewsKind
from crewhall.work.timeline import ReviewPosted

_OPEN: LiteralString = """
select id from tasks where org_id = %(org)s and project_id = %(project)s and assigned_agent_id is not null
  and status not in ('completed', 'cancelled') and deleted_at is null order by id
"""
_NOTE_TASKS: LiteralString = """
with noted as (
    insert into kpi_news (id, org_id, kind, subject, due_at)
    select n.id, %(org)s, 'task', n.task, clock_timestamp() + make_interval(secs => %(wait)s)
    from unnest(%(ids)s::uuid[], %(tasks)s::text[]) as n (id, task)
    returning 1)
select pg_notify('crewhall_kpis', '') from noted limit 1
"""
CHANNEL = "crewhall_kpis"
"""Notices that something is to be calculated; they say nothing of what."""
GATHER_S = 1.0
"""So long news waits for more of the same: what comes within it is calculated at once."""
_TELLING = frozenset({"status", "assignee", "labels", "title", "description"})
_MIRRORED = frozenset({
    ItemKind.ISSUE, ItemKind.PULL_REQUEST, ItemKind.REVIEW, ItemKind.CHECK_SUITE, ItemKind.STATUS, ItemKind.PUSH,
    ItemKind.DEPLOYMENT_STATUS,
})  # fmt: skip
_NOTE: LiteralString = """
with noted as (
    insert into kpi_news (id, org_id, kind, subject, agent_id, detail, due_at)
    values (%(id)s, %(org)s, %(kind)s, %(subject)s, %(agent)s, %(detail)s,
            clock_timestamp() + make_interval(secs => %(wait)s))
    returning 1)
select pg_notify('crewhall_kpis', '') from noted
"""


async def note(
    tx: Tx,
    org_id: UUID,
    kind: NewsKind,
    subject: object,
    detail: dict[str, Any] | None = None,
    *,
    agent_id: UUID | None = None,
    wait_s: float = GATHER_S,
) -> None:
    """Note that something is to be looked at, in the transaction in which it happened."""
    values = {
        "id": new_id(), "org": org_id, "kind": str(kind), "subject": str(subject), "agent": agent_id,
        "detail": Jsonb(detail or {}), "wait": wait_s,
    }  # fmt: skip
    await tx.run(_NOTE, values)
    tx.tell(CHANNEL, "")


def follow_work() -> None:
    """Note what happens to tasks, repositories, reviews, trust and work sessions."""
    subscribe(TaskCreated, _on_task)
    subscribe(TaskChanged, _on_task_changed)
    subscribe(TaskCompleted, _on_completed)
    subscribe(TaskReopened, _on_reopened)
    subscribe(TaskDeleted, _on_task)
    subscribe(TaskRestored, _on_task)
    for fact in (ProjectArchived, ProjectRestored, ProjectDeleted):
        subscribe(fact, _on_project)
    subscribe(ThingMirrored, _on_mirrored)
    subscribe(ReviewPosted, _on_review)
    subscribe(AgentTrustSet, _on_trust_set)
    subscribe(WorkSessionStopped, _on_session_stopped)
    subscribe(AgentStatusChanged, _on_status_changed)


async def _on_task(tx: Tx, _actor: Actor, fact: TaskFact) -> None:
    await note(tx, fact.org_id, NewsKind.TASK, fact.task_id)


async def _on_task_changed(tx: Tx, actor: Actor, fact: TaskChanged) -> None:
    if _TELLING & set(fact.changed):
        await _on_task(tx, actor, fact)


async def _on_completed(tx: Tx, _actor: Actor, fact: TaskCompleted) -> None:
    by = str(fact.assignee_id) if fact.assignee_type is ActorType.AGENT else None
    await note(tx, fact.org_id, NewsKind.TASK, fact.task_id, {"completed_by": by})


async def _on_reopened(tx: Tx, _actor: Actor, fact: TaskReopened) -> None:
    await note(tx, fact.org_id, NewsKind.TASK, fact.task_id, {"is_reopened": True})


async def _on_project(tx: Tx, _actor: Actor, fact: ProjectFact) -> None:
    """What is to be done in a project that is archived or deleted cannot be done: it is looked at anew."""
    tasks = await tx.values(_OPEN, {"org": fact.org_id, "project": fact.project_id})
    values = {
        "org": fact.org_id, "ids": [new_id() for _ in tasks], "tasks": [str(one) for one in tasks], "wait": GATHER_S
    }  # fmt: skip
    await tx.run(_NOTE_TASKS, values)
    tx.tell(CHANNEL, "")


async def _on_mirrored(tx: Tx, actor: Actor, fact: ThingMirrored) -> None:
    if fact.kind not in _MIRRORED:
        return
    about = {"kind": str(fact.kind), "number": fact.number, "sha": fact.sha, "ref": fact.ref}
    await note(tx, actor.org, NewsKind.MIRROR, fact.at.repository_id, about)


async def _on_review(tx: Tx, actor: Actor, fact: ReviewPosted) -> None:
    """A person's verdict on an agent's work, where there is no pull request that says so."""
    if actor.type is not ActorType.USER or not fact.mentions:
        return
    detail = {"title": fact.title, "verdict": str(fact.verdict), "agents": [str(one) for one in fact.mentions]}
    await note(tx, actor.org, NewsKind.REVIEW, fact.event_id, detail)


async def _on_trust_set(tx: Tx, _actor: Actor, fact: AgentTrustSet) -> None:
    await note(tx, fact.org_id, NewsKind.TRUST, fact.agent_id, {"trust": fact.after}, agent_id=fact.agent_id)


async def _on_session_stopped(tx: Tx, _actor: Actor, fact: WorkSessionStopped) -> None:
    """What is significant is calculated, whether anything counted meanwhile or not: tasks have grown older."""
    if fact.is_significant:
        by = {"by": SESSION_END}
        await note(tx, fact.org_id, NewsKind.REQUEST, fact.session_id, by, agent_id=fact.agent_id)


async def _on_status_changed(tx: Tx, actor: Actor, fact: AgentStatusChanged) -> None:
    """Who ends an agent's probation by hand has seen what speaks against it: only what comes anew starts another."""
    if actor.type is not ActorType.SYSTEM and fact.before is AgentStatus.PROBATION:
        await tx.run(
            "update kpi_sums set excused = concerns where org_id = %(org)s and agent_id = %(agent)s",
            {"org": fact.org_id, "agent": fact.agent_id},
        )
