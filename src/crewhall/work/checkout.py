"""Taking the next task: the most urgent one that is free or one's own, and no two ever take the same.

Priority, then deadline, then age. What is blocked, waits for others, or is in an archived project is passed over, and
so is what another takes at this moment (`skip locked`). An agent on probation gets nothing critical.
"""

from uuid import UUID

from msgspec import Struct, structs

from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import FORBIDDEN
from crewhall.work.project_queries import access_project
from crewhall.work.task_queries import access_task
from crewhall.work.task_refusals import NO_TASK, clear_refusals
from crewhall.work.task_schemas import TaskDetail
from crewhall.work.task_telling import tell_change
from crewhall.work.vocabulary import TaskStatus


class _Taken(Struct):
    id: UUID
    before: TaskStatus


async def take_next_task(tx: Tx, actor: Actor, project_id: UUID | None = None) -> TaskDetail:
    """Take the next task and start it; of that project if one is named.

    Raises FORBIDDEN, NOT_FOUND (project), NO_TASK (nothing is to be taken).
    """
    check_permission(actor, Permission.TASKS_WRITE)
    if actor.type is ActorType.SYSTEM:
        raise FORBIDDEN("A person or an agent takes tasks.")
    if project_id is not None:
        await access_project(tx, actor, project_id)
    taken = await take(tx, project_id)
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


async def take(tx: Tx, project_id: UUID | None) -> _Taken | None:
    """The function of the database alone: which task is the actor's now, and in progress; None where there is none."""
    with clear_refusals():
        return await tx.find(_Taken, "select id, before from take_next_task(%(project)s)", {"project": project_id})


def _as_before(now: TaskDetail, status: TaskStatus) -> TaskDetail:
    return structs.replace(now, status=status, assignee=now.assignee if status is TaskStatus.ASSIGNED else None)
