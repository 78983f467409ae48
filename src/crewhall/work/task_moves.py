"""Which status and assignee a task has after a change: what was asked, and what follows from it. Pure."""

from msgspec import UNSET, Struct

from crewhall.conversations import MemberType
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.errors import CONFLICT, INVALID
from crewhall.work.task_schemas import Assignee, TaskChange, TaskDetail
from crewhall.work.task_steps import may_become
from crewhall.work.vocabulary import IN_WORDS, TaskStatus

S = TaskStatus


class Standing(Struct, frozen=True):
    """Where a task is."""

    status: TaskStatus
    assignee: Assignee | None
    blocked_reason: str | None


def standing_of(task: TaskDetail) -> Standing:
    """Where a task is now."""
    has = task.assignee
    return Standing(task.status, Assignee(MemberType(str(has.type)), has.id) if has else None, task.blocked_reason)


def moved(actor: Actor, before: Standing, change: TaskChange) -> Standing:
    """Where a task is after a change. Raises CONFLICT (a step that may not follow), INVALID (something is missing)."""
    assignee = before.assignee if change.assignee is UNSET else change.assignee
    status = _follows(before, assignee) if change.status is UNSET else change.status
    if not may_become(before.status, status):
        raise CONFLICT(
            f"It is {IN_WORDS[before.status]}: reopen it first.", field="status", standing=str(before.status)
        )
    if status is S.BACKLOG:
        if change.assignee is not UNSET and change.assignee is not None:
            raise INVALID("A task of the backlog is nobody's.", field="assignee")
        assignee = None
    if status is S.IN_PROGRESS and assignee is None:
        assignee = _taker(actor, change)
    if status is S.ASSIGNED and assignee is None:
        raise INVALID("Say whose it is to be.", field="assignee")
    return Standing(status, assignee, _reason(before, change, status))


def _follows(before: Standing, assignee: Assignee | None) -> TaskStatus:
    """The status that an assignee brings along, where none was asked for."""
    if assignee is not None and before.status is S.BACKLOG:
        return S.ASSIGNED
    if assignee is None and before.status in {S.ASSIGNED, S.IN_PROGRESS}:
        return S.BACKLOG
    if assignee != before.assignee and before.status is S.IN_PROGRESS:
        return S.ASSIGNED  # somebody else has not begun with it
    return before.status


def _taker(actor: Actor, change: TaskChange) -> Assignee:
    if change.assignee is None or actor.type is ActorType.SYSTEM:
        raise INVALID("Somebody works on a task that is in progress. Say who.", field="assignee")
    return Assignee(MemberType(str(actor.type)), actor.id)


def _reason(before: Standing, change: TaskChange, status: TaskStatus) -> str | None:
    if status is not S.BLOCKED:
        if change.blocked_reason is not UNSET:
            raise INVALID("Only a task that is blocked has a reason for it.", field="blocked_reason")
        return None
    reason = before.blocked_reason if change.blocked_reason is UNSET else change.blocked_reason.strip()
    if not reason:
        raise INVALID("Say why it cannot go on.", field="blocked_reason")
    return reason
