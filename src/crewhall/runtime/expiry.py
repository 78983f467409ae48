"""Expiry: one timer for the next approval that runs out, and none while nothing waits; and word of each change.

A change is a NOTIFY: the process that made it tells the pages that are open, every process sets its timer by it.
"""

from uuid import UUID

import msgspec

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.ports.live import Ephemeral, Live
from crewhall.runtime.approvals import expire
from crewhall.runtime.runs import APPROVALS_CHANNEL
from crewhall.runtime.vocabulary import ApprovalStatus

BATCH = 100


class _Next(msgspec.Struct):
    org_id: UUID
    id: UUID
    due_in: float


class ApprovalClock:
    """Lets approvals of every organization run out, whichever process is first."""

    def __init__(self, db: Database, signals: Signals, live: Live) -> None:
        self._db = db
        self._live = live
        self._timer = DueTimer("approvals", self.expire_due)
        signals.subscribe(APPROVALS_CHANNEL, self._hear)
        signals.on_lost(self._timer.stir)
        db.hear(APPROVALS_CHANNEL, self._tell)

    def start(self) -> None:
        """Let run out what has, then wait for the next; the database must be up."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; what runs out meanwhile is found at the next start, or by another process."""
        await self._timer.stop()

    async def expire_due(self) -> float | None:
        """Let everything run out that is due; gives the seconds until the next, None when nothing waits."""
        while True:
            async with self._db.transaction(None) as tx:
                found = await tx.all(_Next, "select * from next_approvals(%(size)s)", {"size": BATCH})
            due = [one for one in found if one.due_in <= 0]
            for one in due:
                async with self._db.transaction(system_actor(one.org_id)) as tx:
                    await expire(tx, one.org_id, one.id)
            if len(due) < len(found):
                return found[len(due)].due_in
            if not due:
                return None

    def _hear(self, payload: str) -> None:
        """A new one may run out before the one that the timer is set for."""
        if payload.endswith(ApprovalStatus.WAITING):
            self._timer.stir()

    def _tell(self, payload: str) -> None:
        org_id, approval_id, status = payload.split(" ")
        fields = {"approval": approval_id, "status": status}
        self._live.emit(system_actor(UUID(org_id)), Ephemeral(UUID(org_id), None, "approval", fields))
