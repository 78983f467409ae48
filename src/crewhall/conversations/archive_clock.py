"""The clock of groups that archive themselves: one timer for the nearest that may have to, and none while none does."""

import asyncio
import logging
from uuid import UUID

import msgspec

from crewhall.conversations.archiving import ARCHIVINGS_CHANNEL, archive_if_idle
from crewhall.conversations.sweeping import FIRST_LOOK_S
from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.ports.message_log import MessageLog

log = logging.getLogger(__name__)
BATCH = 100


class _Next(msgspec.Struct):
    org_id: UUID
    conversation_id: UUID
    due_in: float


class ArchiveClock:
    """Archives idle groups of every organization, whichever process is first."""

    def __init__(self, db: Database, message_log: MessageLog, signals: Signals) -> None:
        self._db = db
        self._log = message_log
        self._timer = DueTimer("idle groups", self.archive_due)
        self._beginning: asyncio.TimerHandle | None = None
        signals.subscribe(ARCHIVINGS_CHANNEL, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Look soon, not at once: a process that starts has better to do. The database and the log must be up."""
        self._beginning = asyncio.get_running_loop().call_later(FIRST_LOOK_S, self._timer.start)

    async def stop(self) -> None:
        """Stop; what is due meanwhile is archived by another process, or after the next start."""
        if self._beginning is not None:
            self._beginning.cancel()
        await self._timer.stop()

    async def archive_due(self) -> float | None:
        """Archive every group that is due; gives the seconds until the next look, None while nothing waits.

        One that fails keeps no other from being archived; the failure is raised afterwards.
        """
        failure: Exception | None = None
        while True:
            async with self._db.transaction(None) as tx:
                found = await tx.all(_Next, "select * from next_archivings(%(size)s)", {"size": BATCH})
            due = [one for one in found if one.due_in <= 0]
            for one in due:
                try:
                    await self._look(one)
                except Exception as error:  # noqa: BLE001 - raised below
                    reason = {"conversation": str(one.conversation_id), "reason": str(error).strip()}
                    log.warning("a group was not archived", extra=reason)
                    failure = error
            if failure is not None:
                raise failure
            if len(due) < len(found):
                return found[len(due)].due_in
            if not due:
                return None

    async def _look(self, one: _Next) -> None:
        system = system_actor(one.org_id)
        async with self._db.transaction(system) as tx:
            await archive_if_idle(tx, system, self._log, one.conversation_id)
