"""Who is told of tasks: other domains by facts, whose task it is now, and whoever has the project's board open."""

from typing import Any
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.events import publish
from crewhall.notifications import NotificationKind, ring, tell
from crewhall.work.facts import (
    TaskAssigned,
    TaskBlocked,
    TaskCancelled,
    TaskChanged,
    TaskCompleted,
    TaskCreated,
    TaskDeleted,
    TaskFact,
    TaskReopened,
    TaskRestored,
    TaskStarted,
)
from crewhall.work.task_schemas import TaskDetail
from crewhall.work.vocabulary import SETTLED, TaskStatus

TASKS_CHANNEL = "crewhall_tasks"
"""Notices that a task changed; they say nothing of what it says."""
_ARRIVED: dict[TaskStatus, type[TaskFact]] = {
    TaskStatus.IN_PROGRESS: TaskStarted,
    TaskStatus.COMPLETED: TaskCompleted,
    TaskStatus.CANCELLED: TaskCancelled,
}


class TaskNotice(msgspec.Struct):
    """A task that changed, as it travels between processes; `conversation_id` is its project's channel."""

    org_id: UUID
    conversation_id: UUID
    task_id: UUID
    status: TaskStatus


_encoder = msgspec.json.Encoder()
read_notice = msgspec.json.Decoder(TaskNotice).decode


async def tell_created(tx: Tx, actor: Actor, task: TaskDetail) -> None:
    """A task was written, and is somebody's perhaps."""
    await publish(tx, actor, TaskCreated(**_fact(actor, task)))
    if task.assignee is not None:
        await _tell_assigned(tx, actor, task)
    await show(tx, actor, task)


async def tell_change(tx: Tx, actor: Actor, before: TaskDetail, now: TaskDetail, changed: list[str]) -> None:
    """What a change means: whose it is, that it was begun, blocked, finished, reopened."""
    fact = _fact(actor, now)
    await publish(tx, actor, TaskChanged(**fact, changed=changed))
    if now.assignee is not None and (before.assignee is None or before.assignee.id != now.assignee.id):
        await _tell_assigned(tx, actor, now)
    if before.assignee is not None and (now.assignee is None or now.assignee.id != before.assignee.id):
        await ring(tx, actor.org, [before.assignee.id])
    if now.status is not before.status:
        if before.status in SETTLED:
            await publish(tx, actor, TaskReopened(**fact))
        if now.status is TaskStatus.BLOCKED:
            await publish(tx, actor, TaskBlocked(**fact, reason=now.blocked_reason or ""))
        elif arrived := _ARRIVED.get(now.status):
            await publish(tx, actor, arrived(**fact))
    await show(tx, actor, now)


async def tell_deleted(tx: Tx, actor: Actor, task: TaskDetail, *, is_deleted: bool) -> None:
    """A task was deleted, or is back."""
    kind = TaskDeleted if is_deleted else TaskRestored
    await publish(tx, actor, kind(**_fact(actor, task)))
    await show(tx, actor, task)


async def show(tx: Tx, actor: Actor, task: TaskDetail) -> None:
    """Say to who has the board open that it is to be looked at again."""
    if task.project.conversation_id is not None:
        notice = TaskNotice(actor.org, task.project.conversation_id, task.id, task.status)
        await tx.notify(TASKS_CHANNEL, _encoder.encode(notice).decode())


async def _tell_assigned(tx: Tx, actor: Actor, task: TaskDetail) -> None:
    assert task.assignee is not None
    await publish(tx, actor, TaskAssigned(**_fact(actor, task), description=task.description))
    if task.assignee.id == actor.id:
        return
    await tell(
        tx,
        [task.assignee.id],
        NotificationKind.TASK_ASSIGNED,
        org_id=actor.org,
        actor_type=actor.type,
        actor_id=actor.id,
        actor_name=actor.name,
        recipient_type=ActorType(task.assignee.type),
        subject_id=task.id,
        detail=f"{task.name} {task.title}"[:500],
    )


def _fact(actor: Actor, task: TaskDetail) -> dict[str, Any]:
    return {
        "task_id": task.id, "org_id": actor.org, "project_id": task.project.id, "number": task.number,
        "title": task.title, "priority": task.priority, "status": task.status, "deadline": task.deadline,
        "assignee_type": task.assignee.type if task.assignee else None,
        "assignee_id": task.assignee.id if task.assignee else None,
    }  # fmt: skip
