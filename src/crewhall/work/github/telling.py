"""Which facts follow from how a thing of the mirror was and is."""

from collections.abc import Callable
from uuid import UUID

import msgspec

from crewhall.work.github.closing import Closing
from crewhall.work.github.facts import (
    ChecksCompleted,
    CommentChanged,
    DeploymentFinished,
    IssueCommented,
    IssueMirrored,
    Place,
    PullRequestClosed,
    PullRequestMerged,
    PullRequestMirrored,
    PullRequestOpened,
    Pushed,
    ReviewRequested,
    ReviewSubmitted,
)
from crewhall.work.github.items import Item
from crewhall.work.github.vocabulary import ItemKind

PASSED_ENDS = frozenset({"success", "failure", "error"})
GONE_BRANCH = "0" * 40


class Before(msgspec.Struct, frozen=True):
    """How a thing stood in the mirror."""

    state: str | None
    conclusion: str | None
    is_deleted: bool
    reviewers: list[str] = []


def facts_of(repository_id: UUID, project_id: UUID | None, before: Before | None, item: Item) -> list[object]:
    """What is to be told of a thing that has just changed; `before` is None for a new one."""
    tell = _TELLERS.get(item.kind)
    return tell(Place(repository_id, project_id, item.key), before, item) if tell else []


def _issue(at: Place, before: Before | None, item: Item) -> list[object]:
    assert item.number is not None
    is_new = before is None
    return [IssueMirrored(at=at, number=item.number, is_new=is_new, is_deleted=item.is_deleted)]


def _comment(at: Place, before: Before | None, item: Item) -> list[object]:
    if item.number is None:
        return []
    if before is not None:
        return [CommentChanged(at=at, number=item.number, is_deleted=item.is_deleted)]
    return [] if item.is_deleted else [IssueCommented(at=at, number=item.number, author=item.author)]


def _pull_request(at: Place, before: Before | None, item: Item) -> list[object]:
    assert item.number is not None
    told: list[object] = [PullRequestMirrored(at=at, number=item.number)]
    was = before.state if before else None
    if before is None:
        told.append(PullRequestOpened(at=at, number=item.number, author=item.author))
    asked = sorted(set(item.data.get("reviewers", ())) - set(before.reviewers if before else ()))
    if asked and item.state == "open":
        told.append(ReviewRequested(at=at, number=item.number, author=item.author, reviewers=asked))
    if item.state == "merged" != was:
        closes = msgspec.convert(item.data["closes"], list[Closing])
        told.append(PullRequestMerged(at=at, number=item.number, author=item.author, closes=closes))
    elif item.state == "closed" and was not in {"closed", "merged"}:
        told.append(PullRequestClosed(at=at, number=item.number, author=item.author))
    return told


def _review(at: Place, before: Before | None, item: Item) -> list[object]:
    if (before is not None and before.state == item.state) or item.number is None or item.state in {None, "pending"}:
        return []
    return [ReviewSubmitted(at=at, number=item.number, author=item.author, state=item.state or "", sha=item.sha)]


def _checks(at: Place, before: Before | None, item: Item) -> list[object]:
    conclusion = item.data["conclusion"]
    if item.state != "completed" or conclusion is None or (before is not None and before.conclusion == conclusion):
        return []
    numbers = item.data["pull_requests"]
    told = ChecksCompleted(at=at, sha=item.sha, name=item.title, conclusion=conclusion, pull_requests=numbers)
    return [told]


def _status(at: Place, before: Before | None, item: Item) -> list[object]:
    if before is not None or item.state not in PASSED_ENDS:
        return []
    return [ChecksCompleted(at=at, sha=item.sha, name=item.title, conclusion=item.state or "", pull_requests=[])]


def _deployment_status(at: Place, before: Before | None, item: Item) -> list[object]:
    if before is not None or item.state not in PASSED_ENDS:
        return []
    deployment = item.data["deployment"]
    return [
        DeploymentFinished(at=at, sha=item.sha, environment=item.title, state=item.state or "", deployment=deployment)
    ]


def _push(at: Place, before: Before | None, item: Item) -> list[object]:
    if before is not None or item.sha == GONE_BRANCH:
        return []
    return [Pushed(at=at, ref=item.title or "", sha=item.sha, author=item.author)]


_TELLERS: dict[ItemKind, Callable[[Place, Before | None, Item], list[object]]] = {
    ItemKind.ISSUE: _issue,
    ItemKind.COMMENT: _comment,
    ItemKind.PULL_REQUEST: _pull_request,
    ItemKind.REVIEW: _review,
    ItemKind.CHECK_SUITE: _checks,
    ItemKind.STATUS: _status,
    ItemKind.DEPLOYMENT_STATUS: _deployment_status,
    ItemKind.PUSH: _push,
}
