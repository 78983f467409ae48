"""Work sessions at the edge."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.identity import ActorShown
from crewhall.kernel.visible import visible_line, visible_text
from crewhall.work.session_vocabulary import SessionStatus, StopReason
from crewhall.work.timeline_content import MAX_TEXT_LENGTH
from crewhall.work.timeline_schemas import Somebody
from crewhall.work.vocabulary import Priority, TaskStatus

MOST_TASKS = 100
"""As many open tasks as a start names."""
MOST_MENTIONS = 100
MOST_LOGGED = 1000
"""As many entries as the log of one session holds."""
MOST_WORKED_ON = 200
_TEXT = r"^[^\u0000]*\S[^\u0000]*$"
Goal = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[^\u0000\n]*\S[^\u0000\n]*$")]
Entry = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_LENGTH, pattern=_TEXT, description="Markdown.")]
HandOff = Annotated[
    str,
    Meta(
        min_length=1, max_length=10_000, pattern=_TEXT,
        description="What whoever goes on should know: how far it is, what is next, what to look out for.",
    ),
]  # fmt: skip
TaskNames = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=120)]],
    Meta(max_length=50, description="Tasks that were worked on: ids, or `project#12`."),
]


class NewSession(Struct, forbid_unknown_fields=True, kw_only=True):
    """A work session to start. `supersede`: ends the one that is open, if any, instead of refusing."""

    project_id: UUID | None = None
    goal: Goal | None = None
    supersede: bool = False
    metadata: dict[str, Any] = {}

    def __post_init__(self) -> None:
        self.goal = visible_line(self.goal) or None if self.goal else None


class NewLogEntry(Struct, forbid_unknown_fields=True, kw_only=True):
    """An entry of a session's log: what was done. `context` is for programs: a file, a commit, how far it is."""

    message: Entry
    context: dict[str, Any] = {}
    tasks: TaskNames = []

    def __post_init__(self) -> None:
        self.message = visible_text(self.message)


class SessionEnd(Struct, forbid_unknown_fields=True, kw_only=True):
    """How a session ends."""

    hand_off: HandOff | None = None
    tasks: TaskNames = []

    def __post_init__(self) -> None:
        self.hand_off = visible_text(self.hand_off).strip() or None if self.hand_off else None


class SessionProject(Struct, frozen=True):
    """The project of a session."""

    id: UUID
    slug: str
    name: str


class WorkSession(Struct, kw_only=True):
    """When an agent worked, and at what.

    Open while `stopped_at` is null. `stop_reason` is `crashed` where the agent fell silent: the session ends with its
    last sign of life then. `tasks_worked_on`: what it started, blocked, completed or named meanwhile.
    """

    id: UUID
    agent: ActorShown
    project: SessionProject | None
    status: SessionStatus
    goal: str | None
    started_at: datetime
    stopped_at: datetime | None
    duration_seconds: int | None
    stop_reason: StopReason | None
    stopped_by: ActorShown | None
    hand_off: str | None
    log_count: int
    tasks_worked_on: list[UUID]
    heard_at: datetime
    previous_id: UUID | None


class PulledCounts(Struct, kw_only=True):
    """How much there was, of which the lists name the first. `free`: tasks that the agent could take, at most 1,000."""

    tasks: int = 0
    free: int = 0
    mentions: int = 0
    role_changes: int = 0
    questions: int = 0
    answers: int = 0
    knowledge: int = 0


class PulledTask(Struct, kw_only=True):
    """An open task of the agent's. `is_new`: it changed since the session before."""

    id: UUID
    name: str
    title: str
    status: TaskStatus
    priority: Priority
    deadline: datetime | None
    waits_for: int
    is_new: bool


class PulledMention(Struct, kw_only=True):
    """A message that mentions the agent, as far as the caller may read there."""

    message_id: UUID
    conversation_id: UUID
    place: str
    author: Somebody
    text: str
    at: datetime
    link: str


class RoleChange(Struct, kw_only=True):
    """Somebody's place changed: the agent's own, or that of who it works with."""

    who: Somebody
    what: str
    before: str | None
    after: str | None


class PulledEvent(Struct, kw_only=True):
    """A question, an answer, or a wiki entry, as the timeline tells of it."""

    id: UUID
    summary: str
    text: str
    at: datetime
    link: str


class HandedOver(Struct, kw_only=True):
    """How the agent's session before ended."""

    session_id: UUID
    stop_reason: StopReason
    started_at: datetime
    stopped_at: datetime
    duration_seconds: int
    hand_off: str | None


class Pulled(Struct, kw_only=True):
    """What a start told: tasks in the order of the queue, mentions newest first, roles against the snapshot before.

    Of tasks, mentions and people only those are named that the caller may see; `counts` are those of the start.
    """

    since: datetime | None
    counts: PulledCounts
    tasks: list[PulledTask]
    mentions: list[PulledMention]
    role_changes: list[RoleChange]


class WorkSessionDetail(WorkSession, kw_only=True):
    """A session with what its start told, and the tasks that were worked on."""

    tasks: list[PulledTask]
    pulled: Pulled
    metadata: dict[str, Any]


class StartedSession(Struct, kw_only=True):
    """A session that has begun, and all that changed since the one before: as data, and as a text to read."""

    session: WorkSession
    pulled: Pulled
    questions: list[PulledEvent]
    answers: list[PulledEvent]
    knowledge: list[PulledEvent]
    handed_over: HandedOver | None
    text: str
