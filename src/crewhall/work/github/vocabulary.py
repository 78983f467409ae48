"""Closed sets of GitHub's part, each a CHECK of the database as well."""

from enum import StrEnum


class ConnectionKind(StrEnum):
    """How an organization reaches GitHub."""

    APP = "app"
    TOKEN = "token"  # noqa: S105 - a word


class RepositoryState(StrEnum):
    """How the mirror of a repository stands. `limited`: GitHub asked us to wait."""

    WAITING = "waiting"
    SYNCING = "syncing"
    SYNCED = "synced"
    LIMITED = "limited"
    FAILED = "failed"


class DeliveryState(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"
    DONE = "done"
    IGNORED = "ignored"
    FAILED = "failed"


class ItemKind(StrEnum):
    """What a repository holds."""

    ISSUE = "issue"
    PULL_REQUEST = "pull_request"
    COMMENT = "comment"
    REVIEW = "review"
    REVIEW_COMMENT = "review_comment"
    CHECK_RUN = "check_run"
    CHECK_SUITE = "check_suite"
    STATUS = "status"
    PUSH = "push"
    DEPLOYMENT = "deployment"
    DEPLOYMENT_STATUS = "deployment_status"
    LABEL = "label"


class ChangeKind(StrEnum):
    """What is asked of GitHub."""

    CREATE_ISSUE = "create_issue"
    CHANGE_ISSUE = "change_issue"
    COMMENT = "comment"


class ChangeState(StrEnum):
    """How far what is asked of GitHub is."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class FieldOutcome(StrEnum):
    """What became of a field of an issue that was to change.

    `written`: as asked. `same`: it stood so already. `won`: it had changed there before we were asked, ours is newer.
    `lost`: it was changed there after we were asked, theirs stays.
    """

    WRITTEN = "written"
    SAME = "same"
    WON = "won"
    LOST = "lost"
