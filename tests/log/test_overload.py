"""What waits to be written is bounded, in number and in bytes; what was let in is written all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from crewhall.adapters.postgres import message_log
from crewhall.adapters.postgres.batch import Pending, append_batch
from crewhall.adapters.postgres.message_log import PostgresMessageLog
from crewhall.kernel.errors import CrewhallError
from crewhall.ports.message_log import Appended, NewRecord
from tests.log.engines import Engine
from tests.log.test_contract import postgres

__all__ = ["postgres"]


class Database:
    """Stands between the writer and the real one: it answers only while it is let, and notes what it is given."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.batches: list[int] = []

    async def append(
        self, connection: psycopg.AsyncConnection[Any], batch: list[Pending], process: str
    ) -> list[tuple[Any, ...]]:
        self.batches.append(len(batch))
        await self.let.wait()
        return await append_batch(connection, batch, process)


@asynccontextmanager
async def busy(engine: Engine, database: Database) -> AsyncIterator[PostgresMessageLog]:
    """The log with a first record in flight: what is appended now waits."""
    log = engine.log
    assert isinstance(log, PostgresMessageLog)
    first = asyncio.create_task(log.append(engine.record(await engine.conversation())))
    while not database.batches:
        await asyncio.sleep(0)
    yield log
    database.let.set()
    await first


async def waiting(log: PostgresMessageLog, *records: NewRecord) -> list[asyncio.Task[Appended]]:
    tasks = [asyncio.create_task(log.append(record)) for record in records]
    await asyncio.sleep(0)
    return tasks


async def refusal(log: PostgresMessageLog, record: NewRecord) -> tuple[str, bool]:
    with pytest.raises(CrewhallError) as refused:
        await log.append(record)
    return refused.value.code, "retry_after" in refused.value.fields


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    made = Database()
    monkeypatch.setattr(message_log, "append_batch", made.append)
    return made


async def test_few_large_posts_are_refused_before_they_fill_the_memory(
    postgres: Engine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_log, "MAX_QUEUED_BYTES", 100_000)
    conversation = await postgres.conversation()
    large = [postgres.record(conversation, "x" * 20_000) for _ in range(3)]
    large[0].html, large[1].metadata = "y" * 10_000, {"z": "z" * 10_000}
    async with busy(postgres, database) as log:
        accepted = await waiting(log, *large)
        assert await refusal(log, postgres.record(conversation, "x" * 20_000)) == ("unavailable", True)
        accepted += await waiting(log, postgres.record(conversation, "small"))
    assert [(await one).seq for one in accepted] == [1, 2, 3, 4]
    assert (await log.append(postgres.record(conversation, "x" * 90_000))).seq == 5


async def test_very_many_small_posts_get_the_same_refusal(
    postgres: Engine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_log, "MAX_QUEUE", 3)
    conversation = await postgres.conversation()
    async with busy(postgres, database) as log:
        accepted = await waiting(log, *[postgres.record(conversation) for _ in range(3)])
        assert await refusal(log, postgres.record(conversation)) == ("unavailable", True)
    assert [(await one).seq for one in accepted] == [1, 2, 3]


async def test_one_statement_carries_no_more_than_its_share(
    postgres: Engine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_log, "MAX_BATCH_BYTES", 50_000)
    conversation = await postgres.conversation()
    async with busy(postgres, database) as log:
        accepted = await waiting(log, *[postgres.record(conversation, "x" * 20_000) for _ in range(5)])
        accepted += await waiting(log, postgres.record(conversation, "x" * 70_000))
    assert [(await one).seq for one in accepted] == [1, 2, 3, 4, 5, 6]
    assert database.batches == [1, 2, 2, 1, 1]
