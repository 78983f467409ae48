"""The consumers that follow the log for conversations: search rows and deliveries."""

from crewhall.conversations.consumers import BATCH, Consumer
from crewhall.conversations.deliveries import Deliverer
from crewhall.kernel.db import Database
from crewhall.ports.message_log import MessageLog

GATHER_DELIVERIES_S, GATHER_SEARCH_S = 0.02, 0.05
"""How far apart batches are under load: so much may deliveries and search trail a busy log."""


class SearchDeriver:
    """Derives the rows of full-text search."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def step(self) -> int:
        """Derive the next batch, unless another process does; gives the number of records seen."""
        async with self._db.transaction(None) as tx:
            seen: int = await tx.value("select derive_search(%(size)s)", {"size": BATCH})
        return seen


def make_consumers(db: Database, log: MessageLog) -> list[Consumer]:
    """Make the consumers of one process, not yet started."""
    deliverer, deriver = Deliverer(db, log), SearchDeriver(db)
    return [
        Consumer("deliveries", db, log.watch, deliverer.step, gather_s=GATHER_DELIVERIES_S),
        Consumer("search", db, log.watch, deriver.step, gather_s=GATHER_SEARCH_S),
    ]
