"""What becomes of commits, read: pushes, checks, statuses, deployments."""

import hashlib
from collections.abc import Sequence

from crewhall.work.github.fields import Raw, Unreadable, as_moment, key_of, login_of, moment_of, text_of, within
from crewhall.work.github.items import NEVER, Item
from crewhall.work.github.vocabulary import ItemKind

MOST_COMMITS = 100
MOST_WORDS = 1000
_PROGRESS = {"in_progress": 1, "completed": 2}


def check_run(raw: Raw) -> Item:
    """A check; `state` is how far it is, `data.conclusion` how it ended."""
    return _check(ItemKind.CHECK_RUN, raw, text_of(raw, "name"), ("completed_at", "started_at"))


def check_suite(raw: Raw) -> Item:
    """The checks of one app for a commit."""
    return _check(ItemKind.CHECK_SUITE, raw, text_of(within(raw, "app"), "name"), ("updated_at", "created_at"))


def status(raw: Raw, sha: str | None = None) -> Item:
    """A status of a commit: `title` is its context."""
    return Item(
        kind=ItemKind.STATUS,
        key=key_of(raw),
        sha=text_of(raw, "sha") or sha,
        state=text_of(raw, "state"),
        title=text_of(raw, "context"),
        body=text_of(raw, "description"),
        url=text_of(raw, "target_url"),
        moment=moment_of(raw, "updated_at", "created_at"),
    )


def push(raw: Raw) -> Item:
    """What a push left a branch or a tag at."""
    ref, after = text_of(raw, "ref") or "", text_of(raw, "after") or ""
    commits = raw.get("commits") or []
    if not isinstance(commits, list) or not ref or not after:
        raise Unreadable("A push has a ref, the commit after it, and commits.")
    moment = within(raw, "repository").get("pushed_at")
    return Item(
        kind=ItemKind.PUSH,
        key=hashlib.sha256(f"{ref}\n{after}".encode()).hexdigest(),
        sha=after,
        title=ref,
        author=login_of(raw.get("sender")),
        url=text_of(raw, "compare"),
        moment=as_moment(moment) if moment is not None else moment_of(within(raw, "head_commit"), "timestamp"),
        data={
            "before": text_of(raw, "before"),
            "is_forced": bool(raw.get("forced")),
            "commits": [
                {"sha": text_of(one, "id"), "message": (text_of(one, "message") or "")[:MOST_WORDS]}
                for one in commits[:MOST_COMMITS]
            ],
        },
    )


def deployment(raw: Raw) -> Item:
    """A deployment of a commit: `title` is the environment."""
    return Item(
        kind=ItemKind.DEPLOYMENT,
        key=key_of(raw),
        sha=text_of(raw, "sha"),
        title=text_of(raw, "environment"),
        body=text_of(raw, "description"),
        author=login_of(raw.get("creator")),
        url=text_of(raw, "url"),
        moment=moment_of(raw, "updated_at"),
        data={"ref": text_of(raw, "ref"), "task": text_of(raw, "task"), "created_at": text_of(raw, "created_at")},
    )


def deployment_status(raw: Raw, of: Item) -> Item:
    """What a deployment said of itself."""
    return Item(
        kind=ItemKind.DEPLOYMENT_STATUS,
        key=key_of(raw),
        sha=of.sha,
        state=text_of(raw, "state"),
        title=text_of(raw, "environment") or of.title,
        body=text_of(raw, "description"),
        author=login_of(raw.get("creator")),
        url=text_of(raw, "target_url"),
        moment=moment_of(raw, "updated_at"),
        data={"deployment": of.key},
    )


def _check(kind: ItemKind, raw: Raw, title: str | None, moments: Sequence[str]) -> Item:
    state = text_of(raw, "status")
    return Item(
        kind=kind,
        key=key_of(raw),
        sha=text_of(raw, "head_sha"),
        state=state,
        title=title,
        url=text_of(raw, "html_url"),
        moment=moment_of(raw, *moments, or_else=NEVER),
        step=_PROGRESS.get(state or "", 0),
        data={
            "conclusion": text_of(raw, "conclusion"),
            "branch": text_of(raw, "head_branch"),
            "pull_requests": sorted(
                one["number"]
                for one in raw.get("pull_requests") or []
                if isinstance(one, dict) and isinstance(one.get("number"), int)
            ),
        },
    )
