"""Payloads of deliveries whose time is over are forgotten: one timer for the next, and none while nothing is kept."""

from typing import LiteralString

from crewhall.kernel.db import Database
from crewhall.kernel.timer import DueTimer

_FORGET: LiteralString = "select forget_github_payloads(%(days)s, %(most)s)"
_FORGOTTEN_IN: LiteralString = "select github_payloads_forgotten_in(%(days)s)"
MOST = 500
SOONEST_S = 60.0


class Forgetting:
    """Forgets what is older than so many days."""

    def __init__(self, db: Database, days: int) -> None:
        self._db = db
        self._days = days
        self._is_asleep = False
        self._timer = DueTimer("github payloads", self.look)

    def start(self) -> None:
        """Forget what is due, then wait."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop."""
        await self._timer.stop()

    def wake(self) -> None:
        """Say that something is kept: whoever waits for nothing looks."""
        if self._is_asleep:
            self._is_asleep = False
            self._timer.stir()

    async def look(self) -> float | None:
        """Forget what is due; gives the seconds until more is."""
        async with self._db.transaction(None) as tx:
            await tx.run(_FORGET, {"days": self._days, "most": MOST})
            due = await tx.value(_FORGOTTEN_IN, {"days": self._days})
        self._is_asleep = due is None
        return None if due is None else max(float(due), SOONEST_S)
