"""A task takes what was changed of its issue at GitHub: made when the issue is new, deleted when that is gone."""

from typing import Any, LiteralString
from uuid import UUID

import msgspec
from msgspec import structs
from psycopg.types.json import Jsonb

from crewhall.identity import ActorShown
from crewhall.kernel.actor import SYSTEM_ID, ActorType
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.ids import new_id
from crewhall.work.github.outgoing import MARK
from crewhall.work.issues.rows import (
    Followed,
    Linked,
    assignee_of,
    find_issue,
    github_actor,
    members_of,
    waiting_fields,
)
from crewhall.work.issues.told import (
    OPEN,
    Issue,
    Told,
    description_of,
    pending_of,
    state_of,
    taken,
    title_of,
    told_of,
)
from crewhall.work.task_moves import Standing, moved, standing_of
from crewhall.work.task_queries import access_task
from crewhall.work.task_schemas import Assignee, TaskChange, TaskDetail
from crewhall.work.task_telling import tell_change, tell_created, tell_deleted
from crewhall.work.tasks import MOST_TASKS, set_deleted, words_of, write_task
from crewhall.work.vocabulary import Priority, TaskStatus

LONGEST_SENT_TITLE = 256
_FIND: LiteralString = """
select t.id, t.github_told from tasks t
where t.org_id = %(org)s and t.project_id = %(project)s and (t.github_issue_id = %(issue)s
   or (t.github_issue_id is null and t.github_issue_number = %(number)s)
   or (t.github_issue_id is null and t.id = (
        select c.task_id from github_changes c
        where c.org_id = %(org)s and c.repository_id = %(repository)s and c.kind = 'create_issue'
          and c.id = %(change)s)))
order by t.github_issue_id nulls last limit 1 for update
"""
_LET_GO: LiteralString = """
update tasks set github_issue_id = null, github_issue_number = null, github_repository_id = null, github_told = null
where org_id = %(org)s and project_id = %(project)s and github_issue_number = %(number)s and id <> %(task)s
"""
_MARK: LiteralString = """
update tasks set github_issue_id = %(issue)s, github_issue_number = %(number)s, github_repository_id = %(repository)s,
    github_told = %(told)s,
    completed_at = case when status = 'completed' and %(has_moved)s then coalesce(%(closed)s, completed_at)
                        else completed_at end
where org_id = %(org)s and id = %(task)s
"""
_INSERT: LiteralString = """
insert into tasks (id, org_id, project_id, number, status, title, description, labels, assigned_agent_id,
                   assigned_user_id, github_issue_id, github_issue_number, github_repository_id, github_told,
                   created_by_type, created_by, created_by_name, updated_by)
values (%(id)s, %(org)s, %(project)s, 0, %(status)s, %(title)s, %(description)s, %(labels)s, %(agent)s, %(user)s,
        %(issue)s, %(number)s, %(repository)s, %(told)s, %(by_type)s, %(by)s, %(by_name)s, %(system)s)
"""


async def follow_issue(tx: Tx, linked: Linked, *, number: int | None = None, key: str | None = None) -> UUID | None:
    """Let the task of an issue follow it; gives the task's id, None where there is none. The repository is locked."""
    issue = await find_issue(tx, linked.id, number=number, key=key)
    if issue is None:
        return None
    found = await tx.find(Followed, _FIND, _keys(linked, issue) | {"change": _change_in(issue)})
    told = told_of(issue)
    if found is None:
        return None if told.is_deleted or await _is_full(tx, linked) else await _make(tx, linked, issue, told)
    pending = pending_of(await waiting_fields(tx, linked.id, issue.number))
    names, seen = taken(found.github_told, told, pending)
    before = await access_task(tx, github_actor(linked.org_id), found.id)
    if found.github_told is None and before.github_issue_number is None:  # it was made of the task
        names = set()
    if names or found.github_told != seen:
        await _take(tx, linked, issue, before, seen, names)
    return found.id


async def _make(tx: Tx, linked: Linked, issue: Issue, told: Told) -> UUID:
    task_id, system = new_id(), github_actor(linked.org_id)
    who = await assignee_of(tx, linked.project_id, Priority.MEDIUM, told.assignees)
    by = await _author(tx, issue)
    as_open = structs.replace(told, state=OPEN)
    await tx.run(_LET_GO, _keys(linked, issue) | {"task": task_id})
    await tx.run(
        _INSERT,
        _keys(linked, issue) | _assigned(who) | {
            "id": task_id, "status": str(TaskStatus.ASSIGNED if who else TaskStatus.BACKLOG), "title": told.title,
            "description": told.description, "labels": told.labels, "told": Jsonb(msgspec.to_builtins(as_open)),
            "by_type": str(by.type), "by": by.id, "by_name": by.name, "system": SYSTEM_ID,
        },
    )  # fmt: skip
    made = await access_task(tx, system, task_id)
    await tell_created(tx, system, made)
    if told.state != OPEN:
        await _take(tx, linked, issue, made, told, {"state"})
    return task_id


async def _take(tx: Tx, linked: Linked, issue: Issue, before: TaskDetail, seen: Told, names: set[str]) -> None:
    system = github_actor(linked.org_id)
    words, now = words_of(before), before
    if "title" in names and seen.title != title_of(before.title[:LONGEST_SENT_TITLE]):
        words["title"] = seen.title
    if "description" in names and seen.description != description_of(before.description):
        words["description"] = seen.description
    if "labels" in names and seen.labels != sorted(before.labels):
        words["labels"] = seen.labels
    for step in await _steps(tx, linked, before, seen, names):
        standing = standing_of(now)
        changed = [name for name, value in words.items() if value != getattr(now, name)]
        changed += [name for name in Standing.__struct_fields__ if getattr(standing, name) != getattr(step, name)]
        if changed:
            await write_task(tx, system, before.id, words, step)
        await _mark(tx, linked, issue, before.id, seen, has_moved="status" in changed)
        if changed:
            was, now = now, await access_task(tx, system, before.id)
            await tell_change(tx, system, was, now, changed)
    if "is_deleted" in names and seen.is_deleted != (now.deleted_at is not None) and seen.is_deleted:
        await set_deleted(tx, system, before.id, is_deleted=True)
        await tell_deleted(tx, system, now, is_deleted=True)


async def _steps(tx: Tx, linked: Linked, before: TaskDetail, seen: Told, names: set[str]) -> list[Standing]:
    """Where the task goes: at once, or reopened first where it was settled otherwise."""
    system, standing = github_actor(linked.org_id), standing_of(before)
    if "assignees" in names:
        who = await assignee_of(tx, linked.project_id, before.priority, seen.assignees)
        if who != standing.assignee:
            standing = moved(system, standing, TaskChange(assignee=who))
    if "state" not in names or state_of(standing.status) == seen.state:
        return [standing]
    steps = []
    if state_of(standing.status) != OPEN:
        standing = moved(system, standing, _reopened(standing.assignee))
        steps.append(standing)
    if seen.state != OPEN:
        steps.append(moved(system, standing, TaskChange(status=TaskStatus(seen.state))))
    return steps


def _reopened(who: Assignee | None) -> TaskChange:
    return TaskChange(status=TaskStatus.ASSIGNED if who else TaskStatus.BACKLOG)


async def _mark(tx: Tx, linked: Linked, issue: Issue, task_id: UUID, seen: Told, *, has_moved: bool) -> None:
    values = _keys(linked, issue) | {"task": task_id}
    await tx.run(_LET_GO, values)
    await tx.run(
        _MARK,
        values | {
            "told": Jsonb(msgspec.to_builtins(seen)), "has_moved": has_moved,
            "closed": issue.closed_at or issue.merged_at,
        },
    )  # fmt: skip


async def _author(tx: Tx, issue: Issue) -> ActorShown:
    """Who wrote it: somebody here, or whom only GitHub knows."""
    known = await members_of(tx, [issue.author.lower()] if issue.author else [])
    for one in known.values():
        return ActorShown(ActorType(one.type), one.id, one.name)
    return ActorShown(ActorType.SYSTEM, SYSTEM_ID, f"{issue.author or 'Somebody'} (GitHub)")


async def _is_full(tx: Tx, linked: Linked) -> bool:
    sql = "select coalesce(sum(number), 0) from project_task_counts where project_id = %(id)s"
    count = await tx.value(sql, {"id": linked.project_id})
    return bool(count >= MOST_TASKS)


def _keys(linked: Linked, issue: Issue) -> dict[str, Any]:
    return {
        "org": linked.org_id, "project": linked.project_id, "repository": linked.id, "issue": issue.github_id,
        "number": issue.number,
    }  # fmt: skip


def _assigned(who: Assignee | None) -> Params:
    return {
        "agent": who.id if who and who.type == "agent" else None,
        "user": who.id if who and who.type == "user" else None,
    }


def _change_in(issue: Issue) -> UUID | None:
    """The change that made the issue, by its mark: as good as any word of the body, so it is held against our rows."""
    found = MARK.search(issue.body or "")
    try:
        return UUID(found[1]) if found else None
    except ValueError:
        return None
