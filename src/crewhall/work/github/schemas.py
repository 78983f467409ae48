"""What GitHub's part takes and gives at its edges."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.work.github.vocabulary import (
    ChangeKind,
    ChangeState,
    ConnectionKind,
    DeliveryState,
    FieldOutcome,
    ItemKind,
    RepositoryState,
)

FULL_NAME = r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$"
Name = Annotated[str, Meta(min_length=1, max_length=100, description="What it is called here.")]
Token = Annotated[str, Meta(min_length=10, max_length=500, pattern=r"^[\x21-\x7e]+$")]
PrivateKey = Annotated[str, Meta(min_length=100, max_length=10_000)]
WebhookSecret = Annotated[str, Meta(min_length=16, max_length=200)]
FullName = Annotated[str, Meta(min_length=3, max_length=201, pattern=FULL_NAME, description="`owner/name`.")]
Words = Annotated[str, Meta(min_length=1, max_length=60_000)]
Body = Annotated[str, Meta(max_length=65_536)]
Title = Annotated[str, Meta(min_length=1, max_length=256)]
Names = Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=100)]
Logins = Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=10)]


class Connection(Struct, kw_only=True):
    """How the organization reaches GitHub. Nothing that is secret is shown again.

    `webhook_url` is the address to give GitHub; `answered` is whom it took us for, `problem` why it did not answer.
    """

    id: UUID
    kind: ConnectionKind
    name: str
    app_id: int | None
    webhook_url: str = ""
    answered: str | None
    problem: str | None
    checked_at: datetime | None
    repository_count: int
    created_at: datetime


class ConnectionWithSecret(Connection, kw_only=True):
    """A new connection: `webhook_secret` is shown this once."""

    webhook_secret: str


class ConnectionInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A token, or an app's id and private key. Without a webhook secret one is made."""

    name: Name = "GitHub"
    token: Token | None = None
    app_id: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    private_key: PrivateKey | None = None
    webhook_secret: WebhookSecret | None = None


class ConnectionPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays."""

    name: Name | UnsetType = UNSET
    token: Token | UnsetType = UNSET
    private_key: PrivateKey | UnsetType = UNSET
    webhook_secret: WebhookSecret | UnsetType = UNSET


class Repository(Struct, kw_only=True):
    """A repository that is mirrored, and how far that is. `pages_total` is a guess that grows true.

    `project_id`: whose tasks its issues are. `is_filling`: `tasks_done` of `tasks_total` issues that were here before
    are tasks by now.
    """

    id: UUID
    connection_id: UUID
    full_name: str
    github_id: int | None
    installation_id: int | None
    default_branch: str | None
    project_id: UUID | None
    makes_issues: bool
    sends_comments: bool
    tasks_done: int
    tasks_total: int
    is_filling: bool
    state: RepositoryState
    problem: str | None
    pages_done: int
    pages_total: int | None
    synced_at: datetime | None
    look_at: datetime | None
    created_at: datetime


class RepositoryInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A repository to be mirrored, by what GitHub calls it."""

    full_name: FullName
    connection_id: UUID


class ProjectLink(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose tasks a repository's issues are to be."""

    project_id: UUID
    makes_issues: Annotated[bool, Meta(description="A new task of the project becomes an issue.")] = False
    sends_comments: Annotated[bool, Meta(description="What is said of a task is said at GitHub, too.")] = True


class Delivery(Struct, kw_only=True):
    """What a webhook delivered, and what became of it."""

    id: UUID
    connection_id: UUID
    delivery: str
    event: str
    state: DeliveryState
    reason: str | None
    repository_id: UUID | None
    retries: int
    has_payload: bool
    created_at: datetime
    done_at: datetime | None


class Taken(Struct):
    """A delivery is here. `is_repeated`: it was before, and does nothing again."""

    delivery: str
    is_repeated: bool


class MirroredItem(Struct, kw_only=True):
    """A thing of a repository as it was newest."""

    kind: ItemKind
    key: str
    number: int | None
    sha: str | None
    state: str | None
    title: str | None
    body: str | None
    author: str | None
    url: str | None
    moment: datetime
    deleted_at: datetime | None
    data: dict[str, Any]


class IssueFields(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Fields of an issue; what is left out stays."""

    title: Title | UnsetType = UNSET
    body: Body | UnsetType = UNSET
    state: Annotated[str, Meta(pattern="^(open|closed)$")] | UnsetType = UNSET
    state_reason: (
        Annotated[str, Meta(pattern="^(completed|not_planned|reopened)$", description="Why; it goes out with `state`.")]
        | UnsetType
    ) = UNSET
    labels: Names | UnsetType = UNSET
    assignees: Logins | UnsetType = UNSET


class ChangeInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """Something to be done at GitHub: an issue made (without `number`), changed, or commented on."""

    number: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    issue: IssueFields | None = None
    comment: Words | None = None


class Change(Struct, kw_only=True):
    """What is asked of GitHub. `outcome` says of each field what became of it."""

    id: UUID
    repository_id: UUID
    kind: ChangeKind
    number: int | None
    fields: dict[str, Any]
    state: ChangeState
    outcome: dict[str, FieldOutcome]
    reason: str | None
    url: str | None
    retries: int
    created_at: datetime
    done_at: datetime | None
