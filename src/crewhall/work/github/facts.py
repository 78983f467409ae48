"""What happened at GitHub, told in the transaction that mirrored it: `kernel.events`, for tasks, timeline and figures.

Each is told once for each time that the mirror moved on, whatever came how often. `number` is the issue's or the pull
request's.
"""

from uuid import UUID

import msgspec

from crewhall.work.github.closing import Closing
from crewhall.work.github.vocabulary import ChangeKind, ItemKind


class Place(msgspec.Struct, frozen=True):
    """Where a thing is: its repository in the mirror, the project that this is of, and its key there."""

    repository_id: UUID
    project_id: UUID | None
    key: str


class _OfRepository(msgspec.Struct, frozen=True, kw_only=True):
    at: Place


class ThingMirrored(_OfRepository, frozen=True, kw_only=True):
    """Anything of the mirror changed, whatever it means: for who works out what follows from how the mirror is."""

    kind: ItemKind
    number: int | None
    sha: str | None
    ref: str | None


class IssueMirrored(_OfRepository, frozen=True, kw_only=True):
    """An issue is here, or changed: what it is stands in the mirror."""

    number: int
    is_new: bool
    is_deleted: bool


class IssueCommented(_OfRepository, frozen=True, kw_only=True):
    """Somebody said something on an issue or a pull request."""

    number: int
    author: str | None


class CommentChanged(_OfRepository, frozen=True, kw_only=True):
    """What somebody said is said otherwise now, or deleted."""

    number: int
    is_deleted: bool


class PullRequestMirrored(_OfRepository, frozen=True, kw_only=True):
    """A pull request is here, or changed: what it is stands in the mirror. What that means is told apart."""

    number: int


class ReviewRequested(_OfRepository, frozen=True, kw_only=True):
    """Somebody is asked to review a pull request."""

    number: int
    author: str | None
    reviewers: list[str]


class PullRequestOpened(_OfRepository, frozen=True, kw_only=True):
    """A pull request is here for the first time."""

    number: int
    author: str | None


class PullRequestMerged(_OfRepository, frozen=True, kw_only=True):
    """A pull request was merged. `closes`: the issues that its words say it closes, if into the default branch."""

    number: int
    author: str | None
    closes: list[Closing]


class PullRequestClosed(_OfRepository, frozen=True, kw_only=True):
    """A pull request was closed without being merged."""

    number: int
    author: str | None


class ReviewSubmitted(_OfRepository, frozen=True, kw_only=True):
    """A review is here, or was dismissed."""

    number: int
    author: str | None
    state: str
    sha: str | None


class ChecksCompleted(_OfRepository, frozen=True, kw_only=True):
    """The checks of an app for a commit, or a status of it, came to an end."""

    sha: str | None
    name: str | None
    conclusion: str
    pull_requests: list[int]


class DeploymentFinished(_OfRepository, frozen=True, kw_only=True):
    """A deployment ended: `success`, `failure` or `error`."""

    sha: str | None
    environment: str | None
    state: str
    deployment: str


class Pushed(_OfRepository, frozen=True, kw_only=True):
    """Commits came to a branch or a tag."""

    ref: str
    sha: str | None
    author: str | None


class ChangeEnded(msgspec.Struct, frozen=True, kw_only=True):
    """What was to change at GitHub was changed there, or refused, or stays as it was. `number`: of the issue."""

    change_id: UUID
    repository_id: UUID
    kind: ChangeKind
    number: int | None
