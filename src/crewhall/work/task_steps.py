"""The steps of a task: which status may follow which. Pure; `task_may_become` of the schema says the same."""

from crewhall.work.vocabulary import TaskStatus

S = TaskStatus
_OPEN = frozenset({S.BACKLOG, S.ASSIGNED, S.IN_PROGRESS, S.BLOCKED})
_REOPENED = frozenset({S.BACKLOG, S.ASSIGNED})

FOLLOWS: dict[TaskStatus | None, frozenset[TaskStatus]] = {
    None: _OPEN,
    S.BACKLOG: frozenset(S),
    S.ASSIGNED: frozenset(S),
    S.IN_PROGRESS: frozenset(S),
    S.BLOCKED: frozenset(S),
    S.COMPLETED: _REOPENED | {S.COMPLETED},
    S.CANCELLED: _REOPENED | {S.CANCELLED},
}
"""What may follow; None: a new task. What is settled is reopened first: nothing goes from there straight to work."""


def may_become(before: TaskStatus | None, after: TaskStatus) -> bool:
    """Whether a task of the one status may take the other."""
    return after in FOLLOWS[before]
