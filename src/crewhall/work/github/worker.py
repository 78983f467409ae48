"""The worker: one timer for what is due next of each kind, and none while nothing is.

What is claimed is due again in a while: who dies over it leaves it to another process, and `attempt` keeps the dead
one's writes out. One that fails is put off and holds up nobody. Organizations take turns, so that who brought very
much keeps nobody waiting.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, LiteralString, Protocol, TypeVar
from uuid import UUID

import msgspec

from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer

log = logging.getLogger(__name__)
T = TypeVar("T", bound="Work")


class Work(Protocol):
    """What can be claimed."""

    @property
    def id(self) -> UUID:
        """Its row."""
        ...

    @property
    def org_id(self) -> UUID:
        """Whose it is."""
        ...


class _Next(msgspec.Struct):
    org_id: UUID
    id: UUID
    due_in: float


class DueQueue(Generic[T]):
    """Does what is due of one table, so many at once."""

    def __init__(
        self,
        name: str,
        db: Database,
        next_due: LiteralString,
        claim: Callable[[Database, UUID, UUID], Awaitable[T | None]],
        do: Callable[[T], Awaitable[None]],
        at_once: int,
    ) -> None:
        """`next_due` takes whose turn it was last (`after`).

        `do` says itself how it ended; what it raises is logged, and done again once its claim is over.
        """
        self._name = name
        self._db = db
        self._next_due = next_due
        self._claim = claim
        self._do = do
        self._at_once = at_once
        self._last = UUID(int=0)
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer = DueTimer(name, self.look)

    def follow(self, signals: Signals, channel: str) -> None:
        """Look whenever a notice says that something may be due."""
        signals.subscribe(channel, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Go on with what was begun, then wait."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; what was begun goes on elsewhere, or later."""
        await self._timer.stop()
        await end_tasks(self._tasks)

    async def look(self) -> float | None:
        """Begin what is due and has room; gives the seconds until the next, None when nothing ever is."""
        while len(self._tasks) < self._at_once:
            async with self._db.transaction(None) as tx:
                found = await tx.find(_Next, self._next_due, {"after": self._last})
            if found is None or found.due_in > 0:
                return None if found is None else found.due_in
            self._last = found.org_id
            claimed = await self._claim(self._db, found.org_id, found.id)
            if claimed is not None:
                task = asyncio.create_task(self._take(claimed), name=f"{self._name} {claimed.id}")
                self._tasks.add(task)
                task.add_done_callback(self._ended)
        return None  # whoever ends looks again

    async def _take(self, claimed: T) -> None:
        try:
            await self._do(claimed)
        except Exception as error:  # noqa: BLE001 - its row is due again when its claim is over
            about = {"id": str(claimed.id), "organization": str(claimed.org_id), "reason": type(error).__name__}
            log.warning("%s: one was left for later", self._name, extra=about)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._timer.stir()
