"""Which partitions a projector reads: a fair share of sixteen, under a lease that it renews.

That two read the same for a moment does no harm: the offset lets one of them write. The lease says who need not bother.
"""

import asyncio
import logging
from collections.abc import Callable

import psycopg

from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.ids import new_id
from crewhall.kernel.signals import Signals

log = logging.getLogger(__name__)
CHANNEL = "crewhall_projectors"
TTL_S = 9.0


class Shards:
    """The shares of one projector. `on_change` is told when they are others."""

    def __init__(self, db: Database, signals: Signals, on_change: Callable[[], None], *, ttl_s: float = TTL_S) -> None:
        self.projector = new_id()
        self.held: list[int] = []
        self._db = db
        self._on_change = on_change
        self._ttl_s = ttl_s
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        signals.show_life(self.projector)
        signals.subscribe(CHANNEL, lambda _: self._look.set())

    async def start(self) -> None:
        """Take the first shares."""
        await self._hold()
        self._task = asyncio.create_task(self._renew(), name="log-shards")

    async def stop(self) -> None:
        """Give them back."""
        if self._task is not None:
            await end_tasks([self._task])
        try:
            async with self._db.transaction(None) as tx:
                await tx.run("select leave_shards(%(me)s)", {"me": self.projector})
        except (psycopg.Error, OSError) as error:
            log.warning("shares lapse by themselves", extra={"reason": str(error).strip()})

    async def _renew(self) -> None:
        """Renew the lease at a third of its time, or look anew when another projector came or went."""
        while True:
            try:
                async with asyncio.timeout(self._ttl_s / 3):
                    await self._look.wait()
            except TimeoutError:
                pass
            self._look.clear()
            try:
                await self._hold()
            except (psycopg.Error, OSError) as error:
                log.warning("the lease could not be renewed", extra={"reason": str(error).strip()})

    async def _hold(self) -> None:
        async with self._db.transaction(None, lazily=True) as tx:
            held = await tx.value("select hold_shards(%(me)s, %(ttl)s)", {"me": self.projector, "ttl": self._ttl_s})
        if held != self.held:
            self.held = held
            self._on_change()
