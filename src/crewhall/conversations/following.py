"""The consumer that follows the log for conversations: search rows."""

from crewhall.conversations.consumers import BATCH, Consumer
from crewhall.kernel.db import Database
from crewhall.ports.message_log import MessageLog

GATHER_SEARCH_S = 0.05
"""How far apart batches are under load: so much may search trail a busy log."""


class SearchDeriver:
    """Derives the rows of full-text search."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def step(self) -> int:
        """Derive the next batch, unless another process does; gives the number of records seen."""
        async with self._db.transaction(None) as tx:
            seen: int = await tx.value("select derive_search(%(size)s)", {"size": BATCH})
        return seen


def make_consumer(db: Database, log: MessageLog) -> Consumer:
    """Make the consumer of one process, not yet started."""
    return Consumer("search", db, log.watch, SearchDeriver(db).step, gather_s=GATHER_SEARCH_S)
