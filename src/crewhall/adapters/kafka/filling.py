"""What the database had before a conversation came to Kafka is copied to its topic, page by page, with its seqs.

Each page is noted when Kafka has it, by the connection that holds the conversation's lock: two processes do not fill
one topic at once, and one that lost its lock notes nothing. A page that was sent and not noted is sent again; what
stands in a topic twice counts once, by its id.

What was taken in as past comes to a topic that has records. One of those may have been sent before the conversation was
closed, and not be written yet: the last page counts as filled when all before it is written, so that the database,
which refuses such a record, sees it while the topic is still to be filled.
"""

import asyncio
import contextlib
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, LiteralString, Protocol
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from crewhall.adapters.kafka.producing import Producing
from crewhall.adapters.postgres.batch import LoggedRecord
from crewhall.kernel.actor import ActorType, system_actor
from crewhall.kernel.db import SET_SCOPE, scope_of
from crewhall.ports.message_log import Author, MessageKind, MessageRole, RecordType

FILL_PAGE = 500
PAGE_S = 60.0
LOOK_S = 0.05
"""How long Kafka may take for a page before somebody looks anew whether it is wanted."""
PATIENT_S = 1.0
"""So long what was sent waits for the projector though something else is wanted: else it would be sent again."""
CLAIM: LiteralString = "select pg_try_advisory_lock(hashtextextended('crewhall.fill.' || %s, 0))"
UNCLAIM: LiteralString = "select pg_advisory_unlock(hashtextextended('crewhall.fill.' || %s, 0))"
PROGRESS: LiteralString = """
select t.filled_seq, t.fill_to from log_topics t where t.conversation_id = %s and t.state = 'provisioning'
"""
PAST: LiteralString = """
select r.seq, r.id, r.type, r.target_id, r.author_type, r.author_id, r.author_name, r.role, r.kind, r.title, r.content,
       r.html, r.metadata, r.parent_id, r.mentions, r.client_id, encode(r.body_digest, 'hex'), r.created_at,
       r.position = -1
from message_records r
where r.conversation_id = %s and r.seq > %s and (r.seq <= %s or r.position = -1)
order by r.seq limit %s
"""
READ: LiteralString = "select next_offset >= %s from log_partitions where topic = %s and partition = %s"
FILLED: LiteralString = "update log_topics set filled_seq = greatest(filled_seq, %s) where conversation_id = %s"


class Unfilled(Protocol):
    """A topic that is to be filled."""

    conversation_id: UUID
    org_id: UUID
    topic: str
    partition: int


class Filled(Enum):
    """How far a topic came."""

    WHOLE = auto()
    IN_PART = auto()
    BY_OTHERS = auto()


async def fill(
    connection: psycopg.AsyncConnection[TupleRow],
    producing: Producing,
    one: Unfilled,
    is_interrupted: Callable[[], bool],
) -> Filled:
    """Fill a topic from where it was left, unless another process does; after each page there may be an interruption.

    Raises KAFKA_AWAY, KafkaError, TimeoutError and what the database raises.
    """
    ((is_ours,),) = await (await connection.execute(CLAIM, (str(one.conversation_id),))).fetchall()
    if not is_ours:
        return Filled.BY_OTHERS
    pages = 0
    try:
        while found := await _ask(connection, one, PROGRESS, one.conversation_id):
            ((filled_seq, fill_to),) = found
            if filled_seq >= fill_to:
                break
            if pages and is_interrupted():
                return Filled.IN_PART
            if not await _fill_page(connection, producing, one, (filled_seq, fill_to), is_interrupted):
                return Filled.IN_PART
            pages += 1
        return Filled.WHOLE
    finally:
        with contextlib.suppress(psycopg.Error):  # a connection that is lost holds nothing
            await connection.execute(UNCLAIM, (str(one.conversation_id),))


async def _fill_page(
    connection: psycopg.AsyncConnection[TupleRow],
    producing: Producing,
    one: Unfilled,
    span: tuple[int, int],
    is_interrupted: Callable[[], bool],
) -> bool:
    """Send the first page of what is between two seqs, and note it; false where an interruption came before that."""
    after, until = span
    rows = await _ask(connection, one, PAST, one.conversation_id, after, until, FILL_PAGE)
    is_last = len(rows) < FILL_PAGE
    if rows:
        records = [past_record(one.org_id, one.conversation_id, row) for row in rows]
        async with asyncio.timeout(PAGE_S):
            end = await producing.send_past((one.topic, one.partition), records)
        is_past = any(row[-1] for row in rows)
        if is_last and is_past and not await _is_written(connection, one, end, is_interrupted):
            return False
    filled = max(until, rows[-1][0] if rows else 0) if is_last else rows[-1][0]
    await _ask(connection, one, FILLED, filled, one.conversation_id)
    return True


async def _is_written(
    connection: psycopg.AsyncConnection[TupleRow], one: Unfilled, end: int, is_interrupted: Callable[[], bool]
) -> bool:
    """Wait until a projector has come to the offset, or to an interruption. Raises TimeoutError."""
    clock = asyncio.get_running_loop().time
    began = clock()
    async with asyncio.timeout(PAGE_S):
        while not (is_interrupted() and clock() - began > PATIENT_S):
            cursor = await connection.execute(READ, (end, one.topic, one.partition))
            ((is_read,),) = await cursor.fetchall() or ((False,),)
            if is_read:
                return True
            await asyncio.sleep(LOOK_S)
    return False


async def _ask(
    connection: psycopg.AsyncConnection[TupleRow], one: Unfilled, sql: LiteralString, *values: Any
) -> list[TupleRow]:
    """Ask as the conversation's organization."""
    async with connection.transaction():
        await connection.execute(SET_SCOPE, scope_of(system_actor(one.org_id)))
        cursor = await connection.execute(sql, values)
        return await cursor.fetchall() if cursor.description else []


def past_record(org_id: UUID, conversation_id: UUID, row: tuple[Any, ...]) -> LoggedRecord:
    """A row of `PAST` as the record that the topic gets."""
    return LoggedRecord(
        org_id=org_id,
        conversation_id=conversation_id,
        seq=row[0],
        id=row[1],
        type=RecordType(row[2]),
        target_id=row[3],
        author=Author(ActorType(row[4]), row[5], row[6]),
        role=MessageRole(row[7]),
        kind=MessageKind(row[8]),
        title=row[9],
        content=row[10],
        html=row[11],
        metadata=row[12],
        parent_id=row[13],
        mentions=row[14] or [],
        client_id=row[15],
        digest=row[16],
        created_at=row[17],
    )
