"""Tasks written: made, changed, deleted, brought back. What follows is told in the same transaction."""

from typing import Any, LiteralString
from uuid import UUID

from msgspec import UNSET, structs, to_builtins
from psycopg.types.json import Jsonb

from crewhall.agents import access_agent
from crewhall.conversations import MemberType
from crewhall.identity import Permission, check_permission, find_people
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import CONFLICT, INVALID, CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.work.project_queries import access_project, check_active
from crewhall.work.task_dependencies import insert_dependency
from crewhall.work.task_messages import origin_metadata
from crewhall.work.task_moves import Standing, moved, standing_of
from crewhall.work.task_queries import access_task, check_active_task
from crewhall.work.task_refusals import STALE_TASK, clear_refusals
from crewhall.work.task_schemas import Assignee, NewTask, TaskChange, TaskDetail, TaskRefused, TasksChange, TasksChanged
from crewhall.work.task_telling import tell_change, tell_created, tell_deleted
from crewhall.work.vocabulary import SETTLED, TaskStatus

MOST_TASKS = 100_000
"""Of one project."""
_INSERT: LiteralString = """
insert into tasks (id, org_id, project_id, number, status, priority, title, description, deadline, success_criteria,
                   labels, assigned_agent_id, assigned_user_id, github_issue_id, github_issue_number, metadata,
                   created_by_type, created_by, created_by_name, updated_by)
values (%(id)s, %(org)s, %(project_id)s, 0, %(status)s, %(priority)s, %(title)s, %(description)s, %(deadline)s,
        %(success_criteria)s, %(labels)s, %(agent)s, %(user)s, %(github_issue_id)s, %(github_issue_number)s,
        %(metadata)s, %(by_type)s, %(by)s, %(by_name)s, %(by)s)
"""
_UPDATE: LiteralString = """
update tasks set title = %(title)s, description = %(description)s, priority = %(priority)s, deadline = %(deadline)s,
    success_criteria = %(success_criteria)s, labels = %(labels)s, status = %(status)s, assigned_agent_id = %(agent)s,
    assigned_user_id = %(user)s, blocked_reason = %(reason)s, version = version + 1, updated_by = %(by)s
where org_id = %(org)s and id = %(id)s
"""
_RELEASE: LiteralString = """
update tasks set assigned_agent_id = null, assigned_user_id = null,
    status = case when status = 'blocked' then status else 'backlog' end
where org_id = %(org)s and id = %(id)s
"""
_HAS_PERSON: LiteralString = "select true from memberships where org_id = %(org)s and user_id = %(who)s"
_HAS_AGENT: LiteralString = """
select true from agents a
where a.org_id = %(org)s and a.id = %(who)s and a.deleted_at is null
  and (a.level = 'organization' or a.project_id = %(project)s) and a.status not in ('inactive', 'terminated')
  and not (a.status = 'probation' and %(priority)s = 'P0') for share
"""
_WORDS = ("title", "description", "priority", "deadline", "success_criteria", "labels")


async def create_task(tx: Tx, actor: Actor, data: NewTask) -> TaskDetail:
    """Write a task. Raises FORBIDDEN, NOT_FOUND (project, message), INVALID, CONFLICT (archived, or too many)."""
    check_permission(actor, Permission.TASKS_WRITE)
    project = await access_project(tx, actor, data.project_id)
    check_active(project)
    if sum(project.tasks.values()) >= MOST_TASKS:
        raise CONFLICT(f"A project has at most {MOST_TASKS:,} tasks. Delete some, or begin another project.")
    await _check_assignee(tx, actor, data.assignee)
    task_id = new_id()
    values = structs.asdict(data) | _assigned(data.assignee) | {
        "id": task_id, "org": actor.org, "success_criteria": Jsonb(to_builtins(data.success_criteria)),
        "status": str(TaskStatus.ASSIGNED if data.assignee else TaskStatus.BACKLOG), "priority": str(data.priority),
        "by_type": str(actor.type), "by": actor.id, "by_name": actor.name,
        "metadata": Jsonb(await origin_metadata(tx, actor, data.message)),
    }  # fmt: skip
    with clear_refusals():
        await tx.run(_INSERT, values)
    for other in dict.fromkeys(data.waits_for):
        await insert_dependency(tx, actor, task_id, other)
    made = await access_task(tx, actor, task_id)
    await tell_created(tx, actor, made)
    return made


async def change_task(tx: Tx, actor: Actor, task_id: UUID, data: TaskChange) -> TaskDetail:
    """Change a task. Raises NOT_FOUND, FORBIDDEN, INVALID, CONFLICT, STALE_TASK, TASK_WAITS, PROBATION."""
    before = await access_task(tx, actor, task_id, change=True, lock=True)
    check_active_task(before)
    if data.expected_version not in {None, before.version}:
        raise STALE_TASK(
            f"Somebody changed this task meanwhile (version {before.version}). Look at it, then change it anew.",
            version=before.version,
        )
    standing = standing_of(before)
    after = moved(actor, standing, data)
    if after.assignee != standing.assignee:
        await _check_assignee(tx, actor, after.assignee)
    given = {name: getattr(data, name) for name in _WORDS if getattr(data, name) is not UNSET}
    changed = [name for name, value in given.items() if value != getattr(before, name)] + _moves(standing, after)
    if not changed:
        return before
    words = words_of(before) | given
    await write_task(tx, actor, task_id, words, after)
    now = await access_task(tx, actor, task_id)
    await tell_change(tx, actor, before, now, changed)
    return now


async def change_tasks(tx: Tx, actor: Actor, data: TasksChange) -> TasksChanged:
    """Make the same change of several tasks, in the order of their ids; those that refuse it stay as they are."""
    check_permission(actor, Permission.TASKS_WRITE)
    if data.change.expected_version is not None:
        raise INVALID("Several tasks have no one version.", field="expected_version")
    changed: list[UUID] = []
    refused: list[TaskRefused] = []
    for task_id in sorted(set(data.tasks)):
        try:
            async with tx.connection.transaction():
                await change_task(tx, actor, task_id, data.change)
        except CrewhallError as error:
            refused.append(TaskRefused(task_id, error.code, error.detail))
        else:
            changed.append(task_id)
    return TasksChanged(changed, refused)


async def delete_task(tx: Tx, actor: Actor, task_id: UUID) -> None:
    """Delete a task, softly: it leaves lists and board, and nothing waits for it. Raises NOT_FOUND, FORBIDDEN."""
    check_permission(actor, Permission.TASKS_DELETE)
    before = await access_task(tx, actor, task_id, lock=True)
    if before.deleted_at is None:
        await set_deleted(tx, actor, task_id, is_deleted=True)
        await tell_deleted(tx, actor, before, is_deleted=True)


async def restore_task(tx: Tx, actor: Actor, task_id: UUID) -> TaskDetail:
    """Bring a deleted task back as it was; if it was somebody's who may not have it any more, it is nobody's.

    Raises NOT_FOUND, FORBIDDEN.
    """
    check_permission(actor, Permission.TASKS_DELETE)
    before = await access_task(tx, actor, task_id, lock=True)
    if before.deleted_at is None:
        return before
    await _release(tx, actor, before)
    with clear_refusals():
        await set_deleted(tx, actor, task_id, is_deleted=False)
    now = await access_task(tx, actor, task_id)
    await tell_deleted(tx, actor, now, is_deleted=False)
    return now


def words_of(task: TaskDetail) -> dict[str, Any]:
    """What a task says, as `write_task` takes it."""
    return {name: getattr(task, name) for name in _WORDS}


async def write_task(tx: Tx, actor: Actor, task_id: UUID, words: dict[str, Any], after: Standing) -> None:
    """Write what a task says and where it is; who may is decided by the callers. Raises what the database refuses."""
    values: Params = words | _assigned(after.assignee) | {
        "id": task_id, "org": actor.org, "status": str(after.status), "reason": after.blocked_reason, "by": actor.id,
        "priority": str(words["priority"]), "success_criteria": Jsonb(to_builtins(words["success_criteria"])),
    }  # fmt: skip
    with clear_refusals():
        await tx.run(_UPDATE, values)


async def set_deleted(tx: Tx, actor: Actor, task_id: UUID, *, is_deleted: bool) -> None:
    """Delete a task softly, or bring it back; who may is decided by the callers."""
    await tx.run(
        """
        update tasks set deleted_at = case when %(gone)s then now() end, version = version + 1, updated_by = %(by)s
        where org_id = %(org)s and id = %(id)s
        """,
        {"org": actor.org, "id": task_id, "gone": is_deleted, "by": actor.id},
    )


async def _release(tx: Tx, actor: Actor, task: TaskDetail) -> None:
    """Take a deleted task from who is away by now, or may not have it; the row of an agent is held meanwhile."""
    who = task.assignee
    if who is None or task.status in SETTLED:
        return
    values: Params = {
        "org": actor.org, "id": task.id, "who": who.id, "project": task.project.id, "priority": str(task.priority)
    }  # fmt: skip
    sql = _HAS_AGENT if who.type is ActorType.AGENT else _HAS_PERSON
    if await tx.value(sql, values) is None:
        await tx.run(_RELEASE, values)


async def _check_assignee(tx: Tx, actor: Actor, assignee: Assignee | None) -> None:
    """Refuse who is not there for the actor; whether an agent works on the project the database knows. INVALID."""
    if assignee is None or assignee.id == actor.id:
        return
    if assignee.type is MemberType.USER:
        if assignee.id not in await find_people(tx, [assignee.id]):
            raise INVALID("There is no such person in the organization.", field="assignee")
        return
    try:
        await access_agent(tx, actor, assignee.id)
    except CrewhallError as error:
        raise INVALID("There is no such agent.", field="assignee") from error


def _assigned(assignee: Assignee | None) -> dict[str, UUID | None]:
    is_agent = assignee is not None and assignee.type is MemberType.AGENT
    return {
        "agent": assignee.id if assignee and is_agent else None,
        "user": assignee.id if assignee and not is_agent else None,
    }


def _moves(before: Standing, after: Standing) -> list[str]:
    return [name for name in ("status", "assignee", "blocked_reason") if getattr(before, name) != getattr(after, name)]
