"""What the timeline takes and gives."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.work.timeline_kinds import MAX_TYPE_LENGTH

MAX_MENTIONS = 50
MAX_LABELS = 8
MAX_WORDS = 200


class NewEvent(Struct, forbid_unknown_fields=True, kw_only=True):
    """An event to post. `content` is what its type holds (GET /timeline/types).

    `signature`: by the agent's key, of the canonical JSON of `content`, `mentions`, `metadata` and `type`.
    """

    type: Annotated[str, Meta(min_length=1, max_length=MAX_TYPE_LENGTH)]
    content: dict[str, Any]
    mentions: Annotated[list[UUID], Meta(max_length=MAX_MENTIONS)] = []
    metadata: dict[str, Any] = {}
    signature: Annotated[str, Meta(max_length=100, description="Ed25519, 64 bytes in base64.")] | None = None


class Somebody(Struct, frozen=True):
    """A person or an agent."""

    type: str
    id: UUID
    name: str


class Event(Struct, kw_only=True):
    """What happened. Without an author the system tells it; `summary` says it in a line.

    `text` is what was said: of a message as it reads now, empty once that is deleted.
    """

    id: UUID
    type: str
    timestamp: datetime
    author: Somebody | None
    agent: Somebody | None
    session_id: UUID | None
    project_id: UUID | None
    conversation_id: UUID | None
    message_id: UUID | None
    entry_id: UUID | None
    content: dict[str, Any]
    mentions: list[Somebody]
    metadata: dict[str, Any]
    signature: str | None
    summary: str
    title: str | None
    text: str
    link: str


class EventPage(Struct, kw_only=True):
    """A page, newest first. `next` goes back as `after` for older events, `previous` as `before` for newer ones."""

    items: list[Event]
    next: str | None = None
    previous: str | None = None


class EventTypeInfo(Struct, kw_only=True):
    """A type of events: `schema` is the JSON schema of its content; `is_posted` by people and agents themselves."""

    type: str
    label: str
    group: str
    is_posted: bool
    schema: dict[str, Any]


class Looked(Struct, frozen=True, kw_only=True):
    """Which events are looked for; what is None, or empty, is any.

    `labels` are keys and values of the metadata; `words` stand in the event, or in the message that it tells of.
    """

    types: tuple[str, ...] = ()
    author_id: UUID | None = None
    agent_id: UUID | None = None
    session_id: UUID | None = None
    project_id: UUID | None = None
    conversation_id: UUID | None = None
    mention: UUID | None = None
    labels: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    words: str | None = None
