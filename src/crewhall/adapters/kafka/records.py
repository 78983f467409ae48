"""Records as they stand in topics of conversations: JSON, one record a message, schema version 1.

The key is the conversation's id, the header `crewhall-version` the schema's version. Fields are added, never renamed or
taken away, within a version; readers pass over fields that they do not know. At a higher version they stop: to skip it
would be to lose it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from crewhall.adapters.postgres.batch import LoggedRecord, digest_of
from crewhall.kernel.actor import ActorType
from crewhall.ports.message_log import Author, MessageKind, MessageRole, NewRecord, RecordType

VERSION = 1
VERSION_HEADER = "crewhall-version"
_encoder = msgspec.json.Encoder()


class UnreadableRecord(Exception):
    """What stands in a topic and is no record; its text says why."""


class UnknownVersion(Exception):
    """A record of a later version than this process knows."""


class RecordAuthor(msgspec.Struct, frozen=True):
    """Who wrote the record, with the name of then."""

    type: ActorType
    id: UUID
    name: str


class KafkaRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A record of a conversation: a message, or what is laid over one."""

    id: UUID
    org_id: UUID
    conversation_id: UUID
    type: RecordType
    author: RecordAuthor
    created_at: datetime
    role: MessageRole = MessageRole.USER
    kind: MessageKind = MessageKind.MESSAGE
    title: str | None = None
    content: str = ""
    html: str | None = None
    metadata: dict[str, Any] | None = None
    parent_id: UUID | None = None
    target_id: UUID | None = None
    mentions: list[UUID] = []
    client_id: str | None = None
    body_digest: str | None = None
    """What is equal for two records of one client id that are the same (BLAKE2b, 16 bytes, in hex)."""
    seq: int | None = None
    """The place it has already, where it was written before the topic was; else it follows from the topic's order."""


_decoder = msgspec.json.Decoder(KafkaRecord)


def encode_record(record: NewRecord, created_at: datetime) -> bytes:
    """Make the message's value. What the database had before goes with its seq and its digest."""
    logged = record if isinstance(record, LoggedRecord) else None
    return _encoder.encode(
        KafkaRecord(
            id=record.id,
            org_id=record.org_id,
            conversation_id=record.conversation_id,
            type=record.type,
            author=RecordAuthor(record.author.type, record.author.id, record.author.name),
            created_at=created_at,
            role=record.role,
            kind=record.kind,
            title=record.title,
            content=record.content,
            html=record.html,
            metadata=record.metadata or None,
            parent_id=record.parent_id,
            target_id=record.target_id,
            mentions=record.mentions,
            client_id=record.client_id,
            body_digest=digest_of(record),
            seq=logged.seq if logged else None,
        )
    )


def headers_of() -> list[tuple[str, bytes]]:
    """The headers of every record."""
    return [(VERSION_HEADER, str(VERSION).encode())]


def decode_record(value: bytes | None, headers: tuple[tuple[str, bytes], ...]) -> LoggedRecord:
    """Read a message's value. Raises UnreadableRecord, UnknownVersion."""
    version = dict(headers).get(VERSION_HEADER, b"").decode(errors="replace")
    if version.isdecimal() and int(version) > VERSION:
        raise UnknownVersion(version)
    if version != str(VERSION):
        raise UnreadableRecord("it does not say which version of the schema it has")
    try:
        found = _decoder.decode(value or b"")
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreadableRecord(f"it is no record of schema version {VERSION}: {error}") from error
    return LoggedRecord(
        id=found.id,
        org_id=found.org_id,
        conversation_id=found.conversation_id,
        type=found.type,
        author=Author(found.author.type, found.author.id, found.author.name),
        created_at=found.created_at,
        role=found.role,
        kind=found.kind,
        title=found.title,
        content=found.content,
        html=found.html,
        metadata=found.metadata,
        parent_id=found.parent_id,
        target_id=found.target_id,
        mentions=found.mentions,
        client_id=found.client_id,
        digest=found.body_digest,
        seq=found.seq,
    )
