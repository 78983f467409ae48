"""The registry of event types: what each holds, who may post it, how it is shown. Extensions register theirs."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from crewhall.kernel.counting import lasting
from crewhall.kernel.errors import INVALID
from crewhall.work import timeline_content as content
from crewhall.work.timeline_vocabulary import EventType

T = EventType
EXTENSION = re.compile(r"^x(\.[a-z][a-z0-9_]*)+$")
MAX_TYPE_LENGTH = 100


class EventKind(msgspec.Struct, frozen=True, kw_only=True):
    """A type of events. `group` is what pages filter by. `did` follows the author's name, or stands alone.

    `title`, `text` and `url` name fields of the content: what the event is about, what is said, where it leads.
    `says` is for types whose `did` depends on their content, `did_alone` for what one did and nobody else is mentioned
    of. `is_posted`: people and agents post it by themselves;
    every other comes of what happened. `is_system`: it never has an author.
    """

    name: str
    holds: type[content.Content]
    label: str
    did: str
    group: str
    icon: str
    title: str | None = None
    text: str | None = None
    url: str | None = None
    says: Callable[[dict[str, Any]], str] | None = None
    did_alone: str | None = None
    is_posted: bool = False
    is_system: bool = False


_kinds: dict[str, EventKind] = {}
_by_struct: dict[type, EventKind] = {}


def register_event_kind(kind: EventKind) -> None:
    """Add a type of events. One of an extension is named `x.` and words; a name or a struct is taken once."""
    known = kind.name in set(EventType)
    if not known and (not EXTENSION.match(kind.name) or len(kind.name) > MAX_TYPE_LENGTH):
        raise ValueError(f"a type of an extension is named x. and words, such as x.crm.deal_won: {kind.name}")
    if _kinds.get(kind.name, kind) != kind or _by_struct.get(kind.holds, kind) != kind:
        raise ValueError(f"there is an event type {kind.name} already, or one that holds this struct")
    _kinds[kind.name] = kind
    _by_struct[kind.holds] = kind


def event_kinds() -> list[EventKind]:
    """Every type there is, extensions last."""
    return list(_kinds.values())


def find_event_kind(name: str) -> EventKind | None:
    """The type of this name; None for one whose extension is not there any more."""
    return _kinds.get(name)


def kind_holding(held: content.Content) -> EventKind:
    """The type whose content this is; one that nobody registered is a programming error."""
    return _by_struct[type(held)]


def check_event_types(names: list[str] | None) -> list[str] | None:
    """Refuse what is no type of events; None is any. Raises INVALID."""
    for name in names or ():
        if name not in _kinds and not EXTENSION.match(name):
            raise INVALID(f"There are no events of type {name[:100]}. See GET /timeline/types.", field="type")
    return names or None


def read_content(kind: EventKind, given: Any) -> content.Content:
    """What somebody posts, as the type has it. Raises INVALID, with the field."""
    try:
        return msgspec.convert(given, kind.holds)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise INVALID(f"{message}.", field="content" + path.rstrip("`")) from error


def _add(
    kind: EventType, holds: type[content.Content], label: str, did: str, group: str, icon: str, **more: Any
) -> None:
    register_event_kind(EventKind(name=str(kind), holds=holds, label=label, did=did, group=group, icon=icon, **more))


def _on_trust(held: dict[str, Any]) -> str:
    if held["before"] == held["after"]:
        return f"standing is {held.get('status_after')}, was {held.get('status_before')}"
    return f"trust is {held['after']:g}, was {held['before']:g}"


def _on_wiki(held: dict[str, Any]) -> str:
    by = f" by {held['by']}" if held.get("by") else ""
    words = {"approved": "added to the wiki", "rejected": f"was refused{by} for the wiki"}
    return words.get(held["status"], "proposed for the wiki")


def _on_stop(held: dict[str, Any]) -> str:
    words = {"crashed": "closed a session that had fallen silent after", "superseded": "left for another a session of"}
    return f"{words.get(held.get('reason') or '', 'stopped a session after')} {lasting(held['duration_seconds'])}"


def _on_checks(held: dict[str, Any]) -> str:
    how = {"timed_out": "took too long", "startup_failure": "did not start"}.get(held["conclusion"], "failed")
    return f"check {held['check']} {how}"


def _on_deployment(held: dict[str, Any]) -> str:
    how = "succeeded" if held["state"] == "success" else "failed"
    return f"deployment to {held['environment']} {how}"


_VERDICTS = {"approved": "approved", "changes_requested": "asked for changes to", "commented": "commented on"}

_add(T.SESSION_START, content.SessionStarted, "Session started", "started a session", "sessions", "clock", title="goal")
_add(T.SESSION_LOG, content.SessionLogged, "Session log", "noted", "sessions", "clock", text="message")
_add(
    T.SESSION_STOP, content.SessionStopped, "Session stopped", "stopped a session", "sessions", "stop",
    title="agent", text="hand_off", says=_on_stop,
)  # fmt: skip
_add(
    T.TASK_ASSIGNED, content.TaskAssigned, "Task assigned", "assigned a task", "tasks", "list",
    title="title", did_alone="took a task",
)  # fmt: skip
_add(T.TASK_COMPLETED, content.TaskCompleted, "Task completed", "completed a task", "tasks", "check", title="title")
_add(
    T.TASK_BLOCKED, content.TaskBlocked, "Task blocked", "cannot go on with", "tasks", "alert",
    title="title", text="reason",
)  # fmt: skip
_add(
    T.PROBLEM_REPORT, content.ProblemReported, "Problem", "reported a problem", "problems", "alert",
    text="text", is_posted=True,
)  # fmt: skip
_add(T.ADVICE_GIVEN, content.AdviceGiven, "Advice", "gave advice", "advice", "spark", text="text", is_posted=True)
_add(
    T.QUESTION_ASKED, content.QuestionAsked, "Question", "asked a question", "questions", "question",
    text="text", is_posted=True,
)  # fmt: skip
_add(
    T.REVIEW_REQUESTED, content.ReviewRequested, "Review requested", "asked for a review of", "reviews", "edit",
    title="title", text="text", url="url", is_posted=True,
)  # fmt: skip
_add(
    T.REVIEW_RESPONSE, content.ReviewResponded, "Review", "reviewed", "reviews", "check",
    title="title", text="text", url="url", says=lambda held: _VERDICTS[held["verdict"]], is_posted=True,
)  # fmt: skip
_add(
    T.GITHUB_PR_OPENED, content.PullRequestOpened, "Pull request opened", "opened", "github", "file",
    title="title", url="url",
)  # fmt: skip
_add(
    T.GITHUB_PR_MERGED, content.PullRequestMerged, "Pull request merged", "merged", "github", "check",
    title="title", url="url",
)  # fmt: skip
_add(
    T.GITHUB_ISSUE_ASSIGNED, content.IssueAssigned, "Issue assigned", "was assigned", "github", "list",
    title="title", url="url",
)  # fmt: skip
_add(
    T.KPI_UPDATED, content.KpisUpdated, "Figures updated", "figures were calculated", "trust", "up",
    text="reason", is_system=True,
)  # fmt: skip
_add(
    T.TRUST_SCORE_CHANGED, content.TrustChanged, "Trust changed", "trust changed", "trust", "shield",
    text="reason", says=_on_trust, is_system=True,
)  # fmt: skip
_add(
    T.WIKI_CONTRIBUTION, content.WikiContributed, "Wiki", "contributed to the wiki", "wiki", "book",
    title="title", says=_on_wiki,
)  # fmt: skip
# Of GitHub, beside the seventeen: of the extension that comes along.
for _name, _holds, _label, _icon, _says in (
    ("x.github.checks_failed", content.ChecksFailed, "Checks failed", "alert", _on_checks),
    ("x.github.deployment_ended", content.DeploymentEnded, "Deployment", "up", _on_deployment),
):
    register_event_kind(
        EventKind(
            name=_name, holds=_holds, label=_label, did=_label.lower(), group="github", icon=_icon, title="title",
            url="url", says=_says, is_system=True,
        )
    )  # fmt: skip
