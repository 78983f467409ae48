"""What happened to projects and tasks; subscribers act in the same transaction (`kernel.events`)."""

from datetime import datetime
from uuid import UUID

import msgspec

from crewhall.kernel.actor import ActorType
from crewhall.work.session_vocabulary import StopReason
from crewhall.work.vocabulary import Priority, TaskStatus

SIGNIFICANT_S = 5 * 60
"""A work session that is longer moves figures."""


class ProjectFact(msgspec.Struct, frozen=True, kw_only=True):
    """Of a project."""

    project_id: UUID
    org_id: UUID
    slug: str
    name: str


class ProjectCreated(ProjectFact, frozen=True, kw_only=True):
    """A project was begun."""


class ProjectChanged(ProjectFact, frozen=True, kw_only=True):
    """What is said of a project was changed."""

    changed: list[str]


class ProjectArchived(ProjectFact, frozen=True, kw_only=True):
    """Nothing is to be done in a project any more."""


class ProjectRestored(ProjectFact, frozen=True, kw_only=True):
    """A project was taken up again."""


class ProjectDeleted(ProjectFact, frozen=True, kw_only=True):
    """A project was deleted, softly."""


class TaskFact(msgspec.Struct, frozen=True, kw_only=True):
    """Of a task, as it is now."""

    task_id: UUID
    org_id: UUID
    project_id: UUID
    number: int
    title: str
    priority: Priority
    status: TaskStatus
    deadline: datetime | None
    assignee_type: ActorType | None
    assignee_id: UUID | None


class TaskCreated(TaskFact, frozen=True, kw_only=True):
    """A task was written."""


class TaskChanged(TaskFact, frozen=True, kw_only=True):
    """Something of a task was changed: the names of its fields. What it means is told apart, after this."""

    changed: list[str]


class TaskAssigned(TaskFact, frozen=True, kw_only=True):
    """A task is somebody's now; whoever took it themselves is the actor."""

    description: str | None


class TaskStarted(TaskFact, frozen=True, kw_only=True):
    """Somebody works on a task."""


class TaskBlocked(TaskFact, frozen=True, kw_only=True):
    """A task cannot go on, for this reason."""

    reason: str


class TaskCompleted(TaskFact, frozen=True, kw_only=True):
    """A task is done."""


class TaskCancelled(TaskFact, frozen=True, kw_only=True):
    """A task is not to be done."""


class TaskReopened(TaskFact, frozen=True, kw_only=True):
    """A task that was settled is to be done again."""


class TaskDeleted(TaskFact, frozen=True, kw_only=True):
    """A task was deleted, softly."""


class TaskRestored(TaskFact, frozen=True, kw_only=True):
    """A task that was deleted is back."""


class SessionFact(msgspec.Struct, frozen=True, kw_only=True):
    """Of a work session."""

    session_id: UUID
    org_id: UUID
    agent_id: UUID
    project_id: UUID | None
    started_at: datetime


class WorkSessionStarted(SessionFact, frozen=True, kw_only=True):
    """An agent began to work."""


class WorkSessionStopped(SessionFact, frozen=True, kw_only=True):
    """An agent's work session is over: stopped, crashed or superseded."""

    stopped_at: datetime
    duration_seconds: int
    reason: StopReason
    tasks_worked_on: list[UUID]

    @property
    def is_significant(self) -> bool:
        """Whether figures follow it: it took more than five minutes, or tasks were worked on."""
        return self.duration_seconds > SIGNIFICANT_S or bool(self.tasks_worked_on)
