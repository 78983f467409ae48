"""Writes records of topics into the read model: each once, in the topic's order, whoever is killed when.

Rows and the offset of what comes next are written in one transaction, which is refused unless the offset is where this
process believes it to be. So a process that stood still while another read on writes nothing twice. The commit
waits for the disk: what a power cut took would come again from the topic, but not to who had read it before (ADR 43).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

from crewhall.adapters.kafka.asking import close, connect
from crewhall.adapters.kafka.client import make_consumer
from crewhall.adapters.kafka.lag import Lag
from crewhall.adapters.kafka.message_log import TOPICS, KafkaMessageLog
from crewhall.adapters.kafka.producing import Place, started
from crewhall.adapters.kafka.projection import FENCED, Batch, Refusal, batches, read_message
from crewhall.adapters.kafka.records import UnknownVersion
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.kafka.shards import Shards
from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.ids import new_id
from crewhall.kernel.signals import Signals
from crewhall.kernel.telemetry import log_refused_total
from crewhall.ports.message_log import LogState

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
    from aiokafka.cluster import ClusterMetadata

    from crewhall.adapters.postgres.batch import LoggedRecord

log = logging.getLogger(__name__)
MOST_AT_ONCE = 2048
POLL_MS = 60_000
LOST_S = 2.0
"""How long a topic that Kafka says it does not have may be one that not every broker knows yet."""
FOUND_S = 30.0
"""Between two looks whether a lost topic was but hidden."""
FIRST_RETRY_S, LAST_RETRY_S = 0.1, 5.0
FIRST_PLANS = 64
"""Records after which the plans of a connection are made anew, then after as many again, and so on: those that were
made for a small table look through the whole conversation for each record of a large one."""
PLACES: LiteralString = "select topic, partition, next_offset from log_partitions where shard = any (%s)"
POISON = (psycopg.DataError, psycopg.IntegrityError)
"""What the database says of a record itself; whatever else it says passes, or is ours to mend."""


class Projector:
    """The projector of one process, which reads its share of the partitions."""

    def __init__(self, db: Database, signals: Signals, settings: LogSettings, message_log: KafkaMessageLog) -> None:
        self._db = db
        self._settings = settings
        self._log = message_log
        self._shards = Shards(db, signals, self._change)
        self._changed = asyncio.Event()
        self._next: dict[Place, int] = {}
        self._lag = Lag()
        self._consumer: AIOKafkaConsumer | None = None
        self._measuring: asyncio.Task[None] | None = None
        self._doubting: asyncio.Task[None] | None = None
        self._hoping: asyncio.Task[None] | None = None
        self._asked_again: set[Place] = set()
        self.stopped_at: dict[Place, str] = {}
        """Partitions that are not read on, and why: somebody has to look."""
        self._lost: set[Place] = set()
        """Those among them of which Kafka has nothing: nobody knows what is behind there."""
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._written, self._planned_for = 0, FIRST_PLANS
        self._getting: asyncio.Task[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        signals.subscribe(TOPICS, lambda _: self._change())
        signals.on_lost(self._change)

    def state(self) -> LogState:
        """How far the read model is behind the topics of this process, and where it stands still."""
        stopped = [f"{topic}/{partition}: {reason}" for (topic, partition), reason in self.stopped_at.items()]
        return LogState("kafka", self._lag.records(), stopped)

    async def start(self) -> None:
        """Begin to read."""
        await self._shards.start()
        self._task = asyncio.create_task(self._run(), name="log-projector")

    async def stop(self) -> None:
        """End after the transaction under way; others take over at once."""
        if self._task is not None:
            await end_tasks([self._task])
        await self._shards.stop()
        await close(self._connection)

    def _change(self) -> None:
        self._changed.set()

    async def _run(self) -> None:
        retry = FIRST_RETRY_S
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._read()
            except BaseException as error:  # it goes on, whatever it was
                if _ends(error):
                    raise
                log.warning("the projector begins anew", extra={"reason": f"{type(error).__name__}: {error}"})
            if asyncio.get_running_loop().time() - began > LAST_RETRY_S:
                retry = FIRST_RETRY_S
            await asyncio.sleep(retry)
            retry = min(retry * 2, LAST_RETRY_S)

    async def _read(self) -> None:
        """Read and write for as long as nothing breaks."""
        consumer = self._consumer = await started(make_consumer(self._settings), self._settings)
        consumer._client.cluster.add_listener(self._doubt)  # noqa: SLF001 - polling says nothing of topics that are gone
        self._changed.set()
        self._hope(consumer)
        try:
            while True:
                if self._changed.is_set():
                    self._changed.clear()
                    await self._assign(consumer)
                await self._project(consumer, await self._poll(consumer))
        finally:
            under_way = self._getting, self._measuring, self._doubting, self._hoping
            await end_tasks([task for task in under_way if task is not None])
            self._getting = self._measuring = self._doubting = self._hoping = self._consumer = None
            await consumer.stop()

    async def _assign(self, consumer: AIOKafkaConsumer) -> None:
        """Read the partitions of this process from where the database says."""
        from aiokafka import TopicPartition

        connection = await self._connected()
        rows = await (await connection.execute(PLACES, (self._shards.held,))).fetchall()
        known = {(topic, partition): offset for topic, partition, offset in rows}
        self.stopped_at = {place: reason for place, reason in self.stopped_at.items() if place in known}
        self._lost &= self.stopped_at.keys()
        self._next = {place: offset for place, offset in known.items() if place not in self.stopped_at}
        self._lag.follow({place: offset for place, offset in known.items() if place not in self._lost})
        self._measure()
        wanted = [TopicPartition(*place) for place in self._next]
        if set(wanted) != consumer.assignment():
            if wanted:
                consumer.assign(wanted)
            else:
                consumer.unsubscribe()
        for partition in wanted:
            consumer.seek(partition, self._next[partition.topic, partition.partition])
        if self._getting is not None and self._getting.done():  # what it has was read from where we were before
            self._getting = None
        self._log.look_up_all()

    def _measure(self, *, again: bool = False) -> None:
        """Ask Kafka where partitions end that were not read yet; or all, while nothing can be written."""
        places = self._lag.places() if again else self._lag.unmeasured()
        is_free = self._measuring is None or self._measuring.done()
        if places and is_free and self._consumer is not None:
            self._measuring = asyncio.create_task(self._ask_ends(self._consumer, places), name="log-lag")
        elif not places:
            self._lag.show()

    async def _ask_ends(self, consumer: AIOKafkaConsumer, places: list[Place]) -> None:
        from aiokafka import TopicPartition
        from aiokafka.errors import KafkaError

        while places:
            try:
                ends = await consumer.end_offsets([TopicPartition(*place) for place in places])
            except (KafkaError, OSError) as error:
                log.warning("Kafka does not say where topics end", extra={"reason": type(error).__name__})
                await asyncio.sleep(LAST_RETRY_S)
                followed = set(self._lag.places())
                places = [place for place in places if place in followed]
                continue
            for partition, end in ends.items():
                self._lag.note_end((partition.topic, partition.partition), end)
            self._lag.show()
            places = self._lag.unmeasured()  # those that came meanwhile

    def _doubt(self, cluster: ClusterMetadata) -> None:
        """See whether Kafka names all topics that are read, each time that it names topics at all.

        One that is not there makes the library ask for it without a pause.
        """
        is_free = self._doubting is None or self._doubting.done()
        if is_free and self._consumer is not None and any(_is_missing(cluster, place) for place in self._next):
            self._doubting = asyncio.create_task(self._look_for_lost(self._consumer), name="log-lost")

    async def _look_for_lost(self, consumer: AIOKafkaConsumer) -> None:
        """Read on no topic that Kafka does not have now, and did not have a moment ago."""
        from aiokafka.errors import KafkaError

        try:
            missing = await self._missing(consumer)
            if missing:
                await asyncio.sleep(LOST_S)
                missing &= await self._missing(consumer)
        except (KafkaError, OSError) as error:
            log.warning("Kafka does not say which topics it has", extra={"reason": type(error).__name__})
            return
        if missing and self._measuring is not None:
            self._measuring.cancel()  # it would wait for them
            self._measuring = None
        self._lost |= missing
        for place in missing:
            self._stop_at(place, "Kafka has no such topic any more, or hides it: docs/kafka.md says what to do")
        self._hope(consumer)

    def _hope(self, consumer: AIOKafkaConsumer) -> None:
        """Look now and then, while topics are lost, whether they were but hidden."""
        if self._lost and (self._hoping is None or self._hoping.done()):
            self._hoping = asyncio.create_task(self._look_for_found(consumer), name="log-found")

    async def _look_for_found(self, consumer: AIOKafkaConsumer) -> None:
        """Read on where Kafka names a lost topic again; one that was made anew has not what comes next, and stops."""
        from aiokafka.errors import KafkaError

        while self._lost:
            await asyncio.sleep(FOUND_S)
            try:
                topics = await consumer.topics()
            except (KafkaError, OSError) as error:
                log.warning("Kafka does not say which topics it has", extra={"reason": type(error).__name__})
                continue
            found = {place for place in self._lost if place[0] in topics}
            self._lost -= found
            for place in found:
                self.stopped_at.pop(place, None)
            if found:
                self._change()

    async def _missing(self, consumer: AIOKafkaConsumer) -> set[Place]:
        """The partitions that are read and that Kafka, asked for all that it has, does not name."""
        topics = await consumer.topics()
        return {place for place in self._next if place[0] not in topics}

    async def _poll(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, list[ConsumerRecord]]:
        """What came, or nothing where the partitions change."""
        from aiokafka.errors import OffsetOutOfRangeError

        changed = asyncio.create_task(self._changed.wait())
        if self._getting is None and self._next:
            self._getting = asyncio.create_task(consumer.getmany(timeout_ms=POLL_MS, max_records=MOST_AT_ONCE))
        waiting = {changed} | ({self._getting} if self._getting else set())
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        if self._getting is None or not self._getting.done():
            return {}
        getting, self._getting = self._getting, None
        try:
            return getting.result()  # type: ignore[no-any-return]
        except OffsetOutOfRangeError as error:
            for partition, offset in error.args[0].items():
                self._stop_at((partition.topic, partition.partition), f"Kafka does not have offset {offset} any more")
            return {}

    async def _project(self, consumer: AIOKafkaConsumer, polled: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        """Write what came, until the partitions change hands."""
        starts = dict(self._next)
        for batch in batches(self._readable(consumer, polled), starts):
            if not await self._write(batch):
                self._changed.set()
                return
        for partition in polled:
            end = consumer.highwater(partition) if partition in consumer.assignment() else None
            if end is not None:
                self._lag.note_end((partition.topic, partition.partition), end)
        self._lag.show()

    def _readable(
        self, consumer: AIOKafkaConsumer, polled: dict[TopicPartition, list[ConsumerRecord]]
    ) -> list[tuple[ConsumerRecord, LoggedRecord | Refusal]]:
        """What follows where the read model ends. What does not is asked for again, and believed the second time."""
        found: list[tuple[ConsumerRecord, LoggedRecord | Refusal]] = []
        for partition, messages in polled.items():
            place = partition.topic, partition.partition
            if place not in self._next:
                continue
            new = [message for message in messages if message.offset >= self._next[place]]
            if new and new[0].offset > self._next[place] and place not in self._asked_again:
                self._asked_again.add(place)
                consumer.seek(partition, self._next[place])
                continue
            self._asked_again.discard(place)
            for message in new:
                try:
                    found.append((message, read_message(message)))
                except UnknownVersion as error:
                    self._stop_at(place, f"offset {message.offset} has schema version {error}: start a newer Crewhall")
                    break
        return found

    def _stop_at(self, place: Place, reason: str) -> None:
        log.error("a partition is not read on", extra={"topic": place[0], "partition": place[1], "reason": reason})
        self.stopped_at[place] = reason
        self._changed.set()

    async def _write(self, batch: Batch) -> bool:
        """Write a batch; false where another projector has read on. A record that is refused is noted."""
        try:
            rows = await self._write_patiently(batch)
        except POISON as error:
            if len(batch.messages) > 1:
                return await self._write_singly(batch)
            log.warning("a record was refused", extra={"reason": str(error).strip()})
            batch = self._refused(batch, str(error).strip())
            rows = await self._write_patiently(batch)
        if rows is None:
            return False
        for place, span in batch.spans.items():
            self._next[place] = span.end
            self._lag.note_read(place, span.end)
            log_refused_total.inc(len(span.refusals))
            self._log.take_refused(refusal.id for refusal in span.refusals)
        self._log.take_projected(batch.records, rows)
        await self._plan_anew(len(rows))
        for record, row in zip(batch.records, rows, strict=True):
            if row[1] == "gone":
                log.warning("a record is of no conversation that is here", extra={"id": str(record.id)})
        return True

    async def _write_singly(self, batch: Batch) -> bool:
        starts = {place: span.start for place, span in batch.spans.items()}
        for message in batch.messages:
            (single,) = batches([(message, read_message(message))], starts)
            if not await self._write(single):
                return False
        return True

    @staticmethod
    def _refused(batch: Batch, reason: str) -> Batch:
        (message,), (span,), (record,) = batch.messages, batch.spans.values(), batch.records
        refused = Batch()
        refusal = Refusal(message.offset, record.id, reason[:500] or "it is refused", record.conversation_id)
        refused.add(span.start, message, None, refusal)
        return refused

    async def _write_patiently(self, batch: Batch) -> list[tuple[Any, ...]] | None:
        """Write; for as long as the database is away, again. None where another projector has read on.

        A commit that a lost connection leaves in doubt shows in the offset: then this one has read on, too.
        """
        retry = FIRST_RETRY_S
        while True:
            try:
                rows = await batch.write(await self._connected(), self._log.process)
            except POISON:
                raise
            except (psycopg.Error, OSError) as error:
                if isinstance(error, psycopg.Error) and error.sqlstate == FENCED:
                    return None
                log.warning("the read model cannot be written", extra={"reason": str(error).strip()})
                self._measure(again=True)
                await self._drop_connection()
                await asyncio.sleep(retry)
                retry = min(retry * 2, LAST_RETRY_S)
            else:
                return rows

    async def _plan_anew(self, written: int) -> None:
        """Let the database think again how to find records, each time that there may be twice as many."""
        self._written += written
        if self._written >= self._planned_for and self._connection is not None:
            self._planned_for = 2 * self._written
            with contextlib.suppress(psycopg.Error, OSError):  # what was written is written; the next batch notices
                await self._connection.execute("discard plans", prepare=False)

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._db.url, "crewhall-projector")
            self._written, self._planned_for = 0, FIRST_PLANS
        return self._connection

    async def _drop_connection(self) -> None:
        """Let go of a connection whose statement may commit yet: under a new name we hear of that as others do."""
        self._log.process = str(new_id())
        await close(self._connection)
        self._connection = None


def _is_missing(cluster: ClusterMetadata, place: Place) -> bool:
    return cluster.partitions_for_topic(place[0]) is None


def _ends(error: BaseException) -> bool:
    """Whether we are told to end. A cancellation that the library's own tasks let out is none of ours."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return not isinstance(error, Exception)
