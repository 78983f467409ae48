"""What messages mean, embedded behind the log: the consumer `meaning` notes which, the worker embeds them.

Nothing of it happens in a post's transaction.
"""

from crewhall.conversations import CONSUMER_BATCH, Consumer
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.knowledge.embedding_worker import EmbeddingWorker
from crewhall.knowledge.message_batches import MessageBatches, Unembedded
from crewhall.ports.embedder import Embedder
from crewhall.ports.message_log import MessageLog

CHANNEL = "crewhall_unembedded"
"""Notices that messages are to be embedded."""
GATHER_S = 2.0
"""New messages are gathered for so long: a batch costs the model little more than one."""


class MessageWorker(EmbeddingWorker[Unembedded]):
    """Embeds the messages of every organization, whichever process is first."""

    def __init__(
        self, db: Database, message_log: MessageLog, signals: Signals, embedder: Embedder, gather_s: float = GATHER_S
    ) -> None:
        super().__init__("messages", signals, CHANNEL, embedder, MessageBatches(db, embedder.model))
        self._db = db
        self.consumer = Consumer("meaning", db, message_log.watch, self.follow, gather_s, gathers_first=True)

    def start(self) -> None:
        """Go on with what was begun, then follow; the database and the signals must be up."""
        super().start()
        self.consumer.start()

    async def stop(self) -> None:
        """Stop; what was taken is left to another process, or to the next start."""
        await self.consumer.stop()
        await super().stop()

    async def follow(self) -> int:
        """Note what the next records of the log leave to be embedded; gives how many records were seen."""
        async with self._db.transaction(None, lazily=True) as tx:
            values = {"model": self._embedder.model.name, "size": CONSUMER_BATCH}
            seen: int = await tx.value("select follow_messages(%(model)s, %(size)s)", values)
        return seen
