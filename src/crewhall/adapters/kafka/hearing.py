"""Hearing outboxes: the consumer of one process, in a group with those of the others.

Each partition is taken by one process at a time, record after record; one that takes long keeps no other waiting.
How far a partition was heard is noted at Kafka after that was taken: what a process that died had not noted is heard
again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from crewhall.adapters.kafka.client import make_group_consumer
from crewhall.adapters.kafka.producing import started
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.ending import end_tasks
from crewhall.ports.agent_topics import HeardRecord, Take

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

log = logging.getLogger(__name__)
FIRST_RETRY_S, LAST_RETRY_S = 0.2, 30.0
AT_ONCE = 50
"""Records of one partition that are taken before that is noted."""
LOOK_S = 30.0
"""How long a process that was given no partition waits before it asks why."""
LONG_MS = 3_600_000
"""How long a request for news is held: whatever changes otherwise wakes by itself."""


class Hearing:
    """Hears topics and gives what it hears to whoever takes it. `name_of` says whose a topic is."""

    def __init__(self, settings: LogSettings, group: str, name_of: Callable[[str], UUID]) -> None:
        self._settings = settings
        self._group = group
        self._name_of = name_of
        self._topics: frozenset[str] = frozenset()
        self._take: Take | None = None
        self._changed = asyncio.Event()
        self._busy: dict[TopicPartition, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    def follow(self, topics: set[str], take: Take) -> None:
        """Hear these topics from now on, and no others."""
        if topics == self._topics and self._take is take:
            return
        self._topics, self._take = frozenset(topics), take
        self._changed.set()
        if topics and self._task is None:
            self._task = asyncio.create_task(self._run(), name="outboxes")

    async def stop(self) -> None:
        """Stop; what was not taken is heard by another process, or later."""
        if self._task is not None:
            await end_tasks([self._task])
            self._task = None

    async def _run(self) -> None:
        retry = FIRST_RETRY_S
        while True:
            await self._wait_for_topics()
            try:
                await self._hear()
                retry = FIRST_RETRY_S
            except Exception as error:  # noqa: BLE001 - whatever failed is tried again, ever more seldom
                log.warning("outboxes wait", extra={"reason": f"{type(error).__name__}: {error}"})
                await asyncio.sleep(retry)
                retry = min(retry * 2, LAST_RETRY_S)

    async def _wait_for_topics(self) -> None:
        while not self._topics:
            self._changed.clear()
            await self._changed.wait()

    async def _hear(self) -> None:
        """Hear until there is nothing to hear any more."""
        consumer = make_group_consumer(self._settings, self._group)
        try:
            await started(consumer, self._settings)
            heard: frozenset[str] = frozenset()
            while self._topics:
                self._changed.clear()
                if heard != self._topics:
                    heard = self._topics
                    consumer.subscribe(topics=sorted(heard), listener=_listener(self._revoked, self._changed))
                await self._next(consumer)
        finally:
            await self._revoked(list(self._busy))
            with contextlib.suppress(Exception):
                await consumer.stop()

    async def _next(self, consumer: AIOKafkaConsumer) -> None:
        """Wait for news of partitions whose last are taken, and begin to take them."""
        idle = consumer.assignment() - self._busy.keys()
        changing = asyncio.create_task(self._changed.wait())
        # Without a partition, asking says what keeps the group from giving one.
        asked = consumer.getmany(*idle, timeout_ms=LONG_MS, max_records=AT_ONCE) if idle else _look_later(consumer)
        getting = asyncio.create_task(asked)
        try:
            await asyncio.wait({changing, getting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks([task for task in (changing, getting) if not task.done()])
        if not getting.cancelled():
            for partition, records in getting.result().items():
                self._begin(consumer, partition, records)

    def _begin(self, consumer: AIOKafkaConsumer, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        task = asyncio.create_task(self._take_all(consumer, partition, records), name=f"outbox {partition.topic}")
        self._busy[partition] = task
        task.add_done_callback(lambda _: self._ended(partition, task))

    def _ended(self, partition: TopicPartition, task: asyncio.Task[None]) -> None:
        if self._busy.get(partition) is task:
            del self._busy[partition]
        self._changed.set()

    async def _take_all(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, records: Sequence[ConsumerRecord]
    ) -> None:
        from aiokafka.errors import KafkaError

        for record in records:
            await self._take_one(self._heard(record))
        try:
            await consumer.commit({partition: records[-1].offset + 1})
        except KafkaError as error:  # another has the partition by now, and hears them again
            log.info("an outbox went to another process", extra={"reason": type(error).__name__})

    async def _take_one(self, record: HeardRecord) -> None:
        """Take one record, however often that fails: those after it wait."""
        retry = FIRST_RETRY_S
        while True:
            try:
                assert self._take is not None
                await self._take(record)
            except Exception as error:  # noqa: BLE001 - it is taken in the end, or refused by who takes it
                about = {"topic": record.topic, "offset": record.offset, "reason": f"{type(error).__name__}: {error}"}
                log.warning("a record of an outbox waits", extra=about)
                await asyncio.sleep(retry)
                retry = min(retry * 2, LAST_RETRY_S)
            else:
                return

    def _heard(self, record: ConsumerRecord) -> HeardRecord:
        return HeardRecord(
            topics_id=self._name_of(record.topic),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            headers=dict(record.headers),
        )

    async def _revoked(self, partitions: Sequence[TopicPartition]) -> None:
        tasks = [self._busy.pop(one) for one in partitions if one in self._busy]
        await end_tasks(tasks)


async def _look_later(consumer: AIOKafkaConsumer) -> dict[TopicPartition, list[ConsumerRecord]]:
    await asyncio.sleep(LOOK_S)
    found: dict[TopicPartition, list[ConsumerRecord]] = {}
    if not consumer.assignment():
        found = await consumer.getmany(timeout_ms=0)
    return found


def _listener(revoked: Callable[[Sequence[TopicPartition]], Any], changed: asyncio.Event) -> Any:
    from aiokafka import ConsumerRebalanceListener

    class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
        """Tells of partitions that come and go."""

        async def on_partitions_revoked(self, going: Sequence[TopicPartition]) -> None:
            await revoked(list(going))

        async def on_partitions_assigned(self, _coming: Sequence[TopicPartition]) -> None:
            changed.set()

    return Listener()
