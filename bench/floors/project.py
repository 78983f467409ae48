"""The floor of a projector: a bare consumer that writes what stands in a partition into a narrow table, with its place.

Rows and place in one transaction that does not wait for the disk, as Crewhall's. Left out is all that tells a record
from a repeated one, gives it its place in the conversation, and tells others of it.
"""

import time
from typing import Any, LiteralString

import msgspec
import psycopg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from bench.floors.asgi import Receive, Scope, Send, answer
from bench.floors.posts import SCHEMA
from crewhall.adapters.kafka.client import make_consumer
from crewhall.adapters.kafka.settings import LogSettings

MAX_BATCH = 256
PLACES: LiteralString = "create table if not exists bench_floor.places (topic text primary key, next bigint not null)"
PLACE: LiteralString = """
insert into bench_floor.places values (%s, %s) on conflict (topic) do update set next = excluded.next
"""
INSERT: LiteralString = """
with head as (
    update bench_floor.heads set last_seq = last_seq + %(count)s where conversation = 0
    returning last_seq - %(count)s as first)
insert into bench_floor.posts (conversation, seq, id, author, content, client_id)
select 0, h.first + u.i, u.id, u.author, u.content, u.client_id
from head h, unnest(%(ids)s::uuid[], %(authors)s::uuid[], %(contents)s::text[], %(clients)s::text[]) with ordinality
    as u (id, author, content, client_id, i)
"""


class _Author(msgspec.Struct):
    id: str


class _Message(msgspec.Struct):
    id: str
    author: _Author
    content: str
    client_id: str


_decode = msgspec.json.Decoder(_Message).decode


class Project:
    """`GET /project/<topic>/<first>/<end>`: partition 0 from one offset to another; answers records a second."""

    def __init__(self, bootstrap: str, url: str) -> None:
        self._bootstrap = bootstrap
        self._url = url

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Read and write."""
        topic, first, end = scope["path"].split("/")[2:]
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, prepare_threshold=0, options="-c synchronous_commit=off"
        ) as connection:
            await connection.execute(SCHEMA, prepare=False)
            await connection.execute(PLACES)
            begun = time.perf_counter()
            consumer = make_consumer(LogSettings(kafka_bootstrap=self._bootstrap))
            await consumer.start()
            try:
                await self._read(consumer, connection, TopicPartition(topic, 0), int(first), int(end))
            finally:
                await consumer.stop()
        per_second = (int(end) - int(first)) / (time.perf_counter() - begun)
        await answer(send, 200, msgspec.json.encode({"per_second": per_second}))

    async def _read(
        self,
        consumer: AIOKafkaConsumer,
        connection: psycopg.AsyncConnection[Any],
        partition: TopicPartition,
        first: int,
        end: int,
    ) -> None:
        consumer.assign([partition])
        consumer.seek(partition, first)
        at = first
        while at < end:
            polled = await consumer.getmany(partition, timeout_ms=1000, max_records=2048)
            messages = polled.get(partition, [])
            for i in range(0, len(messages), MAX_BATCH):
                batch = messages[i : i + MAX_BATCH]
                await self._write(connection, partition.topic, batch)
                at = batch[-1].offset + 1

    @staticmethod
    async def _write(connection: psycopg.AsyncConnection[Any], topic: str, batch: list[ConsumerRecord]) -> None:
        found = [_decode(message.value) for message in batch]
        async with connection.transaction():
            await connection.execute(
                INSERT,
                {
                    "count": len(found), "ids": [one.id for one in found], "authors": [one.author.id for one in found],
                    "contents": [one.content for one in found], "clients": [one.client_id for one in found],
                },
            )  # fmt: skip
            await connection.execute(PLACE, (topic, batch[-1].offset + 1))
