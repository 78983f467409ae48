"""Tasks and GitHub at the edge."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.work.github.vocabulary import ChangeKind, ChangeState, FieldOutcome

PullRequestUrl = Annotated[
    str,
    Meta(
        min_length=5, max_length=400,
        pattern=r"^(https?://[^\s/]+/)?[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}(/pull/|#)[1-9][0-9]{0,8}$",
        description="Its address, or `owner/name#12`.",
    ),
]  # fmt: skip


class PullRequestLink(Struct, forbid_unknown_fields=True):
    """A pull request that a task is to have."""

    url: PullRequestUrl


class PullRequest(Struct, kw_only=True):
    """A pull request of a task. `state`: `open`, `draft`, `closed` or `merged`.

    `review`: `approved` or `changes_requested`; `checks`: `passing`, `running` or `failing`; null where there are none.
    `is_by_hand`: somebody said so here; else its words say that it closes the issue.
    """

    repository_id: UUID
    repository: str
    number: int
    title: str | None
    url: str | None
    author: str | None
    state: str | None
    review: str | None
    checks: str | None
    is_by_hand: bool


class SentChange(Struct, kw_only=True):
    """What went out of a task, waits, or was refused. `outcome` of a field: `lost` where it was changed there later."""

    id: UUID
    kind: ChangeKind
    state: ChangeState
    fields: list[str]
    outcome: dict[str, FieldOutcome]
    reason: str | None
    created_at: datetime
    done_at: datetime | None


class TaskIssue(Struct, kw_only=True):
    """The issue that a task follows. `is_followed` is false once its repository is not the project's any more."""

    repository_id: UUID
    repository: str
    number: int
    url: str | None
    state: str | None
    is_followed: bool


class TaskOnGithub(Struct, kw_only=True):
    """What a task is at GitHub. `repository` is its project's, where there is one: issues can be made there.

    `unsent_comments`: what was said before the issue was here, and stays here unless somebody has it said there.
    """

    issue: TaskIssue | None
    repository: str | None
    sends_comments: bool
    unsent_comments: int
    pull_requests: list[PullRequest]
    changes: list[SentChange]
