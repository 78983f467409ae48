"""Files to what is searchable: passages a second, against the bare model on the same text."""

import asyncio
import os
import time
from collections.abc import Sequence
from typing import LiteralString

import psycopg

from bench.ground import Ground
from bench.large_library import sentences
from bench.rows.row import FULL, Scale
from bench.table import Figure, Target
from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.adapters.embedders.making import MOST_THREADS
from crewhall.knowledge.wording import embedded_text

DOCUMENTS, SENTENCES_EACH = 40, 100
QUICK_DOCUMENTS = 4
LOOK_S = 0.05
PORTION = 64
"""Texts that the bare model is given at once, as documents give it."""
CHUNKS: LiteralString = """
select d.title, c.heading, c.content from chunks c join documents d on d.id = c.document_id
where d.name like %(names)s order by c.document_id, c.position
"""


class Ingestion:
    """Markdown of sentences of the handbook. The floor is the model alone, as many threads, asked for them."""

    name = "ingestion"
    ground = floor_ground = "ingestion"
    figures: Sequence[Figure] = (
        Figure(
            "passages",
            "passages made searchable, from the post of their files",
            "/s",
            Target(floor_share=0.8),
            "passages",
        ),
        Figure("documents", "… documents", "/s", Target()),
    )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Have the model up: one document."""
        self._told = sentences()
        self._run = 0
        self._texts: list[str] = []
        await self._ingest(ground, 1)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Post files, and wait until the last can be found."""
        count = DOCUMENTS if scale == FULL else QUICK_DOCUMENTS
        begun = time.perf_counter()
        await self._ingest(ground, count)
        taken = time.perf_counter() - begun
        self._texts = await asyncio.to_thread(self._read, ground)
        return {"passages": len(self._texts) / taken, "documents": count / taken}

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Embed the same passages."""
        embedder = LocalEmbedder(threads=min(MOST_THREADS, max(1, (os.cpu_count() or 2) - 1)))
        try:
            await embedder.embed(["warm"])
            begun = time.perf_counter()
            for at in range(0, len(self._texts), PORTION):
                await embedder.embed(self._texts[at : at + PORTION])
            return {"passages": len(self._texts) / (time.perf_counter() - begun)}
        finally:
            await embedder.close()

    async def _ingest(self, ground: Ground, count: int) -> None:
        self._run += 1
        (place,) = await ground.channels("ingestion", 1)
        left = set[str]()
        for number in range(count):
            name = f"run-{self._run}-{number}.md"
            path = f"/conversations/{place}/files"
            file = await ground.api.post(path, params={"name": name}, content=self._markdown(number).encode())
            id_ = file.raise_for_status().json()["id"]
            await ground.post(f"/conversations/{place}/messages", {"files": [id_]})
            shown = (await ground.api.get(f"/files/{id_}")).raise_for_status().json()
            left.add(shown["document"]["id"])
        while left:
            await asyncio.sleep(LOOK_S)
            for one in list(left)[:1]:  # whichever: the last decides
                status = (await ground.api.get(f"/documents/{one}")).raise_for_status().json()["status"]
                if status == "failed":
                    raise RuntimeError(f"document {one} failed")
                if status == "ready":
                    left.remove(one)

    def _markdown(self, number: int) -> str:
        """A document that no other run has the same bytes of."""
        begin = (self._run * 7919 + number * SENTENCES_EACH) % len(self._told)
        lines = [self._told[(begin + at) % len(self._told)] for at in range(SENTENCES_EACH)]
        parts = ["\n".join(lines[at : at + 5]) for at in range(0, len(lines), 5)]
        return f"# Run {self._run}, volume {number}\n\n" + "\n\n".join(parts)

    def _read(self, ground: Ground) -> list[str]:
        with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
            rows = connection.execute(CHUNKS, {"names": f"run-{self._run}-%"}).fetchall()
        return [embedded_text(*row) for row in rows]
