"""For the operator: topics read again from their beginning, and the read model compared with them, or put right.

Needs the administrator's connection in autocommit mode; servers may run meanwhile. Consumers follow nothing twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from crewhall.adapters.kafka.client import KAFKA_AWAY, make_consumer
from crewhall.adapters.kafka.producing import Place, started
from crewhall.adapters.kafka.projection import Refusal, read_message
from crewhall.adapters.kafka.replay import Replay, row_of
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.postgres.batch import LoggedRecord, encode_batch

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, ConsumerRecord
    from psycopg import Connection
    from psycopg.rows import TupleRow

AT_ONCE = 64
PAGE = 500
POLL_MS = 15_000
HELD_POLLS = 10
"""So often records are read before those that fill no page are compared: conversations may be very many."""
_WHOLE: LiteralString = """
log_topics t
join conversation_heads h on h.conversation_id = t.conversation_id
join log_partitions p on p.topic = t.topic and p.partition = t.partition
where t.state = 'ready' and (%(only)s::uuid is null or t.conversation_id = %(only)s)
  and not exists (select from message_records r where r.conversation_id = t.conversation_id
                  and r.seq > t.filled_seq and r.position = -1)
"""
_TOPICS: LiteralString = (
    "select t.conversation_id, t.org_id, t.topic, t.partition, h.last_seq, h.message_count, p.next_offset from "
    + _WHOLE
    + " order by t.topic, t.partition"
)
_COUNTS: LiteralString = (
    "with whole as (select t.conversation_id from "
    + _WHOLE
    + """)
select count(w), count(*) - count(w)
from conversations c left join whole w on w.conversation_id = c.id
where c.deleted_at is null and (%(only)s::uuid is null or c.id = %(only)s)
"""
)
_ROWS: LiteralString = """
select r.seq, r.org_id, r.id, r.type, r.target_id, r.author_type, r.author_id, r.author_name, r.role, r.kind, r.title,
       r.content, r.html, r.metadata, r.parent_id, r.mentions, r.client_id, encode(r.body_digest, 'hex') as digest,
       r.created_at
from message_records r where r.conversation_id = %(id)s and r.seq > %(after)s and r.seq <= %(until)s
"""
_OVERLAYS: LiteralString = """
select o.message_id, md5(to_jsonb(o)::text) from message_overlays o where o.conversation_id = %s
"""
_DERIVE: LiteralString = "select attached, indexed from derive_anew(%s, %s)"
_REFUSED: LiteralString = "select topic, partition, record_offset from log_refusals"


class Rebuilt(msgspec.Struct, kw_only=True):
    """What became of a conversation: its records by its topic, and how many rows stood otherwise.

    `files` were not at their messages, `unsearched` messages not where search finds them.
    """

    conversation_id: UUID
    topic: str
    records: int
    missing: int = 0
    different: int = 0
    extra: int = 0
    overlays: int = 0
    files: int = 0
    unsearched: int = 0
    is_head_right: bool = True

    @property
    def is_equal(self) -> bool:
        """Whether the read model says what the topic says."""
        counts = self.missing, self.different, self.extra, self.overlays, self.files, self.unsearched
        return not any(counts) and self.is_head_right


@dataclass(slots=True)
class _Conversation:
    id: UUID
    org: UUID
    place: Place
    last_seq: int
    messages: int
    end: int
    replay: Replay = field(default_factory=Replay)
    page: list[tuple[int, LoggedRecord]] = field(default_factory=list)
    compared: int = 0
    found: Rebuilt = field(init=False)

    def __post_init__(self) -> None:
        self.found = Rebuilt(conversation_id=self.id, topic=self.place[0], records=0)


class Coverage(msgspec.Struct, frozen=True):
    """Conversations that can be compared, and those that are not in Kafka yet, or not whole."""

    whole: int
    not_yet: int


def coverage(connection: Connection[TupleRow], *, conversation: UUID | None = None) -> Coverage:
    """How many conversations there are to compare."""
    return Coverage(*(connection.execute(_COUNTS, {"only": conversation}).fetchone() or (0, 0)))


async def rebuild(
    connection: Connection[TupleRow], settings: LogSettings, *, conversation: UUID | None = None, repair: bool = False
) -> AsyncIterator[Rebuilt]:
    """Replay every topic, or that of one conversation, and say of each how the read model stands. Raises KAFKA_AWAY."""
    rows = connection.execute(_TOPICS, {"only": conversation}).fetchall()
    refused = {((topic, partition), offset) for topic, partition, offset in connection.execute(_REFUSED).fetchall()}
    by_place: dict[Place, dict[UUID, _Conversation]] = {}
    for id_, org, topic, partition, last_seq, messages, end in rows:
        place = topic, partition
        by_place.setdefault(place, {})[id_] = _Conversation(id_, org, place, last_seq, messages, end)
    places = list(by_place)
    if not places:
        return
    consumer = await started(make_consumer(settings), settings)
    try:
        for start in range(0, len(places), AT_ONCE):
            some = {place: by_place[place] for place in places[start : start + AT_ONCE]}
            await _replay(consumer, connection, some, refused, repair=repair)
            for those in some.values():
                for one in those.values():
                    yield _concluded(connection, one, repair=repair)
    finally:
        await consumer.stop()


async def _replay(
    consumer: AIOKafkaConsumer,
    connection: Connection[TupleRow],
    places: dict[Place, dict[UUID, _Conversation]],
    refused: set[tuple[Place, int]],
    *,
    repair: bool,
) -> None:
    """Read these partitions from their beginning to where they were projected when the rebuild began."""
    from aiokafka import TopicPartition

    ends = {place: next(iter(those.values())).end for place, those in places.items()}
    wanted = {TopicPartition(*place) for place, end in ends.items() if end > 0}
    if wanted:
        consumer.assign(list(wanted))
        for partition in wanted:
            consumer.seek(partition, 0)
    polls = 0
    while wanted:
        polled = await consumer.getmany(*wanted, timeout_ms=POLL_MS, max_records=4 * PAGE)
        if not polled:
            raise KAFKA_AWAY(f"Kafka gives nothing more of {next(iter(wanted)).topic}, though there should be more.")
        for partition, messages in polled.items():
            place = partition.topic, partition.partition
            for message in messages:
                if message.offset < ends[place] and (place, message.offset) not in refused:
                    _take(connection, places[place], message, repair=repair)
            if messages[-1].offset + 1 >= ends[place]:
                wanted.discard(partition)
                consumer.pause(partition)
        polls += 1
        if polls % HELD_POLLS == 0:
            for one in (one for those in places.values() for one in those.values() if one.page):
                _compare(connection, one, one.replay.last_seq, repair=repair)


def _take(
    connection: Connection[TupleRow], those: dict[UUID, _Conversation], message: ConsumerRecord, *, repair: bool
) -> None:
    record = read_message(message)
    if isinstance(record, Refusal) or (one := those.get(record.conversation_id)) is None:
        return
    if record.org_id != one.org:
        return
    seq = one.replay.place(record)
    if seq is None:
        return
    one.page.append((seq, record))
    if len(one.page) >= PAGE:
        _compare(connection, one, one.replay.last_seq, repair=repair)


def _compare(connection: Connection[TupleRow], one: _Conversation, until: int, *, repair: bool) -> None:
    """Compare a page with the rows between the last one and its end."""
    keys = {"id": one.id, "after": one.compared, "until": until}
    with connection.cursor(row_factory=dict_row) as cursor:
        standing = {row["seq"]: row for row in cursor.execute(_ROWS, keys).fetchall()}
    wanted = dict(one.page)
    missing = [seq for seq in wanted if seq not in standing]
    different = [seq for seq, record in wanted.items() if seq in standing and standing[seq] != row_of(seq, record)]
    extra = [seq for seq in standing if seq not in wanted]
    one.found.records += len(wanted)
    one.found.missing += len(missing)
    one.found.different += len(different)
    one.found.extra += len(extra)
    if repair and (missing or different or extra):
        right = [msgspec.structs.replace(wanted[seq], seq=seq) for seq in (*missing, *different)]
        connection.execute("select put_right(%s, %s, %s)", (one.id, [*different, *extra], encode_batch(right).rows))
    one.compared, one.page = until, []


def _concluded(connection: Connection[TupleRow], one: _Conversation, *, repair: bool) -> Rebuilt:
    """Compare what is left: the last page, the head, what lies over messages, and what else follows from them."""
    _compare(connection, one, max(one.replay.last_seq, one.last_seq), repair=repair)
    found = one.found
    found.is_head_right = (one.last_seq, one.messages) == (one.replay.last_seq, one.replay.messages)
    if repair and not found.is_head_right:
        connection.execute("select put_right(%s, '{}', '[]')", (one.id,))
    with connection.transaction() as transaction:
        before = set(connection.execute(_OVERLAYS, (one.id,)).fetchall())
        connection.execute("select lay_overlays_anew(%s)", (one.id,))
        after = set(connection.execute(_OVERLAYS, (one.id,)).fetchall())
        changed = list({message for message, _ in before ^ after})
        found.overlays = len(changed)
        found.files, found.unsearched = connection.execute(_DERIVE, (one.id, changed)).fetchone() or (0, 0)
        if not repair or found.is_equal:
            transaction.force_rollback = True
    return found
