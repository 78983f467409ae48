"""Another model for 100,000 passages: how quickly it comes, what searches notice, what a kill costs."""

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import LiteralString

import psycopg

from bench.ground import Ground
from bench.large_library import CHUNKS_EACH, DOCUMENTS, fill
from bench.load.http import percentile
from bench.nearest import QUESTIONS, asked_for
from bench.rows.row import FULL, Scale
from bench.table import Figure, Target
from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.knowledge.extraction import VERSION

PORTION = 64
AS_BEFORE: LiteralString = """
update documents set model = %(model)s, extractor = %(extractor)s, look_at = null, attempt = 0, retries = 0
where org_id = %(org)s
"""
SEARCHED: LiteralString = """
insert into knowledge_indexes (org_id, model, dimension, extractor)
values (%(org)s, %(model)s, 384, %(extractor)s)
on conflict (org_id) do update set coming = null, coming_dimension = null, coming_since = null, former = '{}'
"""
HELD: LiteralString = """
update documents set look_at = now() + interval '1 day', attempt = 1
where id = (select id from documents where org_id = %(org)s order by id limit 1)
"""
"""Somebody seems to be at one of them: searches go on asking the former model, whose vectors stay for the next run."""
LAPSED: LiteralString = """
update documents set look_at = now() where org_id = %(org)s and look_at between now() and now() + interval '1 hour'
"""
"""As it is by itself two minutes after a kill."""
LEFT: LiteralString = "select count(*) from documents where org_id = %(org)s and model = %(model)s"
FORGOTTEN: LiteralString = "delete from embeddings_384 where org_id = %(org)s and model <> %(model)s"
BARE: LiteralString = """
insert into bench_bare (chunk_id, model, org_id, document_id, embedding)
select chunk_id, 'bare', org_id, document_id, embedding from embeddings_384
where org_id = %(org)s and model = %(model)s order by chunk_id offset %(at)s limit %(size)s
"""


class Reembedding:
    """The model takes no time here. The floor writes as many vectors to a table with the same indexes."""

    name = "reembedding"
    ground = floor_ground = "reembedding"
    figures: Sequence[Figure] = (
        Figure("passages", "passages brought up to another model", "/s", Target(floor_share=0.3), "passages"),
        Figure("p50", "… best matches meanwhile: p50", "ms", Target(at_most=50)),
        Figure("p99", "… best matches meanwhile: p99", "ms", Target()),
        Figure("twice", "… passages embedded twice after a kill", "", Target(at_most=2 * PORTION)),
    )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Fill the organization, which has another model's vectors."""
        embedder = LocalEmbedder(threads=2)
        self._documents = DOCUMENTS if scale == FULL else DOCUMENTS // 50
        await fill(ground, embedder, self._documents)
        self._former = embedder.model.name
        self._run = 0
        await embedder.close()

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Bring them up to the next model, kill what does it in the middle, and search meanwhile."""
        self._run += 1
        model = f"bench-{self._run}"
        await asyncio.to_thread(self._begin_anew, ground)
        searching = asyncio.create_task(_searched(ground))
        begun = time.perf_counter()
        asked = await self._brought(ground, model, self._documents // 2)
        with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
            connection.execute(LAPSED, {"org": ground.org_id})
        asked += await self._brought(ground, model, self._documents - 1)
        taken = time.perf_counter() - begun
        searching.cancel()
        latencies = await searching
        whole = (self._documents - 1) * CHUNKS_EACH
        return {
            "passages": whole / taken, "twice": float(asked - whole),
            "p50": percentile(latencies, 0.5) * 1000, "p99": percentile(latencies, 0.99) * 1000,
        }  # fmt: skip

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Write the vectors, a portion in each transaction."""
        return {"passages": await asyncio.to_thread(self._bare, ground)}

    def _begin_anew(self, ground: Ground) -> None:
        values = {"org": ground.org_id, "model": self._former, "extractor": VERSION}
        with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
            for statement in (FORGOTTEN, AS_BEFORE, SEARCHED, HELD, "vacuum analyze documents"):
                connection.execute(statement, None if statement.startswith("vacuum") else values)

    async def _brought(self, ground: Ground, model: str, until: int) -> int:
        """Have a process bring so many documents up to the model, then kill it; gives how many texts it embedded."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.reembedding", ground.urls.app, model, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        asked = 0
        try:
            async with await psycopg.AsyncConnection.connect(ground.superuser_url, autocommit=True) as connection:
                while True:
                    try:
                        line = await asyncio.wait_for(process.stdout.readline(), 1)
                        asked = int(line) if line.strip() else asked
                        is_over = not line
                    except TimeoutError:
                        is_over = False
                    found = await connection.execute(LEFT, {"org": ground.org_id, "model": model})
                    row = await found.fetchone()
                    if is_over or (row is not None and row[0] >= until):
                        break
        finally:
            process.kill()
            rest = await process.stdout.read()
            await process.wait()
        counts = rest.split()
        return int(counts[-1]) if counts else asked

    def _bare(self, ground: Ground) -> float:
        values = {"org": ground.org_id, "model": self._former, "size": PORTION}
        whole = (self._documents - 1) * CHUNKS_EACH
        with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
            connection.execute("drop table if exists bench_bare")
            connection.execute("create table bench_bare (like embeddings_384 including all)")
            begun = time.perf_counter()
            for at in range(0, whole, PORTION):
                connection.execute(BARE, values | {"at": at})
            return whole / (time.perf_counter() - begun)


async def _searched(ground: Ground) -> list[float]:
    """Ask one question after the other until it is canceled; the seconds that each took."""
    latencies: list[float] = []
    try:
        while True:
            for question in QUESTIONS:
                latencies += await asked_for(ground, question, 0.5)
    except asyncio.CancelledError:
        return latencies
