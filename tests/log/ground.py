"""A database and a broker, with the engine of one process on them that projects."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg

from crewhall.adapters.kafka.client import make_producer
from crewhall.adapters.kafka.ends import ends_of
from crewhall.adapters.kafka.leaving import Left, leave_kafka
from crewhall.adapters.kafka.rebuild import Rebuilt, rebuild
from crewhall.adapters.kafka.records import headers_of
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.db import Database
from crewhall.kernel.postgres import DatabaseUrls
from crewhall.main.log import LogParts
from tests.log.engines import Engine, engine_on, found, running
from tests.support.waiting import until as until_async


async def until(ask: Callable[[], Any]) -> None:
    """Wait until it is so."""

    async def asked() -> bool:
        return bool(ask())

    await until_async(asked)


class Ground:
    """A database, a broker, and the engine of one process that projects."""

    def __init__(self, urls: DatabaseUrls, settings: LogSettings, engine: Engine, parts: LogParts) -> None:
        self.urls, self.settings, self.engine, self.parts = urls, settings, engine, parts

    @property
    def db(self) -> Database:
        assert self.engine.db is not None
        return self.engine.db

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database as its administrator."""
        with psycopg.connect(self.urls.admin, autocommit=True) as connection:
            cursor = connection.execute(sql, values)
            is_read = cursor.statusmessage is not None and cursor.statusmessage.startswith("SELECT")
            return cursor.fetchall() if is_read else []

    def topic(self, conversation: UUID) -> tuple[str, int]:
        ((topic, partition),) = self.query(
            "select topic, partition from log_topics where conversation_id = %s", conversation
        )
        return topic, partition

    async def send(self, conversation: UUID, *values: bytes, headers: list[tuple[str, bytes]] | None = None) -> None:
        """Write into a conversation's topic past the engine."""
        await self.send_to(self.topic(conversation), *values, headers=headers)

    async def send_to(
        self, place: tuple[str, int], *values: bytes, headers: list[tuple[str, bytes]] | None = None
    ) -> None:
        """Write into a topic past the engine."""
        topic, partition = place
        producer = make_producer(self.settings)
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(topic, value, partition=partition, headers=headers or headers_of())
        finally:
            await producer.stop()

    async def rebuild(self, conversation: UUID, *, repair: bool = False) -> Rebuilt:
        with psycopg.connect(self.urls.admin, autocommit=True) as connection:
            (one,) = [one async for one in rebuild(connection, self.settings, conversation=conversation, repair=repair)]
        return one


@asynccontextmanager
async def ground_on(urls: DatabaseUrls, settings: LogSettings) -> AsyncIterator[Ground]:
    async with running(urls, settings) as (parts, db, _):
        engine = Engine(parts.log, db)
        await found(db, engine.org)
        yield Ground(urls, settings, engine, parts)


@asynccontextmanager
async def returning(urls: DatabaseUrls, settings: LogSettings, org: UUID) -> AsyncIterator[Ground]:
    """Another life of an installation whose organization is there already."""
    async with running(urls, settings) as (parts, db, _):
        engine = Engine(parts.log, db)
        engine.org = org
        yield Ground(urls, settings, engine, parts)


async def leave(urls: DatabaseUrls, settings: LogSettings, *, lost: bool = False) -> Left:
    """Let Postgres keep messages again."""
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        return await leave_kafka(connection, settings, lost=lost)


async def end_of(ground: Ground, conversation: UUID) -> int:
    """How many records the topic of a conversation has, those among them that count once."""
    place = ground.topic(conversation)
    return (await ends_of([place], ground.settings))[place]


async def said_on_postgres(urls: DatabaseUrls, count: int) -> tuple[UUID, UUID]:
    """An installation on Postgres in which so much was said: its organization, and the conversation."""
    async with engine_on(urls, LogSettings()) as engine:
        conversation = await engine.conversation()
        for n in range(count):
            await engine.log.append(engine.record(conversation, f"m{n}", client_id=f"c{n}"))
        return engine.org, conversation
