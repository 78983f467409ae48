"""What messages mean, embedded behind the log: the consumer `meaning` notes which, the worker embeds them.

Nothing of it happens in a post's transaction, and no transaction is open while a model is asked. A process takes a
batch for two minutes; who dies leaves it due, and what it had written already is not embedded again.
"""

import asyncio
import logging
import time

import psycopg

from crewhall.conversations import CONSUMER_BATCH, Consumer
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.knowledge.message_batches import MessageBatches, Unembedded
from crewhall.ports.embedder import Embedder, Vector
from crewhall.ports.message_log import MessageLog

log = logging.getLogger(__name__)
CHANNEL = "crewhall_unembedded"
"""Notices that messages are to be embedded."""
GATHER_S = 2.0
"""New messages are gathered for so long: a batch costs the model little more than one."""
FIRST_REST_S, LAST_REST_S = 5.0, 600.0
"""How long nothing is tried while the model cannot be asked: ever longer."""
PROBE = "Is anybody there?"


class MessageWorker:
    """Embeds the messages of every organization, whichever process is first."""

    def __init__(
        self, db: Database, message_log: MessageLog, signals: Signals, embedder: Embedder, gather_s: float = GATHER_S
    ) -> None:
        self._db = db
        self._embedder = embedder
        self._batches = MessageBatches(db, embedder.model)
        self._is_begun = False
        self._rest_s = FIRST_REST_S
        self._resume_at = 0.0
        self._timer = DueTimer("messages", self.look)
        self._consumer = Consumer("meaning", db, message_log.watch, self.follow, gather_s, gathers_first=True)
        signals.subscribe(CHANNEL, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Go on with what was begun, then follow; the database and the signals must be up."""
        self._timer.start()
        self._consumer.start()

    async def stop(self) -> None:
        """Stop; what was taken is left to another process, or to the next start."""
        await self._consumer.stop()
        await self._timer.stop()

    async def follow(self) -> int:
        """Note what the next records of the log leave to be embedded; gives how many records were seen."""
        async with self._db.transaction(None, lazily=True) as tx:
            values = {"model": self._embedder.model.name, "size": CONSUMER_BATCH}
            seen: int = await tx.value("select follow_messages(%(model)s, %(size)s)", values)
        return seen

    async def look(self) -> float | None:
        """Embed whatever is due, new messages before old ones; gives the seconds until the next look.

        What was written before is embedded half of the time at most: it has waited, and others want the processor.
        """
        if not self._is_begun:
            await self._batches.begin()
            self._is_begun = True
        while (rest := self._resume_at - time.monotonic()) <= 0:
            begun = time.monotonic()
            taken = await self._batches.take()
            if taken:
                await self._embed(taken)
            elif not await self._batches.fill():
                await self._batches.settle()
                return await self._batches.due_in()
            if all(one.is_past for one in taken):
                await asyncio.sleep(time.monotonic() - begun)
        return rest

    async def _embed(self, taken: list[Unembedded]) -> None:
        """Embed a batch; gives it back where that cannot be done now."""
        try:
            vectors = await self._vectors([one.body for one in taken])
            if vectors is None:
                await self._batches.leave(taken)
                return
            await self._batches.keep(taken, vectors)
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(taken))
            raise
        self._rest_s = FIRST_REST_S

    async def _leave(self, taken: list[Unembedded]) -> None:
        try:
            await self._batches.leave(taken)
        except psycopg.Error as error:  # it is due again by itself
            log.info("messages were not given back", extra={"reason": str(error).strip()[:200]})

    async def _vectors(self, texts: list[str]) -> list[Vector | None] | None:
        """The vectors of texts, None for those that the model refuses; None for all while it cannot be asked.

        Where it answers to anything else, a text is to blame that it dies of: which one is found out one by one.
        """
        try:
            return list(await self._embedder.embed(texts))
        except CrewhallError as error:
            if not await self._answers():
                self._rest(error)
                return None
            if len(texts) == 1:
                log.warning("a message was not embedded", extra={"reason": error.detail[:200]})
                return [None]
        found: list[Vector | None] = []
        for text in texts:
            one = await self._vectors([text])
            if one is None:
                return None
            found += one
        return found

    async def _answers(self) -> bool:
        try:
            await self._embedder.embed([PROBE])
        except CrewhallError:
            return False
        return True

    def _rest(self, error: CrewhallError) -> None:
        log.warning("messages wait for the embedding model", extra={"reason": error.detail[:200]})
        self._resume_at = time.monotonic() + self._rest_s
        self._rest_s = min(self._rest_s * 2, LAST_REST_S)
