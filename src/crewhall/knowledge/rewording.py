"""What documents and the wiki are found by, written anew after an organization chose another language of search.

Searches go on meanwhile: what is not written anew yet is found by the words of the former language.
"""

import asyncio
import time

from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer

CHANNEL = "crewhall_knowledge_rewrites"
"""NOTIFY channel: an organization is searched in another language from now on."""
BATCH = 200
"""Passages, or entries of the wiki, that are written in one transaction."""
TAKEN_OVER_S = 30.0
"""So much later it is looked whether another process that was at it still is."""


class Rewording:
    """Writes them anew, half of the time at most. What was done stays, whoever dies."""

    def __init__(self, db: Database, signals: Signals) -> None:
        self._db = db
        self._timer = DueTimer("rewrites of knowledge", self.look)
        signals.subscribe(CHANNEL, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Go on with what was begun; the database must be up."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; another process goes on, or this one after its next start."""
        await self._timer.stop()

    async def look(self) -> float | None:
        """Write whatever waits; None when nothing does."""
        while True:
            begun = time.monotonic()
            async with self._db.transaction(None, lazily=True) as tx:
                written: int | None = await tx.value("select rewrite_knowledge(%(size)s)", {"size": BATCH})
            if written is None:
                return TAKEN_OVER_S
            if not written:
                return None
            await asyncio.sleep(time.monotonic() - begun)
