"""A record as every face shows it (docs/internals.md), from Python; `message_wire` in SQL does the same."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from crewhall.ports.message_log import Author, MessageKind, MessageRole, NewRecord, Record, RecordType

_encoder = msgspec.json.Encoder()


class ActorRef(msgspec.Struct):
    """Somebody, without a name."""

    type: str
    id: UUID


class Message(msgspec.Struct, kw_only=True):
    """A message with what its overlays add up to. `html` is sanitised; a deleted message has neither text nor html."""

    id: UUID
    conversation_id: UUID
    seq: int
    type: str = "message"
    author: Author
    role: MessageRole
    kind: MessageKind
    status: str = "sent"
    title: str | None = None
    content: str
    html: str | None = None
    metadata: dict[str, Any] = {}
    parent_id: UUID | None = None
    mentions: list[UUID] = []
    client_id: str | None = None
    created_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    pinned_at: datetime | None = None
    reactions: dict[str, list[ActorRef]] = {}
    reply_count: int = 0
    last_reply_at: datetime | None = None


class OverlayRecord(msgspec.Struct, kw_only=True):
    """An edit, deletion, pin, reaction or delivery."""

    id: UUID
    conversation_id: UUID
    seq: int
    type: RecordType
    author: Author
    target_id: UUID | None
    title: str | None
    content: str
    html: str | None
    metadata: dict[str, Any]
    mentions: list[UUID]
    created_at: datetime


def message_of(record: Record) -> Message:
    """A message record as it is before any overlay."""
    return message_as(record, record.id, record.seq, record.created_at)


def message_as(record: NewRecord | Record, record_id: UUID, seq: int, created_at: datetime) -> Message:
    """The message that a record is or becomes under this id, seq and time."""
    return Message(
        id=record_id,
        conversation_id=record.conversation_id,
        seq=seq,
        author=record.author,
        role=record.role,
        kind=record.kind,
        title=record.title,
        content=record.content,
        html=record.html,
        metadata=record.metadata or {},
        parent_id=record.parent_id,
        mentions=record.mentions,
        client_id=record.client_id,
        created_at=created_at,
    )


def wire_of(record: Record) -> bytes:
    """The record's JSON."""
    if record.type is RecordType.MESSAGE:
        return _encoder.encode(message_of(record))
    return _encoder.encode(
        OverlayRecord(
            id=record.id,
            conversation_id=record.conversation_id,
            seq=record.seq,
            type=record.type,
            author=record.author,
            target_id=record.target_id,
            title=record.title,
            content=record.content,
            html=record.html,
            metadata=record.metadata or {},
            mentions=record.mentions,
            created_at=record.created_at,
        )
    )
