"""The consumers of conversations: search rows follow the log, #audit follows the audit log."""

import asyncio
import time

from crewhall.conversations.audit_channel import AuditTeller, AuditWatch
from crewhall.conversations.consumers import BATCH, Consumer
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.ports.message_log import MessageLog, Watcher

GATHER_SEARCH_S, GATHER_AUDIT_S = 0.15, 0.05
"""How far apart batches are under load: so much may search and #audit trail what they follow."""


CHANGED_LANGUAGE = "crewhall_search"
"""NOTIFY channel: an organization is searched in another language from now on."""


class SearchDeriver:
    """Derives the rows of full-text search, and writes those anew whose organization chose another language."""

    def __init__(self, db: Database, log: MessageLog, signals: Signals) -> None:
        self._db = db
        self._log = log
        self._signals = signals
        self._may_rewrite = True

    def watch(self, watcher: Watcher) -> None:
        """Tell the watcher of what may have to be derived; call before the signals start."""
        self._log.watch(watcher)
        self._signals.subscribe(CHANGED_LANGUAGE, lambda _payload: self._on_changed_language())
        self._signals.subscribe(CHANGED_LANGUAGE, lambda _payload: watcher(None))

    async def step(self) -> int:
        """Derive the next batch, unless another process does; gives the number of records seen.

        Rows are written anew when nothing else is left to do, half of the time at most.
        """
        async with self._db.transaction(None, lazily=True) as tx:
            seen: int = await tx.value("select derive_search(%(size)s)", {"size": BATCH})
        if seen >= BATCH or not self._may_rewrite:
            return seen
        begun = time.monotonic()
        async with self._db.transaction(None, lazily=True) as tx:
            rewritten: int | None = await tx.value("select rewrite_search(%(size)s)", {"size": BATCH})
        self._may_rewrite = rewritten != 0
        if rewritten:
            await asyncio.sleep(time.monotonic() - begun)
        return max(seen, rewritten or 0)

    def _on_changed_language(self) -> None:
        self._may_rewrite = True


def make_consumers(db: Database, log: MessageLog, signals: Signals) -> list[Consumer]:
    """Make the consumers of one process, not yet started."""
    deriver, teller = SearchDeriver(db, log, signals), AuditTeller(db, log)
    return [
        Consumer("search", db, deriver.watch, deriver.step, gather_s=GATHER_SEARCH_S, gathers_first=True),
        Consumer("audit", db, AuditWatch(signals).watch, teller.step, gather_s=GATHER_AUDIT_S),
    ]
