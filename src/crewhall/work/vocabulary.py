"""The words of projects and tasks: closed sets, as the database checks them."""

from enum import StrEnum


class TaskStatus(StrEnum):
    """How far a task has come. `blocked` is said, with its reason; waiting for other tasks is worked out."""

    BACKLOG = "backlog"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Priority(StrEnum):
    """How urgent a task is, from critical to low."""

    CRITICAL = "P0"
    HIGH = "P1"
    MEDIUM = "P2"
    LOW = "P3"


class TaskOrder(StrEnum):
    """The order of a list of tasks: that of the queue (priority, deadline, age), or the newest first."""

    QUEUE = "queue"
    NEWEST = "newest"


SETTLED = frozenset({TaskStatus.COMPLETED, TaskStatus.CANCELLED})
"""Nothing is to be done any more."""
IN_WORDS = {
    TaskStatus.BACKLOG: "backlog",
    TaskStatus.ASSIGNED: "assigned",
    TaskStatus.IN_PROGRESS: "in progress",
    TaskStatus.BLOCKED: "blocked",
    TaskStatus.COMPLETED: "completed",
    TaskStatus.CANCELLED: "cancelled",
}
PRIORITY_WORDS = {
    Priority.CRITICAL: "Critical",
    Priority.HIGH: "High",
    Priority.MEDIUM: "Medium",
    Priority.LOW: "Low",
}
