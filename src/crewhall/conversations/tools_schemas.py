"""What the tools of conversations take and give."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.conversations.emoji import MAX_EMOJI_LENGTH
from crewhall.conversations.schemas import ClientId, Content, Partner, Title
from crewhall.conversations.search import MAX_QUERY_LENGTH
from crewhall.conversations.vocabulary import ConversationKind, ConversationStatus, ConversationType
from crewhall.ports.message_log import Author, MessageKind

Limit = Annotated[int, Meta(ge=1, le=100, description="How many at most.")]
Seq = Annotated[int, Meta(ge=0, le=2**62, description="The number of a message in its conversation.")]
Cursor = Annotated[str, Meta(description="The `next` of the page before.")]
Where = Annotated[UUID, Meta(description="Id of the conversation.")]
Which = Annotated[UUID, Meta(description="Id of the message.")]
Once = Annotated[
    ClientId, Meta(description="A name of your own for this message: sent again under it, it is not posted twice.")
]


class ShownFile(Struct):
    """A file that a message has. Its bytes are at `/api/v1/files/{id}/content`."""

    id: UUID
    name: str
    media_type: str
    size: int


class Shown(Struct, kw_only=True, omit_defaults=True):
    """A message. `seq` is its number in its conversation; what has its default is left out."""

    id: UUID
    conversation_id: UUID
    seq: int
    author: Author
    content: str
    created_at: datetime
    kind: MessageKind = MessageKind.MESSAGE
    title: str | None = None
    parent_id: Annotated[UUID | None, Meta(description="The first message of the thread that it stands in.")] = None
    reply_count: int = 0
    reactions: Annotated[dict[str, int], Meta(description="How many reacted, by emoji.")] = {}
    files: list[ShownFile] = []
    edited_at: datetime | None = None
    is_deleted: bool = False


class ShownConversation(Struct, kw_only=True, omit_defaults=True):
    """A conversation as the caller sees it. `unread` counts up to 100; what has its default is left out."""

    id: UUID
    kind: ConversationKind
    type: ConversationType
    status: ConversationStatus
    last_seq: int
    last_active_at: datetime
    name: str | None = None
    title: str | None = None
    description: str = ""
    partner: Partner | None = None
    is_member: bool = False
    unread: int = 0
    mentioned: bool = False


class Conversations(Struct):
    """A page of conversations, last active first. `next` is given back as `after`."""

    conversations: list[ShownConversation]
    next: str | None = None


class Messages(Struct):
    """Messages in order of seq. `next` continues as `after` if that was given, else as `before`."""

    messages: list[Shown]
    next: int | None = None


class Thread(Struct):
    """The first message of a thread and its replies, oldest first. `next` continues as `after`."""

    message: Shown
    replies: list[Shown]
    next: int | None = None


class Hit(Struct):
    """A message that was found, with the name or title of its conversation."""

    message: Shown
    conversation: str | None


class Hits(Struct):
    """Messages that were found, newest first. `next` is given back as `after`."""

    hits: list[Hit]
    next: str | None = None


class ListConversations(Struct, forbid_unknown_fields=True, kw_only=True):
    """List the conversations within your reach, last active first: channels, groups and direct ones."""

    kind: ConversationKind | None = None
    joined: Annotated[bool, Meta(description="Only those that you are a member of.")] = False
    text: Annotated[str, Meta(description="Part of a name or title.")] | None = None
    after: Cursor | None = None
    limit: Limit = 20


class ReadMessages(Struct, forbid_unknown_fields=True, kw_only=True):
    """Read messages of a conversation: the newest ones, or those before or after a number. Newest last."""

    conversation_id: Annotated[
        UUID, Meta(description="Id of the conversation; in a turn, where you were asked if it is left out.")
    ] | None = None  # fmt: skip
    before: Seq | None = None
    after: Seq | None = None
    limit: Limit = 20


class ReadThread(Struct, forbid_unknown_fields=True, kw_only=True):
    """Read the thread that a message begins or stands in."""

    conversation_id: Where
    message_id: Which
    after: Seq | None = None
    limit: Limit = 50


class SearchMessages(Struct, forbid_unknown_fields=True, kw_only=True):
    """Search the messages that you may read, newest first."""

    query: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_QUERY_LENGTH,
            description='Words, "phrases", or, -not, from:ada, -from:bot, in:lab, kind:question, has:file, on:2026-11.',
        ),
    ]
    conversation_id: Where | None = None
    after: Cursor | None = None
    limit: Limit = 10


class Post(Struct, forbid_unknown_fields=True, kw_only=True):
    """Post a message in a conversation. @handle or @code mentions somebody; a mentioned agent is woken."""

    conversation_id: Where
    content: Content
    title: Title | None = None
    kind: MessageKind | None = None
    client_id: Once | None = None


class Reply(Struct, forbid_unknown_fields=True, kw_only=True):
    """Reply to a message in its thread."""

    conversation_id: Where
    message_id: Which
    content: Content
    client_id: Once | None = None


class MarkRead(Struct, forbid_unknown_fields=True, kw_only=True):
    """Mark a conversation as read up to a message. The mark moves forward only."""

    conversation_id: Where
    seq: Seq


class React(Struct, forbid_unknown_fields=True, kw_only=True):
    """React to a message with an emoji, or take your reaction back."""

    conversation_id: Where
    message_id: Which
    emoji: Annotated[str, Meta(max_length=MAX_EMOJI_LENGTH, description="One emoji.")]
    remove: bool = False
