"""What GitHub tells of a thing, as the mirror keeps it: the same, whether a webhook or an answer told.

Each reader takes the fields that every telling of the thing has, so that two of them differ only if the thing did.
Raises `Unreadable` for what is not of the shape that GitHub publishes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from crewhall.work.github.closing import closings
from crewhall.work.github.vocabulary import ItemKind

Raw = Mapping[str, Any]
NEVER = datetime.fromtimestamp(0, UTC)
MOST_COMMITS = 100
MOST_WORDS = 1000
MOST_NUMBER = 2**31 - 1
_PROGRESS = {"in_progress": 1, "completed": 2}


class Unreadable(Exception):
    """What came is not of the shape that GitHub publishes."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of a repository as it was at a moment. `step` orders what has the same moment."""

    kind: ItemKind
    key: str
    moment: datetime
    number: int | None = None
    sha: str | None = None
    state: str | None = None
    title: str | None = None
    body: str | None = None
    author: str | None = None
    url: str | None = None
    is_deleted: bool = False
    step: int = 0
    data: dict[str, Any] = {}

    def rank(self, read_at: datetime | None) -> str:
        """Orders what has the same moment: steps first; then what was read (the later, the newer) beats what came."""
        if read_at is not None:
            return f"{self.step}1{read_at.astimezone(UTC).isoformat()}"
        told = msgspec.json.encode(self, order="deterministic")
        return f"{self.step}0{hashlib.sha256(told).hexdigest()}"


def issue(raw: Raw, *, is_deleted: bool = False) -> Item | None:
    """An issue; None for a pull request, which is told as one, too."""
    if raw.get("pull_request"):
        return None
    return Item(
        kind=ItemKind.ISSUE,
        key=_key(raw),
        number=_number(raw),
        state=_text(raw, "state"),
        title=_text(raw, "title"),
        body=_text(raw, "body"),
        author=_login(raw.get("user")),
        url=_text(raw, "html_url"),
        moment=_moment(raw, "updated_at"),
        is_deleted=is_deleted,
        data={
            "labels": _names(raw.get("labels"), "name"),
            "assignees": _names(raw.get("assignees"), "login"),
            "milestone": _text(_within(raw, "milestone"), "title"),
            "state_reason": _text(raw, "state_reason"),
            "created_at": _text(raw, "created_at"),
            "closed_at": _text(raw, "closed_at"),
        },
    )


def pull_request(raw: Raw) -> Item:
    """A pull request; `state` is `open`, `closed` or `merged`, `sha` the head's."""
    head, base = _within(raw, "head"), _within(raw, "base")
    merged_at, into = _text(raw, "merged_at"), _text(base, "ref")
    is_into_default = into == _text(_within(base, "repo"), "default_branch")
    body = _text(raw, "body")
    return Item(
        kind=ItemKind.PULL_REQUEST,
        key=_key(raw),
        number=_number(raw),
        sha=_text(head, "sha"),
        state="merged" if merged_at else _text(raw, "state"),
        title=_text(raw, "title"),
        body=body,
        author=_login(raw.get("user")),
        url=_text(raw, "html_url"),
        moment=_moment(raw, "updated_at"),
        step=1 if merged_at else 0,
        data={
            "labels": _names(raw.get("labels"), "name"),
            "assignees": _names(raw.get("assignees"), "login"),
            "reviewers": _names(raw.get("requested_reviewers"), "login"),
            "is_draft": bool(raw.get("draft")),
            "head_ref": _text(head, "ref"),
            "base_ref": into,
            "merged_at": merged_at,
            "merge_sha": _text(raw, "merge_commit_sha") if merged_at else None,
            "created_at": _text(raw, "created_at"),
            "closed_at": _text(raw, "closed_at"),
            "closes": [msgspec.to_builtins(one) for one in closings(body)] if is_into_default else [],
        },
    )


def comment(raw: Raw, number: int | None = None, *, is_deleted: bool = False) -> Item:
    """A comment on an issue or a pull request."""
    return _said(ItemKind.COMMENT, raw, number or number_in(_text(raw, "issue_url")), is_deleted=is_deleted)


def review_comment(raw: Raw, number: int | None = None, *, is_deleted: bool = False) -> Item:
    """A comment on lines of a pull request."""
    found = number or number_in(_text(raw, "pull_request_url"))
    item = _said(ItemKind.REVIEW_COMMENT, raw, found, is_deleted=is_deleted)
    about = {"path": _text(raw, "path"), "review": str(raw.get("pull_request_review_id") or "") or None}
    return msgspec.structs.replace(item, sha=_text(raw, "commit_id"), data=about)


def review(raw: Raw, number: int) -> Item:
    """A review; `state` is `approved`, `changes_requested`, `commented`, `dismissed` or `pending`."""
    state = (_text(raw, "state") or "").lower()
    return Item(
        kind=ItemKind.REVIEW,
        key=_key(raw),
        number=number,
        sha=_text(raw, "commit_id"),
        state=state,
        body=_text(raw, "body"),
        author=_login(raw.get("user")),
        url=_text(raw, "html_url"),
        moment=_moment(raw, "submitted_at", or_else=NEVER),
        step=2 if state == "dismissed" else 1,
    )


def check_run(raw: Raw) -> Item:
    """A check; `state` is how far it is, `data.conclusion` how it ended."""
    return _check(ItemKind.CHECK_RUN, raw, _text(raw, "name"), ("completed_at", "started_at"))


def check_suite(raw: Raw) -> Item:
    """The checks of one app for a commit."""
    return _check(ItemKind.CHECK_SUITE, raw, _text(_within(raw, "app"), "name"), ("updated_at", "created_at"))


def status(raw: Raw, sha: str | None = None) -> Item:
    """A status of a commit: `title` is its context."""
    return Item(
        kind=ItemKind.STATUS,
        key=_key(raw),
        sha=_text(raw, "sha") or sha,
        state=_text(raw, "state"),
        title=_text(raw, "context"),
        body=_text(raw, "description"),
        url=_text(raw, "target_url"),
        moment=_moment(raw, "updated_at", "created_at"),
    )


def push(raw: Raw) -> Item:
    """What a push left a branch or a tag at."""
    ref, after = _text(raw, "ref") or "", _text(raw, "after") or ""
    commits = raw.get("commits") or []
    if not isinstance(commits, list) or not ref or not after:
        raise Unreadable("A push has a ref, the commit after it, and commits.")
    moment = _within(raw, "repository").get("pushed_at")
    return Item(
        kind=ItemKind.PUSH,
        key=hashlib.sha256(f"{ref}\n{after}".encode()).hexdigest(),
        sha=after,
        title=ref,
        author=_login(raw.get("sender")),
        url=_text(raw, "compare"),
        moment=_time(moment) if moment is not None else _moment(_within(raw, "head_commit"), "timestamp"),
        data={
            "before": _text(raw, "before"),
            "is_forced": bool(raw.get("forced")),
            "commits": [
                {"sha": _text(one, "id"), "message": (_text(one, "message") or "")[:MOST_WORDS]}
                for one in commits[:MOST_COMMITS]
            ],
        },
    )


def deployment(raw: Raw) -> Item:
    """A deployment of a commit: `title` is the environment."""
    return Item(
        kind=ItemKind.DEPLOYMENT,
        key=_key(raw),
        sha=_text(raw, "sha"),
        title=_text(raw, "environment"),
        body=_text(raw, "description"),
        author=_login(raw.get("creator")),
        url=_text(raw, "url"),
        moment=_moment(raw, "updated_at"),
        data={"ref": _text(raw, "ref"), "task": _text(raw, "task"), "created_at": _text(raw, "created_at")},
    )


def deployment_status(raw: Raw, of: Item) -> Item:
    """What a deployment said of itself."""
    return Item(
        kind=ItemKind.DEPLOYMENT_STATUS,
        key=_key(raw),
        sha=of.sha,
        state=_text(raw, "state"),
        title=_text(raw, "environment") or of.title,
        body=_text(raw, "description"),
        author=_login(raw.get("creator")),
        url=_text(raw, "target_url"),
        moment=_moment(raw, "updated_at"),
        data={"deployment": of.key},
    )


def label(raw: Raw, *, is_deleted: bool = False) -> Item:
    """A label. GitHub does not say when one changed: what is read is right."""
    return Item(
        kind=ItemKind.LABEL,
        key=_key(raw),
        title=_text(raw, "name"),
        body=_text(raw, "description"),
        moment=NEVER,
        is_deleted=is_deleted,
        data={"color": _text(raw, "color")},
    )


def clean(text: str) -> str:
    """A text as the database takes it: without NUL."""
    return text.replace("\0", "�")


def time_of(raw: Raw, name: str) -> datetime:
    """A moment that has to be there. Raises Unreadable."""
    return _moment(raw, name)


def number_in(url: str | None) -> int | None:
    """The number at the end of an address."""
    last = (url or "").rpartition("/")[2]
    return int(last) if last.isascii() and last.isdigit() and int(last) <= MOST_NUMBER else None


def _said(kind: ItemKind, raw: Raw, number: int | None, *, is_deleted: bool) -> Item:
    return Item(
        kind=kind,
        key=_key(raw),
        number=number,
        body=_text(raw, "body"),
        author=_login(raw.get("user")),
        url=_text(raw, "html_url"),
        moment=_moment(raw, "updated_at"),
        is_deleted=is_deleted,
    )


def _check(kind: ItemKind, raw: Raw, title: str | None, moments: Sequence[str]) -> Item:
    state = _text(raw, "status")
    return Item(
        kind=kind,
        key=_key(raw),
        sha=_text(raw, "head_sha"),
        state=state,
        title=title,
        url=_text(raw, "html_url"),
        moment=_moment(raw, *moments, or_else=NEVER),
        step=_PROGRESS.get(state or "", 0),
        data={
            "conclusion": _text(raw, "conclusion"),
            "branch": _text(raw, "head_branch"),
            "pull_requests": sorted(
                one["number"]
                for one in raw.get("pull_requests") or []
                if isinstance(one, dict) and isinstance(one.get("number"), int)
            ),
        },
    )


def _key(raw: Raw) -> str:
    found = raw.get("id")
    if not isinstance(found, int) or isinstance(found, bool):
        raise Unreadable("It has no id.")
    return str(found)


def _number(raw: Raw) -> int:
    found = raw.get("number")
    if not isinstance(found, int) or not 0 < found <= MOST_NUMBER:
        raise Unreadable("It has no number.")
    return found


def _within(raw: Raw, name: str) -> Raw:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _text(raw: Any, name: str) -> str | None:
    found = raw.get(name) if isinstance(raw, Mapping) else None
    return clean(found) if isinstance(found, str) else None


def _login(raw: Any) -> str | None:
    return _text(raw, "login")


def _names(raw: Any, field: str) -> list[str]:
    if not isinstance(raw, list):
        return []
    found = (clean(one) if isinstance(one, str) else _text(one, field) for one in raw)
    return sorted({one for one in found if one is not None})


def _moment(raw: Raw, *names: str, or_else: datetime | None = None) -> datetime:
    found = next((raw[name] for name in names if raw.get(name)), None)
    if found is None:
        if or_else is None:
            raise Unreadable(f"It does not say when it changed ({names[0]}).")
        return or_else
    return _time(found)


def _time(found: Any) -> datetime:
    try:
        if isinstance(found, (int, float)):
            return datetime.fromtimestamp(found, UTC)
        moment = datetime.fromisoformat(found)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Unreadable("What it gives as its time is none.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
