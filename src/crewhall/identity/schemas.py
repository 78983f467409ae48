"""What identity takes and gives at the edge. Nothing here can hold a hash."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.identity.fields import Accent, Email, GithubLogin, Handle, Locale, Name, Password, Secret, Slug, Timezone
from crewhall.kernel.actor import ActorType, Role

WikiCategory = Annotated[str, Meta(min_length=1, max_length=60)]


class OrganizationSettings(Struct, forbid_unknown_fields=True):
    """What an organization settles for itself."""

    wiki_categories: Annotated[list[WikiCategory], Meta(max_length=50)] = []


class Organization(Struct):
    """An organization as its members see it. `role` is the asking person's; null for agents.

    `locale` and `timezone` are what new people start with. `accent` is the colour of its pages, `logo_url` where its
    logo is; both null where it looks like every other.
    """

    id: UUID
    slug: str
    name: str
    description: str | None
    plan: str
    settings: OrganizationSettings
    search_language: str
    locale: str
    timezone: str
    accent: str | None
    logo_url: str | None
    created_at: datetime
    updated_at: datetime
    role: Role | None = None


class NewOrganization(Struct, forbid_unknown_fields=True):
    """An organization to make; its slug is made from the name when not given."""

    name: Name
    slug: Slug | None = None
    description: Annotated[str, Meta(max_length=1024)] | None = None


class OrganizationChange(Struct, forbid_unknown_fields=True):
    """What to change about an organization. `search_language` is a Postgres text search configuration."""

    name: Name | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=1024)] | UnsetType | None = UNSET
    settings: OrganizationSettings | UnsetType = UNSET
    search_language: Annotated[str, Meta(max_length=63)] | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    accent: Accent | UnsetType | None = UNSET


class Person(Struct):
    """A member of the organization. `presence`: `online` who used a browser or client here within five minutes.

    `deactivated_at`: since when they are kept out; null for everybody else.
    """

    id: UUID
    handle: str
    name: str
    email: str
    avatar_url: str | None
    timezone: str
    role: Role
    joined_at: datetime
    presence: Literal["online", "offline"] = "offline"
    deactivated_at: datetime | None = None
    github_login: str | None = None


class RoleChange(Struct, forbid_unknown_fields=True):
    """A member's new role. `owner` is refused: the organization is offered, and accepted."""

    role: Role


class NewOwnershipOffer(Struct, forbid_unknown_fields=True):
    """To whom the owner offers the organization: one of its people."""

    person_id: UUID


class OwnershipOffer(Struct):
    """An organization that is offered to one of its people, who becomes its owner by accepting."""

    person_id: UUID
    person_name: str
    offered_by: UUID
    offered_by_name: str
    created_at: datetime
    expires_at: datetime


class Profile(Struct):
    """A person's own account."""

    id: UUID
    handle: str
    email: str
    name: str
    avatar_url: str | None
    locale: str
    timezone: str
    created_at: datetime
    github_login: str | None = None


class ProfileChange(Struct, forbid_unknown_fields=True):
    """What to change about one's own account."""

    name: Name | UnsetType = UNSET
    handle: Handle | UnsetType = UNSET
    avatar_url: Annotated[str, Meta(max_length=500, pattern=r"^https?://")] | UnsetType | None = UNSET
    locale: Locale | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    github_login: GithubLogin | UnsetType | None = UNSET


class ActorShown(Struct):
    """Who acts."""

    type: ActorType
    id: UUID
    name: str


class AgentShown(Struct):
    """An agent, as it sees itself."""

    id: UUID
    code: str
    name: str
    status: str


class Me(Struct):
    """Who is asking, in which organization, with which rights. `inbox_id` is an agent's inbox conversation."""

    actor: ActorShown
    user: Profile | None
    agent: AgentShown | None
    organization: Organization | None
    role: Role | None
    inbox_id: UUID | None = None


class Credentials(Struct, forbid_unknown_fields=True):
    """Email and password."""

    email: Email
    password: Password


class Tokens(Struct):
    """A short access token for `Authorization: Bearer …` and a refresh token that works once. `expires_in`: seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of the scheme


class SignedIn(Struct):
    """Fresh tokens, who they belong to, and the person's organizations; `organization` is the one in use."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"]
    expires_in: int
    user: Profile
    organizations: list[Organization]
    organization: Organization | None


class RefreshToken(Struct, forbid_unknown_fields=True):
    """A refresh token to exchange."""

    refresh_token: Secret


class PasswordChange(Struct, forbid_unknown_fields=True):
    """The present password and the next one."""

    current_password: Password
    new_password: Password


class ResetRequest(Struct, forbid_unknown_fields=True):
    """Whose password was forgotten."""

    email: Email


class ResetAsked(Struct):
    """Said to everybody who asks, account or not."""

    detail: str = "If there is an account with this email, a mail with a link is on its way."


class ResetConfirmation(Struct, forbid_unknown_fields=True):
    """The token of the mailed link and the new password."""

    token: Secret
    password: Password


class Login(Struct):
    """One browser or client that is signed in. `current` marks the one that asks."""

    id: UUID
    kind: Literal["browser", "token"]
    user_agent: str | None
    address: str | None
    organization_id: UUID | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


class NewPersonalToken(Struct, forbid_unknown_fields=True, kw_only=True):
    """A personal token to make: what it is for, and for how many days it is good."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^\s*[^\s\u0000][^\u0000]*$")]
    expires_in_days: Annotated[int, Meta(ge=1, le=730)] = 90


class PersonalToken(Struct, kw_only=True):
    """A personal token, without its secret. It acts as its person, in that organization alone."""

    id: UUID
    name: str
    organization_id: UUID
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


class MadePersonalToken(PersonalToken, kw_only=True):
    """A new personal token; `token` is its secret, shown only now."""

    token: str


class LetInApp(Struct, kw_only=True):
    """An app that the person let in: it acts as them at the MCP door, in that organization alone.

    `scopes` are what it may do: `read`, `write`. `address` says where it runs: a host, or this computer.
    """

    id: UUID
    name: str
    address: str
    organization_id: UUID
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


class Acceptance(Struct, forbid_unknown_fields=True):
    """An invitation's token. A newcomer adds name, password and, where the invitation names none, the email.

    Without a `timezone` theirs is the one that the organization gives new people.
    """

    token: Secret
    email: Email | None = None
    name: Name | None = None
    handle: Handle | None = None
    password: Password | None = None
    timezone: Timezone | None = None


class Accepted(Struct):
    """The organization joined; `login` is a newcomer's first login."""

    organization: Organization
    role: Role
    login: SignedIn | None = None


class SetUp(Struct, forbid_unknown_fields=True):
    """The first person and their organization. `token` comes from the link that `crewhall` prints.

    `timezone` is theirs, and what new people of the organization start with.
    """

    token: Secret
    email: Email
    password: Password
    name: Name
    organization: Name
    handle: Handle | None = None
    timezone: Timezone = "UTC"
