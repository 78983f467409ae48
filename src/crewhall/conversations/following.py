"""The consumers of conversations: search rows follow the log, #audit follows the audit log."""

from crewhall.conversations.audit_channel import AuditTeller, AuditWatch
from crewhall.conversations.consumers import BATCH, Consumer
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.ports.message_log import MessageLog

GATHER_SEARCH_S, GATHER_AUDIT_S = 0.15, 0.05
"""How far apart batches are under load: so much may search and #audit trail what they follow."""


class SearchDeriver:
    """Derives the rows of full-text search."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def step(self) -> int:
        """Derive the next batch, unless another process does; gives the number of records seen."""
        async with self._db.transaction(None, lazily=True) as tx:
            seen: int = await tx.value("select derive_search(%(size)s)", {"size": BATCH})
        return seen


def make_consumers(db: Database, log: MessageLog, signals: Signals) -> list[Consumer]:
    """Make the consumers of one process, not yet started."""
    deriver, teller = SearchDeriver(db), AuditTeller(db, log)
    return [
        Consumer("search", db, log.watch, deriver.step, gather_s=GATHER_SEARCH_S, gathers_first=True),
        Consumer("audit", db, AuditWatch(signals).watch, teller.step, gather_s=GATHER_AUDIT_S),
    ]
