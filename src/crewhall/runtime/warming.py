"""Warming: what the first turn of a process would wait for (some 50 MB of imports) is there before somebody waits.

Only where a turn is likely: the installation has taken some of late, or somebody is just writing to an agent that
thinks here. A process whose agents nobody asks stays as small as it was.
"""

import asyncio
import logging

from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.runtime.executor import Executor
from crewhall.runtime.jobs import prepare_worker

log = logging.getLogger(__name__)
AFTER_S = 2.0
"""So long after the start: what serves people comes first."""


class Warming:
    """Decides when a process gets ready to think."""

    def __init__(self, db: Database, executor: Executor, *, after_s: float = AFTER_S) -> None:
        self._db = db
        self._executor = executor
        self._after_s = after_s
        self.takes_turns = True
        """Whether turns are taken by this process: where they are not, nobody waits for them here."""
        self._looking: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look, a moment later, whether turns are taken here."""
        self._looking = asyncio.create_task(self._look(), name="warming")

    async def stop(self) -> None:
        """Let it be."""
        under_way = [task for task in (self._looking, self._warming) if task is not None]
        await end_tasks(under_way)

    def expect_turn(self) -> None:
        """Get ready: somebody is about to ask for a turn. Returns at once."""
        if self.takes_turns and not self._executor.is_warm and (self._warming is None or self._warming.done()):
            self._warming = asyncio.create_task(self._warm(), name="warming")

    async def _look(self) -> None:
        await asyncio.sleep(self._after_s)
        async with self._db.transaction(None) as tx:
            is_used = bool(await tx.value("select takes_turns()"))
        if is_used:
            self.expect_turn()

    async def _warm(self) -> None:
        await self._executor.wake_thinker()
        await asyncio.to_thread(prepare_worker)
        log.debug("ready to think")
