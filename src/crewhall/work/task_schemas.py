"""Tasks at the edge."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.conversations import MAX_CONTENT_LENGTH, MemberType
from crewhall.identity import ActorShown
from crewhall.kernel.clock import utc_now
from crewhall.kernel.visible import visible_line, visible_name, visible_text
from crewhall.work.vocabulary import SETTLED, Priority, TaskStatus

MAX_DESCRIPTION = 65_536
MOST_AT_ONCE = 200
"""As many tasks as are changed together."""
_LINE = r"^[^\u0000\n]*\S[^\u0000\n]*$"
_TEXT = r"^[^\u0000]*$"
TaskTitle = Annotated[str, Meta(min_length=1, max_length=500, pattern=_LINE)]
TaskText = Annotated[str, Meta(max_length=MAX_DESCRIPTION, pattern=_TEXT, description="Markdown.")]
Criterion = Annotated[str, Meta(min_length=1, max_length=500, pattern=_LINE)]
Label = Annotated[str, Meta(min_length=1, max_length=50, pattern=_LINE)]
Labels = Annotated[list[Label], Meta(max_length=20, description="Kept in small letters.")]
BlockedReason = Annotated[
    str, Meta(min_length=1, max_length=2000, pattern=_TEXT, description="Why it cannot go on; needed for `blocked`.")
]
Version = Annotated[
    int, Meta(ge=1, description="The version that was seen: 409 `stale_task` when there is a newer one.")
]
FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Of deadlines: a moment at the end of what a calendar holds has no local time in every timezone."""
Deadline = Annotated[datetime, Meta(tz=True, description="With its offset from UTC, of the years 1970 to 9998.")]
GitHubId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
IssueNumber = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class SuccessCriterion(Struct, forbid_unknown_fields=True):
    """Something that has to hold when the task is done."""

    text: Criterion
    is_met: bool = False

    def __post_init__(self) -> None:
        self.text = visible_name(self.text)


Criteria = Annotated[list[SuccessCriterion], Meta(max_length=50)]


class Assignee(Struct, frozen=True, forbid_unknown_fields=True):
    """A person or agent of the organization."""

    type: MemberType
    id: UUID


class MessageRef(Struct, frozen=True, forbid_unknown_fields=True):
    """A message that a task is made of; the caller can read it."""

    conversation_id: UUID
    message_id: UUID


class NewTask(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new task. With an assignee it is `assigned`, without one in the `backlog`."""

    project_id: UUID
    title: TaskTitle
    description: TaskText | None = None
    priority: Priority = Priority.MEDIUM
    deadline: Deadline | None = None
    success_criteria: Criteria = []
    labels: Labels = []
    assignee: Assignee | None = None
    waits_for: Annotated[list[UUID], Meta(max_length=50, description="Tasks to be done before.")] = []
    github_issue_id: GitHubId | None = None
    github_issue_number: IssueNumber | None = None
    message: Annotated[
        MessageRef | None, Meta(description="It is made of this message: kept in `metadata.message`, with its `seq`.")
    ] = None

    def __post_init__(self) -> None:
        self.title = visible_name(self.title)
        self.description = visible_text(self.description) if self.description else None
        self.labels = clean_labels(self.labels)
        _check_deadline(self.deadline)


class TaskChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change about a task; what is left out stays.

    Who is given a task of the backlog makes it `assigned`; without an assignee it goes back there. Who starts a task
    that is nobody's takes it.
    """

    title: TaskTitle | UnsetType = UNSET
    description: TaskText | None | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    deadline: Deadline | None | UnsetType = UNSET
    success_criteria: Criteria | UnsetType = UNSET
    labels: Labels | UnsetType = UNSET
    assignee: Assignee | None | UnsetType = UNSET
    status: TaskStatus | UnsetType = UNSET
    blocked_reason: BlockedReason | UnsetType = UNSET
    expected_version: Version | None = None

    def __post_init__(self) -> None:
        if isinstance(self.title, str):
            self.title = visible_name(self.title)
        if isinstance(self.labels, list):
            self.labels = clean_labels(self.labels)
        _check_deadline(self.deadline)


class TasksChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """The same change for several tasks, each by itself."""

    tasks: Annotated[list[UUID], Meta(min_length=1, max_length=MOST_AT_ONCE)]
    change: TaskChange


class NextTask(Struct, forbid_unknown_fields=True):
    """Where to take the next task from: any project unless one is named."""

    project_id: UUID | None = None


class NewComment(Struct, forbid_unknown_fields=True):
    """A comment on a task, in Markdown."""

    content: Annotated[str, Meta(min_length=1, max_length=MAX_CONTENT_LENGTH, pattern=r"\S")]
    only_here: Annotated[bool, Meta(description="Not at GitHub, too, where the task has an issue.")] = False


class ProjectRef(Struct, frozen=True):
    """The project of a task."""

    id: UUID
    slug: str
    name: str
    is_active: bool
    conversation_id: UUID | None


class TaskRef(Struct, frozen=True):
    """Another task, in short."""

    id: UUID
    number: int
    title: str
    status: TaskStatus
    priority: Priority


class Task(Struct, kw_only=True):
    """A task. `number` counts within its project.

    `waits_for`: how many of the tasks that it depends on are not settled; until then nobody starts it. `thread_id`: the
    message in the project's channel that its comments answer. `github_repository_id`: whose issue it follows, or
    followed. `version` moves with every change.
    """

    id: UUID
    project: ProjectRef
    number: int
    title: str
    status: TaskStatus
    priority: Priority
    deadline: datetime | None
    success_criteria: list[SuccessCriterion]
    labels: list[str]
    assignee: ActorShown | None
    blocked_reason: str | None
    waits_for: int
    thread_id: UUID | None
    github_issue_id: int | None
    github_issue_number: int | None
    github_repository_id: UUID | None
    version: int
    created_by: ActorShown
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def name(self) -> str:
        """What it is called in passing: `shop#12`."""
        return f"{self.project.slug}#{self.number}"

    @property
    def is_late(self) -> bool:
        """Whether its deadline is past, and it is still to be done."""
        return self.deadline is not None and self.status not in SETTLED and self.deadline < utc_now()

    @property
    def met(self) -> int:
        """How many of its criteria are met."""
        return sum(one.is_met for one in self.success_criteria)


class TaskDetail(Task, kw_only=True):
    """A task with its description and what stands around it."""

    description: str | None
    depends_on: list[TaskRef]
    blocks: list[TaskRef]
    metadata: dict[str, Any]


class TaskRefused(Struct, frozen=True):
    """A task that was left as it was, and why."""

    id: UUID
    code: str
    detail: str


class TasksChanged(Struct):
    """What became of a change of several tasks."""

    changed: list[UUID]
    refused: list[TaskRefused]


class Column(Struct):
    """A column of a board: how many tasks have the status, and the first of them."""

    status: TaskStatus
    total: int
    tasks: list[Task]


class Board(Struct):
    """A project's tasks by status."""

    columns: list[Column]


def _check_deadline(deadline: object) -> None:
    if isinstance(deadline, datetime) and not FIRST_YEAR <= deadline.year <= LAST_YEAR:
        raise ValueError(f"A deadline is of the years {FIRST_YEAR} to {LAST_YEAR}.")


def clean_labels(labels: list[str]) -> list[str]:
    """Labels in small letters, each once, in order."""
    return list(dict.fromkeys(word for label in labels if (word := visible_line(label).lower())))
