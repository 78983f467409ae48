"""What conversations take and give at the edge."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.conversations.file_schemas import MAX_ATTACHED
from crewhall.conversations.metadata import check_metadata
from crewhall.conversations.vocabulary import (
    ConversationKind,
    ConversationStatus,
    ConversationType,
    MemberRole,
    MemberType,
    NotificationLevel,
)
from crewhall.conversations.wire import ActorRef, Message
from crewhall.kernel.actor import ActorType
from crewhall.kernel.visible import visible_line, visible_text
from crewhall.ports.message_log import MAX_CLIENT_ID_LENGTH, Author, MessageKind, MessageRole

MAX_CONTENT_LENGTH = 40_000
NO_NUL = r"^[^\u0000]*$"
NOT_BLANK = r"^\s*[^\s\u0000][^\u0000]*$"
NONE_OR_NOT_BLANK = r"^(\s*[^\s\u0000][^\u0000]*)?$"
NEEDED = "Object missing required field `content`"
"""What the decoder says of a text that is missing, said where it is, and nothing else is there either."""

Content = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_CONTENT_LENGTH,
        pattern=NOT_BLANK,
        description="Markdown.",
    ),
]
PostedContent = Annotated[
    str,
    Meta(
        max_length=MAX_CONTENT_LENGTH,
        pattern=NONE_OR_NOT_BLANK,
        description="Markdown; may be left out where there are files.",
    ),
]
Title = Annotated[str, Meta(max_length=255, pattern=NO_NUL)]
GroupTitle = Annotated[str, Meta(min_length=1, max_length=255, pattern=NOT_BLANK)]
Description = Annotated[str, Meta(max_length=1024, pattern=NO_NUL)]
ChannelName = Annotated[
    str, Meta(min_length=1, max_length=80, pattern=r"^[a-z0-9][a-z0-9_-]*$", description="Unique in the organization.")
]
ClientId = Annotated[str, Meta(min_length=1, max_length=MAX_CLIENT_ID_LENGTH, pattern=NO_NUL)]
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class PostMessage(Struct, forbid_unknown_fields=True, kw_only=True):
    """A message to post. A repeated `client_id` with the same body is the same message."""

    content: PostedContent = ""
    kind: MessageKind | None = None
    title: Title | None = None
    parent_id: UUID | None = None
    metadata: dict[str, Any] | None = None
    client_id: ClientId | None = None
    role: MessageRole | None = None
    files: Annotated[
        list[UUID], Meta(max_length=MAX_ATTACHED, description="Own uploads to this conversation, to be attached.")
    ] = []

    def __post_init__(self) -> None:
        if not self.content and not self.files:
            raise ValueError(NEEDED)
        if self.metadata is not None:
            check_metadata(self.metadata)


class EditMessage(Struct, forbid_unknown_fields=True):
    """A message's new text; a title that is left out stays.

    `based_on` is the message's `edited_at` as it was read (null: it was not edited): an edit that another came before
    is refused with what the message says by now. Left out, the last edit wins.
    """

    content: Content
    title: Title | None = None
    based_on: datetime | UnsetType | None = UNSET


class ReadMark(Struct, forbid_unknown_fields=True):
    """How far the actor has read."""

    seq: Seq


class ReadState(Struct):
    """The actor's read mark; 0 for who has not joined."""

    last_read_seq: int


class LevelInput(Struct, forbid_unknown_fields=True):
    """How much of a conversation the actor wants to be told of; null: as the conversation's kind has it."""

    level: NotificationLevel | None


class Level(Struct):
    """How much of a conversation the actor is told of. `chosen` is null where the kind decides.

    That is all of a direct conversation, mentions and replies elsewhere.
    """

    level: NotificationLevel
    chosen: NotificationLevel | None


class AgentPolicy(Struct, forbid_unknown_fields=True):
    """When agents may speak in a conversation."""

    auto_trigger: bool = False
    multi_agent_enabled: bool = True
    max_agent_rounds: Annotated[int, Meta(ge=0, le=20)] = 2
    agent_cooldown_seconds: Annotated[int, Meta(ge=0, le=3600)] = 15


class AgentPolicyChange(Struct, forbid_unknown_fields=True):
    """What to change of an agent policy."""

    auto_trigger: bool | UnsetType = UNSET
    multi_agent_enabled: bool | UnsetType = UNSET
    max_agent_rounds: Annotated[int, Meta(ge=0, le=20)] | UnsetType = UNSET
    agent_cooldown_seconds: Annotated[int, Meta(ge=0, le=3600)] | UnsetType = UNSET


class NewMember(Struct, frozen=True, forbid_unknown_fields=True):
    """A person or agent of the organization."""

    member_type: MemberType
    member_id: UUID


class NewConversation(Struct, forbid_unknown_fields=True, kw_only=True):
    """A conversation to open.

    A channel needs a `name`; a group needs a `title`; a direct conversation needs exactly one of `members`, and opening
    it twice gives the same one.
    """

    kind: Literal["channel", "group", "direct"]
    name: ChannelName | None = None
    type: Literal["public", "private"] | None = None
    title: Title | None = None
    description: Description = ""
    members: Annotated[list[NewMember], Meta(max_length=200)] = []
    agent_policy: AgentPolicy | None = None

    def __post_init__(self) -> None:
        self.title = None if self.title is None else visible_line(self.title)
        self.description = visible_text(self.description)


class ConversationChange(Struct, forbid_unknown_fields=True):
    """What to change about a conversation."""

    name: ChannelName | UnsetType = UNSET
    type: Literal["public", "private"] | UnsetType = UNSET
    title: Title | None | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    agent_policy: AgentPolicyChange | UnsetType = UNSET
    stays_open: Annotated[bool, Meta(description="Of a group: it never archives itself.")] | UnsetType = UNSET
    is_default: Annotated[bool, Meta(description="New people join it. For owners and admins.")] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.title, str):
            self.title = visible_line(self.title)
        if isinstance(self.description, str):
            self.description = visible_text(self.description)


class DeleteConversation(Struct, forbid_unknown_fields=True):
    """The name (of a channel) or title (of others; empty where it has none), typed again to be sure."""

    confirm: Annotated[str, Meta(max_length=255)]


class Partner(Struct):
    """The other one of a direct conversation."""

    type: ActorType
    id: UUID
    name: str
    handle: str


class Conversation(Struct, kw_only=True):
    """A conversation as one actor sees it.

    `unread` counts messages of others after the actor's read mark, up to 100 (`unread_capped`: there are more) and
    among the newest 1,000 records; it is 0 for who has not joined. `mentioned` tells whether one of them mentions the
    actor. `notification_level` is how much of it the actor is told of, `role` what it is there (null: no member).

    `readers` counts with how many people a direct session is shared; who reads along sees in `shared_by` whose session
    it is, and as `partner` the agent. `archived_by` is the system where a group archived itself, `archives_at` is when
    it will unless somebody writes (null: not by itself); `stays_open`: it never does.
    """

    id: UUID
    kind: ConversationKind
    type: ConversationType
    name: str | None
    title: str | None
    description: str
    status: ConversationStatus
    topic: str
    is_default: bool
    owner: ActorRef
    agent_policy: AgentPolicy
    is_member: bool
    role: MemberRole | None
    is_starred: bool
    last_read_seq: int
    unread: int
    unread_capped: bool
    mentioned: bool
    notification_level: NotificationLevel
    partner: Partner | None
    shared_by: Partner | None
    readers: int
    stays_open: bool
    archived_at: datetime | None
    archived_by: Author | None
    archives_at: datetime | None
    last_seq: int
    message_count: int
    last_active_at: datetime
    created_at: datetime
    updated_at: datetime


class Member(Struct, kw_only=True):
    """A member of a conversation. `handle` is a person's handle or an agent's code; `added_by` is null if it joined.

    A `reader` reads a direct session along that was shared with them.
    """

    member_type: MemberType
    member_id: UUID
    name: str
    handle: str
    role: MemberRole
    added_by: Author | None
    joined_at: datetime
    last_read_seq: int

    @property
    def as_new(self) -> NewMember:
        """Who it is."""
        return NewMember(self.member_type, self.member_id)


class MessageVersion(Struct):
    """How a message read from `created_at` until its next version."""

    version: int
    author: Author
    title: str | None
    content: str
    html: str | None
    created_at: datetime


class ConversationRef(Struct):
    """A conversation in short."""

    id: UUID
    kind: ConversationKind
    name: str | None
    title: str | None


class SearchHit(Message, kw_only=True):
    """A message that was found. `snippet` is safe HTML in which `<mark>` shows what matched, as are `file_names`."""

    conversation: ConversationRef
    snippet: str
    file_names: list[str]
