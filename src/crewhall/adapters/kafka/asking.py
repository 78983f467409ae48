"""What the database is asked of records: what stands against them before they go, what became of them since."""

import asyncio
import contextlib
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg

from crewhall.adapters.kafka.client import LARGEST_RECORD
from crewhall.adapters.kafka.records import encode_record
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.postgres.batch import Pending, digest_of
from crewhall.kernel.clock import utc_now
from crewhall.kernel.errors import DATABASE_AWAY, INVALID, TOO_LARGE
from crewhall.kernel.postgres.urls import NOTICED
from crewhall.ports.message_log import NewRecord

RETRY_S = 0.1
JUDGE: LiteralString = "select i, verdict, seq, id, created_at, topic, partition from judge_records(%s, %s)"
GIVE_TOPICS: LiteralString = "select note_homeless(%s, %s, %s, %s)"
FIND: LiteralString = "select i, verdict, seq, id, created_at, previous_seq from find_projected(%s, %s)"


class _Question(msgspec.Struct, omit_defaults=True):
    """What the database needs to know to judge a record: not its text, but the digest of it."""

    i: int
    conv: UUID
    id: UUID
    author: UUID
    client_id: str | None
    digest: str | None
    version: int | None


_encoder = msgspec.json.Encoder()


def _questions(batch: list[Pending]) -> tuple[list[UUID], str]:
    records = [pending.record for pending in batch]
    questions = [
        _Question(
            i, record.conversation_id, record.id, record.author.id, record.client_id, digest_of(record),
            record.membership_version,
        )
        for i, record in enumerate(records)
    ]  # fmt: skip
    return list({record.org_id for record in records}), _encoder.encode(questions).decode()


async def connect(url: str, name: str, options: str = "") -> psycopg.AsyncConnection[Any]:
    """A connection beside the pool's."""
    return await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        prepare_threshold=0,
        application_name=name,
        options=f"-c lock_timeout=5000 -c statement_timeout=20000 -c timezone=UTC {NOTICED} {options}",
    )


async def close(connection: psycopg.AsyncConnection[Any] | None) -> None:
    """Close it, if there is one and it still can be."""
    if connection is not None:
        with contextlib.suppress(psycopg.Error):
            await connection.close()


class Asking:
    """Asks for one process, one question at a time."""

    def __init__(self, url: str, patience_s: float) -> None:
        self._url = url
        self._patience_s = patience_s
        self._turn = asyncio.Lock()
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def close(self) -> None:
        """Close the connection."""
        await close(self._connection)

    async def ask(self, sql: LiteralString, batch: list[Pending]) -> list[tuple[Any, ...]]:
        """Ask the database about records; for as long as it is away, again. Raises DATABASE_AWAY.

        On a connection of its own: whoever appends within a transaction holds one of the pool's until it is answered.
        """
        return await self._execute(sql, _questions(batch))

    async def give_topics(self, conversations: list[UUID], settings: LogSettings) -> None:
        """Note topics for conversations that have none. Raises DATABASE_AWAY."""
        shared = settings.shared_partitions
        await self._execute(GIVE_TOPICS, (len(conversations), settings.kafka_prefix, shared, conversations))

    async def _execute(self, sql: LiteralString, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        deadline = asyncio.get_running_loop().time() + self._patience_s
        async with self._turn:
            while True:
                try:
                    if self._connection is None or self._connection.closed:
                        self._connection = await connect(self._url, "crewhall-log")
                    cursor = await self._connection.execute(sql, values)
                    return await cursor.fetchall()
                except (psycopg.OperationalError, OSError) as error:
                    await close(self._connection)
                    if asyncio.get_running_loop().time() > deadline:
                        raise DATABASE_AWAY("The database is away. Try again shortly.", retry_after=2) from error
                    await asyncio.sleep(RETRY_S)


def check_storable(record: NewRecord) -> None:
    """Refuse what the database will refuse, before it stands in the log for ever."""
    written = encode_record(record, utc_now())
    if len(written) > LARGEST_RECORD - 1024:
        raise TOO_LARGE(f"A message takes {LARGEST_RECORD // 1024 // 1024} MiB at most, with all that belongs to it.")
    if b"\\u0000" in written and "\0" in f"{msgspec.to_builtins(record)!r}".replace("\\\\", "").replace("\\x00", "\0"):
        raise INVALID("The message cannot be stored: it holds a NUL character.")
