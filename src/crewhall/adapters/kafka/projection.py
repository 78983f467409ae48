"""From what was read in topics to what is written in one transaction: records with the places where they stood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.adapters.kafka.records import UnreadableRecord, decode_record
from crewhall.adapters.postgres.batch import LoggedRecord, encode_batch

if TYPE_CHECKING:
    import psycopg
    from aiokafka import ConsumerRecord

    from crewhall.adapters.kafka.producing import Place

MAX_BATCH = 256
MAX_BATCH_BYTES = 8 * 1024 * 1024
FENCED = "CW001"
"""SQLSTATE: another projector has read on from where this one stood."""
PROJECT: LiteralString = (
    "select i, verdict, seq, id, created_at, previous_seq from project_records(%s, %s, %s, %s, %s, %s)"
)
_encoder = msgspec.json.Encoder()


class Refusal(msgspec.Struct):
    """A record that cannot be written: its offset, its id where it has one, why, and where its author waits."""

    at: int
    id: UUID | None
    reason: str
    conversation_id: UUID | None = None


class _Span(msgspec.Struct):
    """How far a batch goes in a partition."""

    topic: str
    partition: int
    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    refusals: list[Refusal] = []


@dataclass(slots=True)
class Batch:
    """What is written in one transaction."""

    spans: dict[Place, _Span] = field(default_factory=dict)
    records: list[LoggedRecord] = field(default_factory=list)
    messages: list[ConsumerRecord] = field(default_factory=list)
    size: int = 0
    _keys: set[Any] = field(default_factory=set)

    def takes(self, message: ConsumerRecord, record: LoggedRecord | None) -> bool:
        """Whether a message may be written together with the others.

        An id and a client id come once in a batch; what has its seq already goes with its like.
        """
        if len(self.messages) >= MAX_BATCH or (
            self.messages and self.size + len(message.value or b"") > MAX_BATCH_BYTES
        ):
            return False
        if record is None or not self.records:
            return True
        is_alike = (record.seq is None) == (self.records[0].seq is None)
        return is_alike and self._keys.isdisjoint(_keys_of(record))

    def add(self, start: int, message: ConsumerRecord, record: LoggedRecord | None, refusal: Refusal | None) -> None:
        """Write a message along. `start` is the offset that was to come."""
        place = message.topic, message.partition
        span = self.spans.setdefault(place, _Span(message.topic, message.partition, start, start))
        span.end = message.offset + 1
        self.messages.append(message)
        self.size += len(message.value or b"")
        if refusal is not None:
            span.refusals.append(refusal)
        if record is not None:
            self.records.append(record)
            self._keys.update(_keys_of(record))

    async def write(self, connection: psycopg.AsyncConnection[Any], process: str) -> list[tuple[Any, ...]]:
        """Write the records and move the places, or nothing; one row comes back for each record."""
        made = encode_batch(self.records)
        places = _encoder.encode(list(self.spans.values())).decode()
        cursor = await connection.execute(
            PROJECT, (places, made.orgs, made.conversations, made.rows, process, made.overlays)
        )
        return await cursor.fetchall()


def _keys_of(record: LoggedRecord) -> list[Any]:
    keys: list[Any] = [record.id]
    if record.client_id is not None:
        keys.append((record.conversation_id, record.author.id, record.client_id))
    return keys


def read_message(message: ConsumerRecord) -> LoggedRecord | Refusal:
    """The record that stands in a message, or why there is none. Raises UnknownVersion."""
    try:
        return decode_record(message.value, tuple(message.headers))
    except UnreadableRecord as error:
        return Refusal(message.offset, None, str(error)[:500])


def batches(
    found: Iterable[tuple[ConsumerRecord, LoggedRecord | Refusal]], starts: dict[Place, int]
) -> Iterator[Batch]:
    """Cut messages into batches. `starts` are the offsets that were to come; they are moved along."""
    batch = Batch()
    for message, read in found:
        record, refusal = (None, read) if isinstance(read, Refusal) else (read, None)
        if not batch.takes(message, record):
            yield batch
            batch = Batch()
        place = message.topic, message.partition
        batch.add(starts[place], message, record, refusal)
        starts[place] = message.offset + 1
    if batch.messages:
        yield batch
