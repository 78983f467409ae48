"""One batch of appends: its encoding, its statement, and what its rows mean."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from sys import getsizeof
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg

from crewhall.kernel.errors import INVALID, UNAVAILABLE, CrewhallError
from crewhall.ports.message_log import (
    CLIENT_ID_REUSED,
    CONVERSATION_CLOSED,
    MEMBERSHIP_CHANGED,
    Advanced,
    Appended,
    NewRecord,
    Record,
    RecordType,
)

APPEND: LiteralString = "select i, verdict, seq, id, created_at, previous_seq from append_records(%s, %s, %s, %s, %s)"
APPEND_WITH_FILES: LiteralString = """
select i, verdict, seq, id, created_at, previous_seq from append_records_with_files(%s, %s, %s, %s, %s)
"""
KNOWN: LiteralString = """
select r.id, 'known', r.seq, r.id, r.created_at, -1 from message_records r where r.id = any (%s)
"""
SET_ORGS: LiteralString = "select set_config('crewhall.orgs', %s, false)"


class LoggedRecord(NewRecord, kw_only=True):
    """A record that a log outside of the database has already: with its time, and its seq where it had one before."""

    created_at: datetime
    digest: str | None = None
    seq: int | None = None


@dataclass(slots=True)
class Pending:
    """A record that waits for its acknowledgement. `size` is what `size_of` says of it."""

    record: NewRecord
    future: asyncio.Future[Appended]
    size: int

    def acknowledge(self, appended: Appended) -> None:
        """Tell the waiting caller (who may be gone) that the record is durable."""
        if not self.future.done():
            self.future.set_result(appended)

    def fail(self, error: CrewhallError) -> None:
        """Tell the waiting caller why the record was not written."""
        if not self.future.done():
            self.future.set_exception(error)


class _Row(msgspec.Struct, omit_defaults=True):
    """One object of the JSON array that append_records takes."""

    i: int
    org: UUID
    conv: UUID
    id: UUID
    type: str
    author_type: str
    author: UUID
    author_name: str
    role: str
    kind: str
    content: str
    title: str | None = None
    html: str | None = None
    metadata: dict[str, Any] | None = None
    parent: UUID | None = None
    target: UUID | None = None
    mentions: list[UUID] | None = None
    client_id: str | None = None
    digest: str | None = None
    version: int | None = None
    at: datetime | None = None
    given: int | None = None


_encoder = msgspec.json.Encoder()


def size_of(record: NewRecord) -> int:
    """The bytes of memory that a record's text and metadata take, nearly."""
    size = getsizeof(record.content) + getsizeof(record.html)
    return size + len(_encoder.encode(record.metadata)) if record.metadata else size


def digest_of(record: NewRecord) -> str | None:
    """What must be equal for two records of one client id to be the same, in hex; None without a client id."""
    if record.client_id is None:
        return None
    return record.digest if isinstance(record, LoggedRecord) else record.body_digest().hex()


def _row(i: int, record: NewRecord) -> _Row:
    logged = record if isinstance(record, LoggedRecord) else None
    return _Row(
        i,
        record.org_id,
        record.conversation_id,
        record.id,
        record.type,
        record.author.type,
        record.author.id,
        record.author.name,
        record.role,
        record.kind,
        record.content,
        record.title,
        record.html,
        record.metadata or None,
        record.parent_id,
        record.target_id,
        record.mentions or None,
        record.client_id,
        digest_of(record),
        record.membership_version,
        logged.created_at if logged else None,
        logged.seq if logged else None,
    )


class Written(msgspec.Struct, frozen=True):
    """What append_records takes of a batch, and whether any of it has files."""

    orgs: list[UUID]
    conversations: list[UUID]
    rows: str
    overlays: bool
    has_files: bool


def encode_batch(records: Sequence[NewRecord]) -> Written:
    """Make the arguments of a batch."""
    return Written(
        orgs=list({record.org_id for record in records}),
        conversations=list({record.conversation_id for record in records}),
        rows=_encoder.encode([_row(i, record) for i, record in enumerate(records)]).decode(),
        overlays=any(record.type is not RecordType.MESSAGE or record.parent_id is not None for record in records),
        has_files=any(record.metadata is not None and "files" in record.metadata for record in records),
    )


async def append_batch(
    connection: psycopg.AsyncConnection[Any], batch: list[Pending], process: str
) -> list[tuple[Any, ...]]:
    """Write the batch as one statement, its own transaction; returns one row per record, in the batch's order."""
    made = encode_batch([pending.record for pending in batch])
    append = APPEND_WITH_FILES if made.has_files else APPEND
    cursor = await connection.execute(append, (made.orgs, made.conversations, made.rows, process, made.overlays))
    return await cursor.fetchall()


async def known_records(connection: psycopg.AsyncConnection[Any], batch: list[Pending]) -> dict[UUID, tuple[Any, ...]]:
    """After a lost connection: the records of the batch that had committed, by id."""
    orgs = "{" + ",".join({str(pending.record.org_id) for pending in batch}) + "}"
    await connection.execute(SET_ORGS, (orgs,))
    cursor = await connection.execute(KNOWN, ([pending.record.id for pending in batch],))
    found = {row[0]: row for row in await cursor.fetchall()}
    await connection.execute(SET_ORGS, ("",))
    return found


def settle(batch: list[Pending], rows: list[tuple[Any, ...]]) -> list[Advanced]:
    """Acknowledge or refuse each record of a written batch; returns how each conversation advanced.

    Deliveries are left to be read: only reading knows what became of their messages meanwhile.
    """
    advances: dict[UUID, Advanced] = {}
    for pending, (_, verdict, seq, record_id, created_at, previous) in zip(batch, rows, strict=True):
        record = pending.record
        match verdict:
            case "new" | "known":
                _advance(advances, record, seq, created_at, previous)
                pending.acknowledge(Appended(record_id, seq, created_at, is_new=True))
            case "duplicate":  # of itself, where a lost connection has written it after all
                pending.acknowledge(Appended(record_id, seq, created_at, is_new=record_id == record.id))
            case "conflict":
                pending.fail(
                    CLIENT_ID_REUSED("This client_id was used for a message with another body. Use a new one.", seq=seq)
                )
            case "stale":
                pending.fail(MEMBERSHIP_CHANGED("Membership changed while the message was sent. Send it again."))
            case "refused":
                pending.fail(INVALID("The message cannot be stored: a value is out of range or too large."))
            case "moved":
                pending.fail(
                    UNAVAILABLE("Messages live in Kafka since a moment ago: start this server with CREWHALL_LOG=kafka.")
                )
            case "left":
                pending.fail(
                    UNAVAILABLE("Messages live in Postgres again: start this server with CREWHALL_LOG=postgres.")
                )
            case _:
                pending.fail(CONVERSATION_CLOSED("This conversation is archived or gone: it takes no more messages."))
    return [advances[conversation] for conversation in advances]


def _advance(advances: dict[UUID, Advanced], record: NewRecord, seq: int, created_at: Any, previous: int) -> None:
    written = Record(
        org_id=record.org_id,
        conversation_id=record.conversation_id,
        seq=seq,
        id=record.id,
        type=record.type,
        author=record.author,
        role=record.role,
        kind=record.kind,
        content=record.content,
        title=record.title,
        html=record.html,
        metadata=record.metadata,
        parent_id=record.parent_id,
        target_id=record.target_id,
        mentions=record.mentions,
        client_id=record.client_id,
        created_at=created_at,
    )
    known = advances.get(record.conversation_id)
    is_whole = previous >= 0 and record.type is not RecordType.DELIVERY
    if known is None:
        # A record found after a lost connection may have others before it: -1 makes followers read the log.
        advances[record.conversation_id] = Advanced(
            record.conversation_id, previous, seq, [written] if is_whole else None
        )
    elif known.records is not None and is_whole:
        known.records.append(written)
        advances[record.conversation_id] = msgspec.structs.replace(known, last_seq=seq)
    else:
        advances[record.conversation_id] = Advanced(record.conversation_id, -1, max(seq, known.last_seq), None)
