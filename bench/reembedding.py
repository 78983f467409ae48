"""A process that brings an organization's documents up to another model, and says how many texts it was asked for.

`python -m bench.reembedding DATABASE_URL MODEL`: the model is the fake, which takes no time, so that what is measured
is what Crewhall does beside embedding. Prints the count so far after each portion.
"""

import asyncio
import sys
from collections.abc import Sequence

from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.knowledge.extraction import Extractor
from crewhall.knowledge.extraction_settings import ExtractionSettings
from crewhall.knowledge.ingesting import Means
from crewhall.knowledge.worker import DocumentWorker
from crewhall.ports.blobs import MemoryBlobs
from crewhall.ports.embedder import Vector, WordEmbedder
from crewhall.ports.live import MemoryLive

AT_ONCE = 2


class Counting(WordEmbedder):
    """The fake; says what it was asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._count = 0

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """See Embedder."""
        self._count += len(texts)
        print(self._count, flush=True)
        vectors = [self._of(text) for text in texts]
        await asyncio.sleep(0)
        return vectors


async def work(url: str, model: str) -> None:
    """Work until somebody ends the process."""
    db, signals = Database(url), Signals(url)
    await db.open()
    means = Means(
        db=db, blobs=MemoryBlobs(), live=MemoryLive(), extractor=Extractor(ExtractionSettings()),
        embedder=Counting(model), texts={},
    )  # fmt: skip
    DocumentWorker(means, signals, AT_ONCE).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
