"""Consumers of the log and of the audit log: woken by advances, at work until all is seen, asleep otherwise.

Every process runs each consumer; a lock in the database decides which one works. What a consumer has seen is its row in
`consumer_checkpoints`, which moves with (or after) what it wrote.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.telemetry import consumer_lag_seconds
from crewhall.ports.message_log import Advanced, Watcher

log = logging.getLogger(__name__)
BATCH = 500
MEASURE_S = 1.0
FIRST_RETRY_S, LAST_RETRY_S = 0.01, 1.0


class Consumer:
    """Calls `step` while there is anything to do. `step` handles one batch and gives the number of records it saw.

    `watch` is the log's: it notes who is told of advances. Batches that are not full are `gather_s` apart, so that
    under load one serves many records. The first record after a pause is not kept waiting, unless the consumer
    `gathers_first`: nobody looks for what it makes so soon, and whoever does something more urgent goes before it.
    """

    def __init__(
        self,
        name: str,
        db: Database,
        watch: Callable[[Watcher], None],
        step: Callable[[], Awaitable[int]],
        gather_s: float = 0.0,
        *,
        gathers_first: bool = False,
    ) -> None:
        self.name = name
        self._db = db
        self._step = step
        self._gather_s = gather_s
        self._first_s = gather_s if gathers_first else 0.0
        self._due = asyncio.Event()
        self._measured = 0.0
        self._task: asyncio.Task[None] | None = None
        watch(self._wake)

    def start(self) -> None:
        """Catch up, then follow."""
        self._due.set()
        self._task = asyncio.create_task(self._run(), name=f"consumer-{self.name}")

    async def stop(self) -> None:
        """Stop; what was begun is rolled back, or done again by who comes next."""
        if self._task:
            await end_tasks([self._task])

    def _wake(self, _advanced: Advanced | None) -> None:
        self._due.set()

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            await asyncio.sleep(self._first_s)
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Work until nothing is left.

        Records that stay unseen are tried again: transactions beside theirs still run, another process has the lock, or
        something failed.
        """
        retry = FIRST_RETRY_S
        while True:
            self._due.clear()
            try:
                seen = await self._step()
                if seen >= BATCH:
                    continue
                await asyncio.sleep(self._gather_s)
                if seen and self._has_more():
                    retry = FIRST_RETRY_S
                    continue
                if not await self._measure_lag():
                    return
                if seen:
                    retry = FIRST_RETRY_S
                    continue
            except Exception as error:  # noqa: BLE001 - a consumer that ended would be missed by nobody, and by all
                log.warning("a consumer failed", extra={"consumer": self.name, "reason": str(error).strip()})
                retry = max(retry, LAST_RETRY_S / 4)
            await asyncio.sleep(retry)
            retry = min(retry * 2, LAST_RETRY_S)

    def _has_more(self) -> bool:
        """Whether more came meanwhile, so that nobody need ask; the lag is measured once in a while all the same."""
        return self._due.is_set() and time.monotonic() - self._measured < MEASURE_S

    async def _measure_lag(self) -> bool:
        """Note the lag; tells whether anything is left unseen."""
        self._measured = time.monotonic()
        async with self._db.alone() as tx:
            lag = await tx.value("select consumer_lag(%(name)s)", {"name": self.name})
        consumer_lag_seconds.labels(self.name).set(lag or 0)
        return lag is not None
