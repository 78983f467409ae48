"""Dependencies: which tasks have to be settled before another is started."""

from uuid import UUID

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, INVALID, NOT_FOUND
from crewhall.work.task_queries import access_task, check_active_task
from crewhall.work.task_refusals import clear_refusals
from crewhall.work.task_schemas import TaskDetail
from crewhall.work.task_telling import tell_change

MOST = 50
"""Tasks that one waits for."""


async def add_dependency(tx: Tx, actor: Actor, task_id: UUID, other_id: UUID) -> TaskDetail:
    """Let a task wait for another of its project. Raises NOT_FOUND, FORBIDDEN, INVALID, CONFLICT (a circle)."""
    before = await access_task(tx, actor, task_id, change=True)
    check_active_task(before)
    await access_task(tx, actor, other_id)
    if not await insert_dependency(tx, actor, task_id, other_id):
        return before
    return await _told(tx, actor, before)


async def remove_dependency(tx: Tx, actor: Actor, task_id: UUID, other_id: UUID) -> TaskDetail:
    """Let a task wait for another no more. Raises NOT_FOUND, FORBIDDEN, CONFLICT (deleted, or archived)."""
    before = await access_task(tx, actor, task_id, change=True)
    check_active_task(before)
    if not await tx.run(
        "delete from task_dependencies where org_id = %(org)s and task_id = %(task)s and blocked_by = %(other)s",
        {"org": actor.org, "task": task_id, "other": other_id},
    ):
        raise NOT_FOUND("It does not wait for this task.")
    return await _told(tx, actor, before)


async def insert_dependency(tx: Tx, actor: Actor, task_id: UUID, other_id: UUID) -> bool:
    """Write a dependency; tells whether it is new. Raises INVALID, CONFLICT."""
    values = {"org": actor.org, "task": task_id, "other": other_id, "by": actor.id, "most": MOST}
    if await tx.value("select count(*) >= %(most)s from task_dependencies where task_id = %(task)s", values):
        raise CONFLICT(f"A task waits for at most {MOST} others.", field="task_id")
    if not await tx.value("select true from tasks where org_id = %(org)s and id = %(other)s", values):
        raise INVALID("There is no such task to wait for.", field="waits_for")
    with clear_refusals():
        added = await tx.run(
            """
            insert into task_dependencies (org_id, task_id, blocked_by, created_by)
            values (%(org)s, %(task)s, %(other)s, %(by)s) on conflict do nothing
            """,
            values,
        )
    return bool(added)


async def _told(tx: Tx, actor: Actor, before: TaskDetail) -> TaskDetail:
    await tx.run(
        "update tasks set version = version + 1, updated_by = %(by)s where org_id = %(org)s and id = %(id)s",
        {"org": actor.org, "id": before.id, "by": actor.id},
    )
    now = await access_task(tx, actor, before.id)
    await tell_change(tx, actor, before, now, ["waits_for"])
    return now
