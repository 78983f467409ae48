"""The message log on Postgres: one writer per process, group commit without a timer.

Appends that arrive while a commit is in flight gather and go together as one statement, so one fsync serves many posts
and nothing waits when the log is idle.
"""

import asyncio
import logging
from collections import deque
from typing import Any
from uuid import UUID

import psycopg

from crewhall.adapters.postgres.batch import Pending, append_batch, known_records, settle, size_of
from crewhall.adapters.postgres.read_model import ReadModel
from crewhall.kernel.db import Database
from crewhall.kernel.errors import DATABASE_AWAY, INVALID, UNAVAILABLE, CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.postgres.urls import NOTICED
from crewhall.kernel.signals import Signals
from crewhall.kernel.telemetry import append_batch_size, posts_total
from crewhall.ports.message_log import MAX_CLIENT_ID_LENGTH, Appended, LogState, NewRecord

log = logging.getLogger(__name__)
MAX_BATCH = 256
MAX_BATCH_BYTES = 8 * 1024 * 1024
MAX_QUEUE = 20_000
MAX_QUEUED_BYTES = 64 * 1024 * 1024
PATIENCE_S = 8.0
RETRY_S = 0.1
SAME_RECORD = "message_records_id"


class PostgresMessageLog(ReadModel):
    """The engine of one process. `start` before the first append, `stop` after the last."""

    def __init__(self, db: Database, signals: Signals) -> None:
        super().__init__(db, signals)
        self._queue: deque[Pending] = deque()
        self._queued_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._stopped = False

    async def start(self) -> None:
        """Open the writer's own connection."""
        self._connection = await self._connect()

    async def stop(self) -> None:
        """Write what is queued, then close."""
        self._stopped = True
        if self._writer:
            await asyncio.gather(self._writer, return_exceptions=True)
        if self._connection:
            await self._connection.close()

    async def append(self, record: NewRecord) -> Appended:
        """See MessageLog.append."""
        if record.client_id is not None and not 1 <= len(record.client_id) <= MAX_CLIENT_ID_LENGTH:
            raise INVALID(f"client_id takes 1 to {MAX_CLIENT_ID_LENGTH} characters.", field="client_id")
        size = size_of(record)
        if self._stopped or len(self._queue) >= MAX_QUEUE or self._queued_bytes + size > MAX_QUEUED_BYTES:
            raise UNAVAILABLE("The server is stopping or overloaded. Try again shortly.", retry_after=1)
        pending = Pending(record, asyncio.get_running_loop().create_future(), size)
        self._queue.append(pending)
        self._queued_bytes += size
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="log-writer")
        return await pending.future

    def state(self) -> LogState:
        """See MessageLog.state."""
        return LogState("postgres")

    async def _write(self) -> None:
        """Write batches until the queue is empty: the batch in flight gathers the next one."""
        while self._queue:
            batch = self._take()
            try:
                await self._write_batch(batch)
            except CrewhallError as error:
                for pending in batch:
                    pending.fail(error)
            except Exception as error:
                log.exception("a batch failed")
                for pending in batch:
                    pending.fail(
                        UNAVAILABLE("The message could not be stored. Try again.", reason=type(error).__name__)
                    )

    def _take(self) -> list[Pending]:
        """Take the next batch; a client id appears in it once, a repetition waits for the next."""
        batch: list[Pending] = []
        taken = 0
        seen: set[tuple[UUID, UUID, str]] = set()
        while self._queue and len(batch) < MAX_BATCH:
            record, size = self._queue[0].record, self._queue[0].size
            if batch and taken + size > MAX_BATCH_BYTES:
                break
            if record.client_id is not None:
                key = (record.conversation_id, record.author.id, record.client_id)
                if key in seen:
                    break
                seen.add(key)
            batch.append(self._queue.popleft())
            taken += size
        self._queued_bytes -= taken
        return batch

    async def _write_batch(self, batch: list[Pending]) -> None:
        """Write a batch; a row that cannot be stored is found by writing singly, and harms no other."""
        try:
            rows = await self._write_patiently(batch)
        except psycopg.Error as error:
            if len(batch) == 1:
                log.warning("a record was refused", extra={"reason": str(error).strip()})
                batch[0].fail(INVALID("The message cannot be stored: a value is out of range or too large."))
                return
            for pending in batch:
                await self._write_batch([pending])
            return
        append_batch_size.observe(len(batch))
        for advanced in settle(batch, rows):
            posts_total.inc(len(advanced.records or ()))
            self.tell(advanced)

    async def _write_patiently(self, batch: list[Pending]) -> list[tuple[Any, ...]]:
        """Write; when the connection is lost, connect again and write only what did not commit."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        lost = False
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = await self._connect()
                known = await known_records(self._connection, batch) if lost else {}
                rest = [pending for pending in batch if pending.record.id not in known]
                written = await append_batch(self._connection, rest, self.process) if rest else []
                return self._in_order(batch, rest, written, known)
            except psycopg.errors.UniqueViolation as error:
                # The lost connection's statement was still at work when we looked, and has committed since.
                if not lost or error.diag.constraint_name != SAME_RECORD:
                    raise
            except (psycopg.OperationalError, OSError) as error:
                if isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable):
                    log.warning("the log is blocked", extra={"reason": str(error).strip()})
                lost = True
                await self._drop_connection()
                if asyncio.get_running_loop().time() > deadline:
                    raise DATABASE_AWAY("The database is away. Try again shortly.", retry_after=2) from error
                await asyncio.sleep(RETRY_S)

    @staticmethod
    def _in_order(
        batch: list[Pending], rest: list[Pending], written: list[tuple[Any, ...]], known: dict[UUID, tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        by_id = dict(zip((pending.record.id for pending in rest), written, strict=True))
        return [by_id.get(pending.record.id) or known[pending.record.id] for pending in batch]

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            self.db.url,
            autocommit=True,
            prepare_threshold=0,
            application_name="crewhall-log",
            options=f"-c lock_timeout=5000 -c statement_timeout=20000 -c timezone=UTC {NOTICED}",
        )

    async def _drop_connection(self) -> None:
        """Let go of a lost connection. Its statement may commit yet: a new name lets us hear of that as others do."""
        self.process = str(new_id())
        if self._connection is not None:
            try:
                await self._connection.close()
            except psycopg.Error:
                log.debug("the lost connection could not be closed")
            self._connection = None
