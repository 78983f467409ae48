"""What messages and tasks mean, embedded behind what changes them: a batch at a time, whichever process is first.

No transaction is open while a model is asked. A process takes a batch for two minutes; who dies leaves it due, and what
it had written already is not embedded again.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import psycopg

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.ports.embedder import Embedder, Vector

log = logging.getLogger(__name__)
FIRST_REST_S, LAST_REST_S = 5.0, 600.0
"""How long nothing is tried while the model cannot be asked: ever longer."""
PROBE = "Is anybody there?"


class Text(Protocol):
    """What is to be embedded. `is_past`: it was written before, and has waited."""

    @property
    def body(self) -> str:
        """What it says."""
        ...

    @property
    def is_past(self) -> bool:
        """Whether others go before it."""
        ...


T = TypeVar("T", bound=Text)


class Batches(Protocol[T]):
    """What one process takes, for one model."""

    async def begin(self) -> None:
        """Have everything there is brought to the model. Asked at the start of a process."""
        ...

    async def take(self) -> list[T]:
        """Take what is due for two minutes; nobody else takes it meanwhile."""
        ...

    async def fill(self) -> int:
        """Look at the next of what was written before; gives how much, 0 when all is through."""
        ...

    async def keep(self, taken: Sequence[T], vectors: Sequence[Vector | None]) -> None:
        """Keep the vectors of what is still ours; None gives one up."""
        ...

    async def leave(self, taken: Sequence[T]) -> None:
        """Let others take them at once."""
        ...

    async def settle(self) -> None:
        """Nothing is left to do: let searches know, forget what former models made."""
        ...

    async def due_in(self) -> float | None:
        """Seconds until somebody is to look again; None when nothing is left to do."""
        ...


class EmbeddingWorker(Generic[T]):
    """Embeds what is due of one kind of text, of every organization."""

    def __init__(self, kind: str, signals: Signals, channel: str, embedder: Embedder, batches: Batches[T]) -> None:
        self._kind = kind
        self._embedder = embedder
        self._batches = batches
        self._is_begun = False
        self._rest_s = FIRST_REST_S
        self._resume_at = 0.0
        self._timer = DueTimer(kind, self.look)
        signals.subscribe(channel, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Go on with what was begun; the database and the signals must be up."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; what was taken is left to another process, or to the next start."""
        await self._timer.stop()

    async def look(self) -> float | None:
        """Embed whatever is due, what is new before what is old; gives the seconds until the next look.

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

    async def _embed(self, taken: list[T]) -> None:
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

    async def _leave(self, taken: list[T]) -> None:
        try:
            await self._batches.leave(taken)
        except psycopg.Error as error:  # it is due again by itself
            log.info("%s were not given back", self._kind, extra={"reason": str(error).strip()[:200]})

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
                log.warning("one of the %s was not embedded", self._kind, extra={"reason": error.detail[:200]})
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
        log.warning("%s wait for the embedding model", self._kind, extra={"reason": error.detail[:200]})
        self._resume_at = time.monotonic() + self._rest_s
        self._rest_s = min(self._rest_s * 2, LAST_REST_S)
