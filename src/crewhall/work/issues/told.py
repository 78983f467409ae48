"""How an issue stands at GitHub, as a task has it; and what of that was changed there. Pure.

A task keeps how its issue stood when it followed last. What stands otherwise by now was changed there, and is taken;
everything else stays as it is here. So the same tellings end in the same task, whatever came in which order.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from crewhall.kernel.visible import visible_line, visible_text
from crewhall.work.github.outgoing import MARK
from crewhall.work.task_schemas import MAX_DESCRIPTION, clean_labels
from crewhall.work.vocabulary import TaskStatus

MOST_LABELS, LONGEST_LABEL, LONGEST_TITLE = 20, 50, 500
OPEN = "open"
_ENDED = {None: "completed", "completed": "completed"}
_NAMES = {"body": "description"}
"""What a change calls otherwise than a task does."""


class Issue(Struct, frozen=True, kw_only=True):
    """An issue of the mirror. `merged_at`: when the last pull request was merged that says it closes it."""

    github_id: int
    number: int
    state: str
    state_reason: str | None
    title: str | None
    body: str | None
    author: str | None
    url: str | None
    labels: list[str]
    assignees: list[str]
    moment: datetime
    closed_at: datetime | None
    is_deleted: bool
    merged_at: datetime | None


class Told(Struct, frozen=True, kw_only=True):
    """How an issue stands. `state`: `open`, `completed` or `cancelled`; `assignees` in small letters."""

    title: str
    description: str | None
    labels: list[str]
    state: str
    assignees: list[str]
    is_deleted: bool = False


FIELDS = frozenset(Told.__struct_fields__)


def told_of(issue: Issue) -> Told:
    """What a task takes of an issue.

    An open issue is completed when a pull request that closes it was merged after anything was told of the issue: the
    merge is known, that GitHub closed the issue not yet. Who reopens it is told of later than the merge.
    """
    state = OPEN
    if issue.state == "closed":
        state = _ENDED.get(issue.state_reason, "cancelled")
    elif issue.merged_at is not None and issue.moment <= issue.merged_at:
        state = "completed"
    return Told(
        title=title_of(issue.title) or f"Issue {issue.number}",
        description=description_of(issue.body),
        labels=labels_of(issue.labels),
        state=state,
        assignees=sorted({one.lower() for one in issue.assignees}),
        is_deleted=issue.is_deleted,
    )


def title_of(text: str | None) -> str:
    """A title as it comes from GitHub."""
    return visible_line(text or "")[:LONGEST_TITLE].strip()


def description_of(text: str | None) -> str | None:
    """A body as it comes from GitHub: without our mark and what nobody sees."""
    return visible_text(MARK.sub("", text or "").replace("\r\n", "\n"))[:MAX_DESCRIPTION].strip() or None


def labels_of(names: Collection[str]) -> list[str]:
    """Labels as tasks have them: in small letters, in order, at most twenty."""
    return sorted(clean_labels([name[:LONGEST_LABEL] for name in names]))[:MOST_LABELS]


def pending_of(fields: Collection[str]) -> frozenset[str]:
    """The names that a task has for fields of an issue that wait to go out."""
    return frozenset(_NAMES.get(name, name) for name in fields) & FIELDS


def taken(before: Told | None, now: Told, pending: Collection[str]) -> tuple[set[str], Told]:
    """What was changed at GitHub, and what to remember. What waits to go out is left alone until it did."""
    if before is None:
        return set(FIELDS), now
    kept: dict[str, Any] = {name: getattr(before, name) for name in pending}
    seen = structs.replace(now, **kept)
    return {name for name in FIELDS if getattr(seen, name) != getattr(before, name)}, seen


def state_of(status: TaskStatus) -> str:
    """What a status is at GitHub: `open`, `completed` or `cancelled`."""
    return str(status) if status in {TaskStatus.COMPLETED, TaskStatus.CANCELLED} else OPEN
