"""What the API answers besides messages. Unknown fields are ignored, so that a newer server can be talked to."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

from crewhall.faces.sdk.records import Author, Message

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list; `next`, given as `after`, asks for the following page, and is None on the last."""

    items: list[T]
    next: str | None = None


class ActorInfo(msgspec.Struct, frozen=True):
    """Who is signed in."""

    type: str
    id: str
    name: str = ""


class Organization(msgspec.Struct, frozen=True):
    """One tenant. `role` is the signed-in person's."""

    id: str
    slug: str
    name: str
    description: str | None = None
    role: str | None = None
    plan: str | None = None
    locale: str = "en"
    timezone: str = "UTC"
    accent: str | None = None
    logo_url: str | None = None


class OwnershipOffer(msgspec.Struct, frozen=True):
    """An organization that is offered to one of its people, who owns it by accepting."""

    person_id: str
    person_name: str
    offered_by: str
    expires_at: datetime
    offered_by_name: str = ""


class Person(msgspec.Struct, frozen=True):
    """A person, as seen by the members of an organization."""

    id: str
    handle: str
    name: str
    email: str | None = None
    role: str | None = None
    timezone: str = "UTC"
    joined_at: datetime | None = None
    presence: str = "offline"
    deactivated_at: datetime | None = None
    github_login: str | None = None


class AgentInfo(msgspec.Struct, frozen=True):
    """An agent's profile. `inbox_id` is the conversation in which its deliveries arrive."""

    id: str
    code: str
    name: str
    description: str | None = None
    role_title: str = ""
    instructions: str | None = None
    kind: str = "custom"
    status: str = "active"
    presence: str = "offline"
    visibility: str = "public"
    level: str = "organization"
    trust_score: float | None = None
    version: str = ""
    capabilities: list[str] = []
    last_heartbeat_at: datetime | None = None
    owner_user_id: str | None = None
    inbox_id: str | None = None
    created_at: datetime | None = None
    model_config: dict[str, Any] = {}
    tools: list[str] = []
    github_login: str | None = None


class AgentTemplate(msgspec.Struct, frozen=True):
    """What a new agent may start from: its `code` is given as `template`."""

    code: str
    name: str
    description: str
    kind: str


class Me(msgspec.Struct, frozen=True):
    """The signed-in person or agent, with the organization it acts for."""

    actor: ActorInfo
    user: Person | None = None
    agent: AgentInfo | None = None
    organization: Organization | None = None
    role: str | None = None
    inbox_id: str | None = None


class TryEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happens while an agent is tried out: `began`, `words`, then `done` or `failed`.

    `text` is more of the answer, of `done` the whole, with its `html`. `words` with `request` begin, or begin again:
    what came before is void. `detail` says why there is no answer.
    """

    type: str
    run_id: str | None = None
    text: str = ""
    html: str = ""
    request: int | None = None
    model: str | None = None
    seconds: float | None = None
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = None
    currency: str | None = None
    reason: str | None = None
    detail: str | None = None


class AgentState(msgspec.Struct, frozen=True):
    """What an agent remembers of the signed-in person. Version 0: nothing was ever kept."""

    state: dict[str, Any]
    version: int
    updated_at: datetime | None = None


class Credential(msgspec.Struct, frozen=True):
    """An agent's key, known by its prefix. `key` is the whole secret, and only there right after it was made."""

    id: str
    prefix: str
    label: str = ""
    type: str = "api_key"
    is_active: bool = True
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    created_at: datetime | None = None
    key: str | None = None


class Partner(msgspec.Struct, frozen=True):
    """The other one of a direct conversation."""

    type: str
    id: str
    name: str = ""
    handle: str = ""


class Conversation(msgspec.Struct, frozen=True):
    """A channel, group, direct session or agent's inbox. `last_read_seq` and `unread` are the signed-in actor's.

    `unread` counts up to 100; `unread_capped` says that there are more. `role` is what they are there: owner, member,
    reader (of a session that was shared). `archives_at`: when a group archives itself unless somebody writes.
    """

    id: str
    kind: str
    type: str = "private"
    name: str | None = None
    title: str | None = None
    description: str = ""
    status: str = "active"
    last_seq: int = 0
    last_read_seq: int = 0
    unread: int = 0
    unread_capped: bool = False
    is_member: bool = False
    role: str | None = None
    is_starred: bool = False
    mentioned: bool = False
    message_count: int = 0
    notification_level: str = "mentions"
    partner: Partner | None = None
    shared_by: Partner | None = None
    readers: int = 0
    stays_open: bool = False
    archived_at: datetime | None = None
    archives_at: datetime | None = None
    last_active_at: datetime | None = None

    @property
    def label(self) -> str:
        """What to call it: #name of a channel, the title of a group, @handle of the other one, else its id."""
        if self.name:
            return f"#{self.name}"
        if self.partner and self.shared_by:
            return f"@{self.partner.handle} with @{self.shared_by.handle}"
        return self.title or (f"@{self.partner.handle}" if self.partner else self.id)


class Invitation(msgspec.Struct, frozen=True):
    """An open invitation. Without an email it is a link, by which `max_uses` people may join; `uses` have."""

    id: str
    email: str | None = None
    role: str = "member"
    max_uses: int = 1
    uses: int = 0
    expires_at: datetime | None = None
    created_at: datetime | None = None


class SentInvitation(msgspec.Struct, frozen=True):
    """A new invitation with its link, which is shown only now."""

    invitation: Invitation
    link: str
    token: str


class PersonalToken(msgspec.Struct, frozen=True):
    """A key of one's own for a program. `token` is the secret, there only when it was just made."""

    id: str
    name: str
    organization_id: str
    expires_at: datetime
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    token: str | None = None


class LetInApp(msgspec.Struct, frozen=True):
    """A program that acts as oneself through MCP in one organization. `scopes`: `read`, `write`."""

    id: str
    name: str
    address: str
    organization_id: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None


class CredentialUse(msgspec.Struct, frozen=True):
    """A validation of a key, good or bad."""

    id: str
    ok: bool
    uses: int = 1
    reason: str | None = None
    address: str | None = None
    used_at: datetime | None = None


class Version(msgspec.Struct, frozen=True):
    """How a message read from `created_at` until its next version."""

    version: int
    author: Author
    content: str
    created_at: datetime
    title: str | None = None
    html: str | None = None


class QuickTask(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent is often asked."""

    id: str
    agent_id: str
    title: str
    prompt: str
    category: str | None = None
    icon: str | None = None
    order_index: int = 0
    enabled: bool = True


class ConversationRef(msgspec.Struct, frozen=True):
    """A conversation in short; `partner` is who is in a direct one with the caller, where that is told."""

    id: str
    kind: str
    name: str | None = None
    title: str | None = None
    partner: str | None = None

    @property
    def label(self) -> str:
        """What to call it: #name for a channel, otherwise its title, who is in it, or its id."""
        return f"#{self.name}" if self.name else self.title or self.partner or self.id


class SearchHit(Message, frozen=True, kw_only=True):
    """A message that was found. `snippet` is safe HTML in which `<mark>` shows what matched, as are `file_names`."""

    conversation: ConversationRef
    snippet: str = ""
    file_names: tuple[str, ...] = ()
