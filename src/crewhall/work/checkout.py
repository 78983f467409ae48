"""Taking the next task: the most urgent one that is free or one's own, and no two ever take the same.

Priority, then deadline, then age. What is blocked, waits for others, or is in an archived project is passed over, and
so is what another takes at this moment (`skip locked`). An agent on probation gets nothing critical.
"""

from typing import LiteralString
from uuid import UUID

from msgspec import Struct, structs

from crewhall.agents import AgentStatus
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import FORBIDDEN
from crewhall.work.project_queries import access_project
from crewhall.work.task_queries import access_task
from crewhall.work.task_refusals import NO_TASK, clear_refusals
from crewhall.work.task_schemas import TaskDetail
from crewhall.work.task_telling import tell_change
from crewhall.work.vocabulary import TaskStatus

_CTE: LiteralString = """
with mine as materialized (
    select t.id, t.status, t.priority, coalesce(t.deadline, 'infinity') as due from tasks t
    where t.org_id = %(org)s and t.deleted_at is null and t.status = 'assigned' and t.waits_for = 0
      and not t.is_on_hold and (not %(careful)s or t.priority <> 'P0')
"""
_AGENTS: LiteralString = " and t.assigned_agent_id = %(me)s"
_PERSONS: LiteralString = " and t.assigned_user_id = %(me)s"
_FREE: LiteralString = """
    order by t.priority, t.deadline, t.id limit 1 for update of t skip locked
), free as materialized (
    select t.id, t.status from tasks t
    where t.org_id = %(org)s and t.deleted_at is null and t.status = 'backlog' and t.waits_for = 0
      and not t.is_on_hold and (not %(careful)s or t.priority <> 'P0')
      and not exists (select from mine m where (m.priority, m.due) <= (t.priority, coalesce(t.deadline, 'infinity')))
"""
_OF_PROJECT: LiteralString = " and t.project_id = %(project)s"
_WITHIN_REACH: LiteralString = " and t.project_id in (select readable_projects())"
_TAKE: LiteralString = """
    order by t.priority, t.deadline, t.id limit 1 for update of t skip locked
), chosen as (select id, status from free union all select id, status from mine limit 1)
update tasks t set status = 'in_progress', version = t.version + 1, updated_by = %(me)s,
"""
_FOR_AGENT: LiteralString = "assigned_agent_id = %(me)s"
_FOR_PERSON: LiteralString = "assigned_user_id = %(me)s"
_END: LiteralString = " from chosen c where t.id = c.id and t.org_id = %(org)s returning t.id, c.status as before"


class _Taken(Struct):
    id: UUID
    before: TaskStatus


class _Agent(Struct):
    level: str
    project_id: UUID | None
    status: AgentStatus


async def take_next_task(tx: Tx, actor: Actor, project_id: UUID | None = None) -> TaskDetail:
    """Take the next task and start it; of that project if one is named.

    Raises FORBIDDEN, NOT_FOUND (project), NO_TASK (nothing is to be taken).
    """
    check_permission(actor, Permission.TASKS_WRITE)
    if actor.type is ActorType.SYSTEM:
        raise FORBIDDEN("A person or an agent takes tasks.")
    if project_id is not None:
        await access_project(tx, actor, project_id)
    taken = await take(tx, actor, project_id)
    if taken is None:
        raise NO_TASK(
            "Nothing is to be taken right now: what is left is somebody else's, blocked, or waits for others."
        )
    now = await access_task(tx, actor, taken.id)
    before = _as_before(now, taken.before)
    await tell_change(
        tx, actor, before, now, ["status"] if taken.before is TaskStatus.ASSIGNED else ["status", "assignee"]
    )
    return now


async def take(tx: Tx, actor: Actor, project_id: UUID | None) -> _Taken | None:
    """The statement alone: which task is the actor's now, and in progress; None where there is none."""
    is_agent, careful, project = actor.type is ActorType.AGENT, False, project_id
    if is_agent:
        agent = await tx.one(_Agent, "select level, project_id, status from agents where id = %(id)s", {"id": actor.id})
        careful, project = agent.status is AgentStatus.PROBATION, project_id or agent.project_id
    narrowed: LiteralString = (_OF_PROJECT if project else "") + (_WITHIN_REACH if actor.behalf else "")
    sql: LiteralString = (
        _CTE
        + (_AGENTS if is_agent else _PERSONS)
        + narrowed
        + _FREE
        + narrowed
        + _TAKE
        + (_FOR_AGENT if is_agent else _FOR_PERSON)
        + _END
    )
    values: Params = {"org": actor.org, "me": actor.id, "careful": careful, "project": project}
    with clear_refusals():
        return await tx.find(_Taken, sql, values)


def _as_before(now: TaskDetail, status: TaskStatus) -> TaskDetail:
    return structs.replace(now, status=status, assignee=now.assignee if status is TaskStatus.ASSIGNED else None)
