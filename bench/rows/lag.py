"""How far behind Kafka the database is while a row loads it, in seconds."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, LiteralString, Self
from uuid import UUID

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.ground import Ground
from crewhall.adapters.kafka.client import make_consumer
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.ending import end_tasks
from crewhall.ports.message_log import topic_of

EVERY_S = 0.2
LOOK_S = 0.002
WRITTEN: LiteralString = "select topic, next_offset from log_partitions where topic = any (%s)"


class Lag:
    """Now and then asks Kafka where topics end, and waits until the database has all that stood there.

    `seconds` are what that took, each from before Kafka was asked: what it says is a little too much, never too little.
    """

    def __init__(self, ground: Ground, conversations: Sequence[str]) -> None:
        self.seconds: list[float] = []
        self._ground = ground
        self._topics = [topic_of(UUID(one)) for one in conversations]
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._consumer: AIOKafkaConsumer = make_consumer(
            LogSettings(kafka_bootstrap=self._ground.broker.bootstrap)  # it is asked for ends alone, and reads nothing
        )
        await self._consumer.start()
        await self.ends()  # the client asks for each new topic by itself, a tenth of a second apart
        self._connection: psycopg.AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
            self._ground.superuser_url, autocommit=True, prepare_threshold=0
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await end_tasks([self._task])
        await self._consumer.stop()
        await self._connection.close()

    def watch(self) -> None:
        """Look from now on, until the end."""
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            begun = time.perf_counter()
            try:
                await self.caught_up(await self.ends())
            finally:  # also where it is cut off at the end: so long it has taken at least
                self.seconds.append(time.perf_counter() - begun)
            await asyncio.sleep(EVERY_S)

    async def ends(self) -> dict[str, int]:
        """Where the topics end now."""
        ends = await self._consumer.end_offsets([TopicPartition(topic, 0) for topic in self._topics])
        return {partition.topic: offset for partition, offset in ends.items()}

    async def caught_up(self, ends: dict[str, int]) -> None:
        """Wait until the database has what stands before these ends."""
        while True:
            rows = await (await self._connection.execute(WRITTEN, (self._topics,))).fetchall()
            written = dict(rows)
            if all(written.get(topic, 0) >= end for topic, end in ends.items()):
                return
            await asyncio.sleep(LOOK_S)
