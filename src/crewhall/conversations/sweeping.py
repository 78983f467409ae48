"""Removing what nobody has any more: uploads that broke off, files that no message took or that were let go of.

One timer for the nearest of them, in every process that works; rows are locked, so that whoever is first removes them.
A process that only serves tells those of what it made to be removed one day.
"""

import asyncio
import logging

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from crewhall.kernel.db import Database
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.ports.blobs import Blobs

log = logging.getLogger(__name__)
CHANNEL = "crewhall_files"
BATCH = 200
FIRST_LOOK_S = 10.0
TELL_S = 1.0
"""How long what is told to others gathers: nothing is due so soon."""


class Sweeper:
    """Removes files, and bytes, that are due."""

    def __init__(self, db: Database, blobs: Blobs, signals: Signals) -> None:
        self._db = db
        self._blobs = blobs
        self._timer = DueTimer("files", self.sweep)
        self._beginning: asyncio.TimerHandle | None = None
        self._telling: asyncio.TimerHandle | None = None
        self._told: asyncio.Task[None] | None = None
        self._sweeps = False
        signals.subscribe(CHANNEL, lambda _payload: self._timer.stir())

    def start(self) -> None:
        """Look soon, not at once: a process that starts has better to do. The database must be up."""
        self._sweeps = True
        self._beginning = asyncio.get_running_loop().call_later(FIRST_LOOK_S, self._timer.start)

    async def stop(self) -> None:
        """Stop; what becomes due meanwhile is found at the next start, or by another process."""
        if self._beginning is not None:
            self._beginning.cancel()
        await self._timer.stop()
        if self._telling is not None:
            self._telling.cancel()
            self._tell()
        if self._told is not None:
            await self._told

    def stir(self) -> None:
        """Say that something may be due earlier than it was."""
        if self._sweeps:
            self._timer.stir()
        elif self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TELL_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._told = asyncio.create_task(self._tell_others(), name="files")

    async def _tell_others(self) -> None:
        try:
            async with self._db.transaction(None) as tx:
                await tx.notify(CHANNEL, "")
        except (psycopg.Error, PoolTimeout, PoolClosed, OSError) as error:
            log.warning("nobody was told what to remove", extra={"reason": str(error).strip()})

    async def sweep(self) -> float | None:
        """Remove what is due; gives the seconds until the next, None while nothing waits."""
        while True:
            async with self._db.transaction(None) as tx:
                swept = await tx.value("select sweep_files(%(size)s)", {"size": BATCH})
            removed = await self._remove_bytes()
            if swept < BATCH and removed < BATCH:
                break
        async with self._db.transaction(None) as tx:
            wait: float | None = await tx.value("select next_sweep()")
        return None if wait is None else max(wait, 1.0)

    async def _remove_bytes(self) -> int:
        """Remove the bytes of stray keys; what the store refuses is tried again later."""
        async with self._db.transaction(None) as tx:
            keys = await tx.values("select due_strays(%(size)s)", {"size": BATCH})
        gone = []
        try:
            for key in keys:
                await self._blobs.delete(key)
                gone.append(key)
        except CrewhallError as error:
            log.warning("bytes could not be removed", extra={"reason": error.detail})
            raise
        finally:
            if gone:
                async with self._db.transaction(None) as tx:
                    await tx.run("select forget_strays(%(keys)s)", {"keys": gone})
        return len(keys)
