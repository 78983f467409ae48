"""Wake-ups between processes: one LISTEN connection per process. NOTIFY only wakes; truth is read from tables.

Losing the connection may lose wake-ups, so every listener is told (`on_lost`) and must distrust what it cached.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection, Notify, OperationalError, sql

from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.postgres.urls import NOTICED

log = logging.getLogger(__name__)
FIRST_RETRY_S, LAST_RETRY_S = 0.05, 5.0
SHOW_LIFE: LiteralString = "select pg_advisory_lock_shared(hashtextextended('crewhall.life.' || %(name)s, 0))"
"""Shared, so that a new connection need not wait for the server to notice that the former one is gone."""


class Signals:
    """Subscriptions to NOTIFY channels by callback. Callbacks are quick and do not raise."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._callbacks: dict[str, list[Callable[[str], None]]] = defaultdict(list)
        self._followed: dict[str, tuple[Database, list[Callable[[str], None]]]] = {}
        self._lost: list[Callable[[], None]] = []
        self._lives: list[UUID] = []
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    def subscribe(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call back with the payload of each NOTIFY on the channel. Subscribe before `start`."""
        self._callbacks[channel].append(callback)

    def follow(self, db: Database, channel: str, callback: Callable[[str], None]) -> None:
        """As `subscribe`, but of what this process's own transactions announce as soon as they have committed."""
        self._followed.setdefault(channel, (db, []))[1].append(callback)
        db.hear(channel, callback)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back after the connection was lost and found again: anything may have been missed."""
        self._lost.append(callback)

    def show_life(self, name: UUID) -> None:
        """Hold a lock of that name while connected: who can take it knows that the process is gone. Before `start`."""
        self._lives.append(name)

    @property
    def listening(self) -> bool:
        """Whether wake-ups arrive right now."""
        return self._listening.is_set()

    async def start(self) -> None:
        """Listen; returns when the first LISTEN is in force."""
        self._task = asyncio.create_task(self._run(), name="signals")
        waiting = asyncio.create_task(self._listening.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def stop(self) -> None:
        """Stop listening."""
        if self._task:
            await end_tasks([self._task])
        self._listening.clear()
        self._expect_echoes(frozenset())

    async def _run(self) -> None:
        retry, first = FIRST_RETRY_S, True
        while True:
            try:
                async with await AsyncConnection.connect(
                    self._url, autocommit=True, application_name="crewhall-signals", options=NOTICED
                ) as connection:
                    for channel in self._callbacks.keys() | self._followed.keys():
                        await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                    for name in self._lives:
                        await connection.execute(SHOW_LIFE, {"name": str(name)})
                    self._expect_echoes(frozenset(self._followed))
                    self._listening.set()
                    if not first:
                        self._tell_lost()
                    retry, first = FIRST_RETRY_S, False
                    async for notice in connection.notifies():
                        self._tell(notice)
            except (OperationalError, OSError) as error:
                log.warning("signals lost", extra={"reason": str(error).strip()})
            self._listening.clear()
            self._expect_echoes(frozenset())
            self._tell_lost()
            await asyncio.sleep(retry)
            retry = min(retry * 2, LAST_RETRY_S)

    def _tell(self, notice: Notify) -> None:
        for callback in self._callbacks.get(notice.channel, ()):
            callback(notice.payload)
        if notice.channel in self._followed:
            db, callbacks = self._followed[notice.channel]
            if not db.take_echo(notice.pid, notice.channel, notice.payload):
                for callback in callbacks:
                    callback(notice.payload)

    def _expect_echoes(self, channels: frozenset[str]) -> None:
        for db, _ in self._followed.values():
            db.expect_echoes(channels)

    def _tell_lost(self) -> None:
        for callback in self._lost:
            callback()
