"""Consumers of the log and of the audit log: woken by advances, at work until all is seen, asleep otherwise.

Every process that works runs each consumer; a lock in the database decides which one works. Who notices that another
one does stands by: it looks for what has been left for a while, and for nothing else, so that a record costs as much
with ten processes as with one. What a consumer has seen is its row in `consumer_checkpoints`, which moves with (or
after) what it wrote.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.telemetry import consumer_lag_seconds
from crewhall.ports.message_log import Advanced, Watcher

log = logging.getLogger(__name__)
BATCH = 500
MEASURE_S = 1.0
FIRST_RETRY_S, LAST_RETRY_S = 0.01, 1.0
STAND_BY_S = 1.0
"""What has been left so long is taken by who stands by: whoever worked until now may be gone."""


@dataclass(slots=True)
class Company:
    """Whether other processes work beside this one."""

    works_beside: bool = False


class _Place(msgspec.Struct):
    """How far a consumer has come, in whichever process."""

    position: int
    conversation_id: UUID | None
    seq: int | None


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
        self.company = Company()
        self._stands_by = False
        self._place: _Place | None = None
        watch(self._wake)

    def start(self) -> None:
        """Catch up, then follow."""
        self._due.set()
        self._task = asyncio.create_task(self._run(), name=f"consumer-{self.name}")

    def look(self) -> None:
        """Look whether anything is left: whoever else worked has gone."""
        self._due.set()

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
            if self._stands_by and self.company.works_beside and not await self._is_left():
                continue
            if await self._catch_up():
                self._stands_by, self._place = False, None
            elif self.company.works_beside:
                await self._look_who_works()

    async def _is_left(self) -> bool:
        """Wait for another process to do it; tells whether nobody has."""
        while True:
            self._due.clear()
            await asyncio.sleep(STAND_BY_S)
            try:
                lag = await self._lag()
            except Exception as error:  # noqa: BLE001 - asked again in a while
                log.warning("a consumer does not know what is left", extra=self._about(error))
                continue
            if lag is None or lag > STAND_BY_S:
                return lag is not None

    async def _look_who_works(self) -> None:
        """Stand by from now on if the consumer has gone on since it was looked at last, while nothing was left here."""
        try:
            async with self._db.alone() as tx:
                place = await tx.find(
                    _Place,
                    "select position, conversation_id, seq from consumer_checkpoints where consumer = %(name)s",
                    {"name": self.name},
                )
        except Exception as error:  # noqa: BLE001 - it works on meanwhile
            log.warning("a consumer does not know who works", extra=self._about(error))
            return
        self._stands_by = self._place is not None and self._place != place
        self._place = place

    async def _catch_up(self) -> bool:
        """Work until nothing is left; tells whether this process found anything to do.

        Records that stay unseen are tried again: transactions beside theirs still run, another process has the lock, or
        something failed.
        """
        retry, found = FIRST_RETRY_S, False
        while True:
            self._due.clear()
            try:
                seen = await self._step()
                found = found or seen > 0
                if seen >= BATCH:
                    continue
                await asyncio.sleep(self._gather_s)
                if seen and self._has_more():
                    retry = FIRST_RETRY_S
                    continue
                if await self._lag() is None:
                    return found
                if seen:
                    retry = FIRST_RETRY_S
                    continue
            except Exception as error:  # noqa: BLE001 - a consumer that ended would be missed by nobody, and by all
                log.warning("a consumer failed", extra=self._about(error))
                retry = max(retry, LAST_RETRY_S / 4)
            await asyncio.sleep(retry)
            retry = min(retry * 2, LAST_RETRY_S)

    def _has_more(self) -> bool:
        """Whether more came meanwhile, so that nobody need ask; the lag is measured once in a while all the same."""
        return self._due.is_set() and time.monotonic() - self._measured < MEASURE_S

    async def _lag(self) -> float | None:
        """Note the lag, in seconds; None: nothing is left unseen."""
        self._measured = time.monotonic()
        async with self._db.alone() as tx:
            lag: float | None = await tx.value("select consumer_lag(%(name)s)", {"name": self.name})
        consumer_lag_seconds.labels(self.name).set(lag or 0)
        return lag

    def _about(self, error: Exception) -> dict[str, str]:
        return {"consumer": self.name, "reason": str(error).strip()}
