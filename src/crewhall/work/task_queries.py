"""Reads of tasks: those of projects that somebody may see."""

from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.work.project_queries import access_project
from crewhall.work.task_schemas import Board, Column, Task, TaskDetail
from crewhall.work.vocabulary import SETTLED, Priority, TaskOrder, TaskStatus

NEVER = datetime.max.replace(tzinfo=UTC).isoformat()
"""Stands in cursors for a deadline that there is not: such tasks come last."""
ON_BOARD = 50
"""As many tasks as a column shows; the list has all of them."""
_COLUMNS: LiteralString = """
select t.id, json_build_object('id', p.id, 'slug', p.slug, 'name', p.name, 'is_active', p.is_active,
                               'conversation_id', p.conversation_id) as project,
       t.number, t.title, t.status, t.priority, t.deadline, t.success_criteria, t.labels,
       case when t.assigned_agent_id is not null
            then json_build_object('type', 'agent', 'id', t.assigned_agent_id, 'name', coalesce(a.name, 'An agent'))
            when t.assigned_user_id is not null
            then json_build_object('type', 'user', 'id', t.assigned_user_id, 'name', coalesce(u.name, 'Somebody'))
       end as assignee,
       t.blocked_reason, t.waits_for, t.thread_id, t.github_issue_id, t.github_issue_number,
       t.github_repository_id, t.version,
       json_build_object('type', t.created_by_type, 'id', t.created_by, 'name', t.created_by_name) as created_by,
       t.started_at, t.completed_at, t.created_at, t.updated_at, t.deleted_at
"""
_JOINS: LiteralString = """
from tasks t join projects p on p.org_id = t.org_id and p.id = t.project_id
left join agents a on a.org_id = t.org_id and a.id = t.assigned_agent_id
left join users u on u.id = t.assigned_user_id
where t.org_id = %(org)s and t.project_id in (select readable_projects())
"""
_TASK: LiteralString = _COLUMNS + _JOINS
_REF: LiteralString = """
json_build_object('id', o.id, 'number', o.number, 'title', o.title, 'status', o.status, 'priority', o.priority)
    order by o.number
"""
_DETAIL: LiteralString = (
    _COLUMNS
    + """, t.description, t.metadata,
    coalesce((select json_agg("""
    + _REF
    + """) from task_dependencies d join tasks o on o.org_id = d.org_id and o.id = d.blocked_by
        where d.org_id = t.org_id and d.task_id = t.id and o.deleted_at is null), '[]') as depends_on,
    coalesce((select json_agg("""
    + _REF
    + """) from task_dependencies d join tasks o on o.org_id = d.org_id and o.id = d.task_id
        where d.org_id = t.org_id and d.blocked_by = t.id and o.deleted_at is null), '[]') as blocks
    """
    + _JOINS
)
_FILTERS: LiteralString = """
  and (t.deleted_at is not null) = %(deleted)s
  and (%(project)s::uuid is null or t.project_id = %(project)s)
  and (%(statuses)s::text[] is null or t.status = any (%(statuses)s))
  and (%(priorities)s::text[] is null or t.priority = any (%(priorities)s))
  and (%(assignee)s::uuid is null or %(assignee)s in (t.assigned_agent_id, t.assigned_user_id))
  and (not %(nobodys)s or coalesce(t.assigned_agent_id, t.assigned_user_id) is null)
  and (%(due)s::timestamptz is null or t.deadline <= %(due)s)
"""
_FEW: LiteralString = " and t.id = any (%(few)s)"
# a case, which the planner takes to be true of every second row: it goes through the queue in its order then
_MANY: LiteralString = " and case when t.vector @@ (select search_query('simple', %(q)s)) then true else false end"
FEW = 2000
"""As many tasks as words find are taken by their ids; of more, a list finds a page soon by looking at one by one."""
_LABELS: LiteralString = " and t.id in (select tasks_with_labels(%(labels)s))"
_QUEUE: LiteralString = """
  and (%(priority)s::text is null or (t.priority >= %(priority)s and
       (t.priority, coalesce(t.deadline, %(never)s::timestamptz), t.id) > (%(priority)s, %(deadline)s, %(id)s)))
order by t.priority, t.deadline, t.id limit %(limit)s
"""
_NEWEST: LiteralString = " and (%(id)s::uuid is null or t.id < %(id)s) order by t.id desc limit %(limit)s"
_BOARD: LiteralString = (
    """
with shown (id) as materialized (
    select f.id from unnest(%(open)s::text[]) as w (status) cross join lateral (
        select t.id from tasks t
        where t.project_id = %(project)s and t.status = w.status and t.deleted_at is null
        order by t.priority, t.deadline, t.id limit %(limit)s) f
    union all
    select f.id from unnest(%(settled)s::text[]) as w (status) cross join lateral (
        select t.id from tasks t
        where t.project_id = %(project)s and t.status = w.status and t.deleted_at is null
          and t.status in ('completed', 'cancelled')
        order by t.updated_at desc limit %(limit)s) f
)
"""
    + _TASK
    + """ and t.id in (select s.id from shown s)
order by case when t.status in ('completed', 'cancelled') then t.updated_at end desc, t.priority, t.deadline, t.id"""
)


async def access_task(tx: Tx, actor: Actor, task_id: UUID, *, change: bool = False, lock: bool = False) -> TaskDetail:
    """Return a task that the actor may see, or change. `lock`: held until the transaction ends.

    People and agents of the organization change every task that they see; an agent of a project those that are its
    own or that it wrote. Raises NOT_FOUND, FORBIDDEN.
    """
    check_permission(actor, Permission.ORGANIZATION_READ)
    if lock:
        await tx.run(
            "select from tasks where org_id = %(org)s and id = %(id)s for update", {"org": actor.org, "id": task_id}
        )
    found = await tx.find(TaskDetail, _DETAIL + " and t.id = %(id)s", {"org": actor.org, "id": task_id})
    if found is None:
        raise NOT_FOUND("There is no such task.")
    if change:
        check_permission(actor, Permission.TASKS_WRITE)
        await _check_own(tx, actor, found)
    return found


def check_active_task(task: TaskDetail) -> None:
    """Refuse a task that is deleted, or whose project is archived. Raises CONFLICT."""
    if task.deleted_at is not None:
        raise CONFLICT("This task is deleted. Restore it first.")
    if not task.project.is_active:
        raise CONFLICT(f"{task.project.name} is archived: restore it first.")


async def find_task(tx: Tx, actor: Actor, name: str) -> TaskDetail:
    """Return the task of that id, or of `project#number`. Raises NOT_FOUND."""
    slug, _, number = name.rpartition("#")
    if slug and number.isdecimal() and len(number) < 10:  # noqa: PLR2004 - what an integer holds
        sql: LiteralString = "select t.id " + _JOINS + " and p.slug = %(slug)s and t.number = %(number)s"
        values: Params = {"org": actor.org, "slug": slug.lower(), "number": int(number)}
        found: UUID | None = await tx.value(sql, values)
        if found is not None:
            return await access_task(tx, actor, found)
    try:
        return await access_task(tx, actor, UUID(name))
    except ValueError:
        raise NOT_FOUND("There is no such task. Name it by its id, or as project#12.") from None


async def list_tasks(
    tx: Tx,
    actor: Actor,
    *,
    project: UUID | None = None,
    status: list[TaskStatus] | None = None,
    priority: list[Priority] | None = None,
    assignee: UUID | None = None,
    unassigned: bool = False,
    label: list[str] | None = None,
    due_before: datetime | None = None,
    q: str | None = None,
    deleted: bool = False,
    order: TaskOrder = TaskOrder.QUEUE,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Task]:
    """List tasks within the actor's reach, in the order of the queue unless told. Raises NOT_FOUND (project)."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    if project is not None:
        await access_project(tx, actor, project)
    size, words = check_limit(limit), " ".join(q.split()) if q else None
    values: Params = {
        "org": actor.org, "project": project, "statuses": [str(one) for one in status] if status else None,
        "priorities": [str(one) for one in priority] if priority else None, "assignee": assignee,
        "nobodys": unassigned, "labels": [one.lower() for one in label] if label else None, "due": due_before,
        "q": words, "deleted": deleted, "limit": size + 1, "never": NEVER,
    }  # fmt: skip
    few: list[UUID] | None = None
    if words:
        few = await tx.value("select few_tasks_with_words(%(q)s, %(most)s)", {"q": words, "most": FEW})
    values["few"] = few
    by_words: LiteralString = (_MANY if few is None else _FEW) if words else ""
    sql: LiteralString = _TASK + _FILTERS + by_words + (_LABELS if label else "")
    if order is TaskOrder.NEWEST:
        key = decode_cursor(after, UUID)
        rows = await tx.all(Task, sql + _NEWEST, values | {"id": key[0] if key else None})
        return page_of(rows, size, lambda row: (row.id,))
    key = decode_cursor(after, str, str, UUID) or (None, None, None)
    rows = await tx.all(Task, sql + _QUEUE, values | {"priority": key[0], "deadline": key[1], "id": key[2]})
    return page_of(rows, size, lambda row: (str(row.priority), _due(row), row.id))


async def read_board(tx: Tx, actor: Actor, project_id: UUID, *, limit: int = ON_BOARD) -> Board:
    """A project's tasks by status, each column in the order of the queue; of what is settled the last. NOT_FOUND."""
    project = await access_project(tx, actor, project_id)
    values: Params = {
        "org": actor.org, "project": project_id, "limit": limit,
        "open": [str(status) for status in TaskStatus if status not in SETTLED],
        "settled": [str(status) for status in SETTLED],
    }  # fmt: skip
    rows = await tx.all(Task, _BOARD, values)
    return Board([
        Column(status, project.tasks.get(status, 0), [row for row in rows if row.status is status])
        for status in TaskStatus
    ])  # fmt: skip


async def list_labels(tx: Tx, actor: Actor, project_id: UUID | None = None) -> list[str]:
    """Labels that the newest ten thousand tasks have, the most used first, at most a hundred."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    found: list[str] = await tx.values(
        """
        select l.label from (
            select t.labels from tasks t
            where t.org_id = %(org)s and t.deleted_at is null and t.project_id in (select readable_projects())
              and (%(project)s::uuid is null or t.project_id = %(project)s)
            order by t.id desc limit 10000) t
        cross join lateral unnest(t.labels) as l (label)
        group by l.label order by count(*) desc, l.label limit 100
        """,
        {"org": actor.org, "project": project_id},
    )
    return found


async def _check_own(tx: Tx, actor: Actor, task: TaskDetail) -> None:
    agents = [
        one.id
        for one in actor.principals
        if one.type is ActorType.AGENT
        and one.id != task.created_by.id
        and (task.assignee is None or one.id != task.assignee.id)
    ]
    if agents and await tx.value(
        "select bool_or(level = 'project') from agents where id = any (%(ids)s)", {"ids": agents}
    ):
        raise FORBIDDEN(
            "An agent of a project changes its own tasks, and those that it wrote. Comment on this one, or ask its "
            "assignee.",
            permission=str(Permission.TASKS_WRITE),
        )


def _due(row: Task) -> str:
    return row.deadline.isoformat() if row.deadline else NEVER
