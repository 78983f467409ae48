"""What events hold: one struct for each type. What is stored was checked against its struct."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.work.timeline_vocabulary import Severity, Verdict

MAX_TEXT_LENGTH = 10_000
Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_LENGTH)]
Line = Annotated[str, Meta(min_length=1, max_length=500)]
Link = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^https?://")]
Number = Annotated[int, Meta(ge=0, le=2**53)]


class Content(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What an event of one type holds."""


class PulledUpdates(Content):
    """What changed since the session before."""

    tasks: Number = 0
    messages: Number = 0
    role_changes: Number = 0
    questions: Number = 0


class SessionStarted(Content):
    """An agent began to work."""

    pulled_updates: PulledUpdates
    goal: Line | None = None


class SessionLogged(Content):
    """What an agent noted at work."""

    message: Text
    context: dict[str, Any] = {}


class SessionStopped(Content):
    """An agent ended its work (`stopped`), fell silent (`crashed`), or began another (`superseded`).

    `agent`: whose session it was, where somebody else ended it.
    """

    duration_seconds: Number
    tasks_worked_on: Annotated[list[UUID], Meta(max_length=200)] = []
    reason: Line | None = None
    hand_off: Text | None = None
    agent: Line | None = None


class TaskTold(Content):
    """A task."""

    task_id: UUID
    title: Line


class TaskAssigned(TaskTold):
    """A task got its assignee."""

    description: Annotated[str, Meta(max_length=MAX_TEXT_LENGTH)] | None = None
    priority: Annotated[str, Meta(pattern="^P[0-3]$")] | None = None
    deadline: datetime | None = None


class TaskCompleted(TaskTold):
    """A task was completed."""


class TaskBlocked(TaskTold):
    """A task cannot go on."""

    reason: Text | None = None
    blocked_by: Annotated[list[UUID], Meta(max_length=100)] = []


class Said(Content):
    """What somebody says. Without `text` it stands in the message that the event tells of."""

    text: Text | None = None


class ProblemReported(Said):
    """Something does not work, or stands in the way."""

    severity: Severity | None = None


class AdviceGiven(Said):
    """What somebody advises, to whom it mentions or to everybody."""

    about: UUID | None = None


class QuestionAsked(Said):
    """What somebody wants to know."""


class Elsewhere(Content, kw_only=True):
    """What somebody did at GitHub. `login`: what they are called there; the author, if that is somebody here."""

    login: Line | None = None


class ReviewRequested(Elsewhere):
    """Somebody asks for a review."""

    title: Line
    url: Link | None = None
    text: Text | None = None


class ReviewResponded(Elsewhere):
    """What a review came to."""

    title: Line
    verdict: Verdict
    url: Link | None = None
    text: Text | None = None


class PullRequestTold(Elsewhere):
    """A pull request."""

    repository: Line
    number: Number
    title: Line
    url: Link


class PullRequestOpened(PullRequestTold):
    """A pull request was opened."""


class PullRequestMerged(PullRequestTold):
    """A pull request was merged."""

    merged_by: Line | None = None


class ChecksFailed(PullRequestTold):
    """A check of an agent's pull request failed at its last commit; `conclusion` as GitHub calls it."""

    agent_id: UUID
    check: Line
    conclusion: Line
    sha: Line


class DeploymentEnded(PullRequestTold):
    """What an agent's pull request was merged as was deployed: `success`, `failure` or `error`."""

    agent_id: UUID
    environment: Line
    state: Line
    sha: Line


class IssueAssigned(Content):
    """An issue on GitHub got its assignee."""

    repository: Line
    number: Number
    title: Line
    url: Link
    task_id: UUID | None = None


class KpisUpdated(Content):
    """An agent's figures were calculated anew."""

    agent_id: UUID
    previous: dict[str, Any]
    new: dict[str, Any]
    reason: Line


class TrustChanged(Content):
    """An agent's trust, or its standing, changed: from what to what, why, and every term that it was made of."""

    agent_id: UUID
    before: float
    after: float
    reason: Line
    terms: dict[str, float] = {}
    status_before: str | None = None
    status_after: str | None = None


class WikiContributed(Content):
    """A wiki entry was proposed, approved or rejected."""

    entry_id: UUID
    version_id: UUID
    title: Line
    status: str
    by: str | None = None
