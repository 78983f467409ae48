"""Search by words and meaning over 100,000 chunks of a thousand documents, and what its index misses under filters."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import LiteralString
from urllib.parse import quote
from uuid import UUID

import psycopg

from bench.ground import Ground
from bench.large_library import DOCUMENTS, PLACES, fill
from bench.load.http import get_request, percentile, run_loop
from bench.rows.row import FULL, Scale
from bench.table import Figure, Target
from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import Database
from crewhall.knowledge.search import literal

QUESTIONS = (
    "how do I restore a backup", "which agents may post in a private channel", "when does a budget stop a run",
    "verify the signature of a webhook", "rotate the key of an agent", "what happens while the database is away",
    "invite a person by link", "find messages of last week", "who may approve a call", "limit requests per minute",
)  # fmt: skip
DEPTH = 10
ASKED = 60
"""What the product asks its index for, and the floor, too."""

NEAREST: LiteralString = """
select chunk_id from embeddings_384 where org_id = %(org)s order by embedding <=> %(meaning)s::halfvec limit %(asked)s
"""
MATCHING: LiteralString = """
select id from chunks where org_id = %(org)s and vector @@ plainto_tsquery('english', %(words)s)
order by ts_rank(vector, plainto_tsquery('english', %(words)s)) desc limit %(asked)s
"""
EXACT: LiteralString = """
with compared as materialized (
    select e.chunk_id, e.embedding <=> %(meaning)s::halfvec as distance from embeddings_384 e
    join document_origins o on o.document_id = e.document_id
    where e.org_id = %(org)s and (%(place)s::uuid is null or o.conversation_id = %(place)s)
      and (%(document)s::uuid is null or o.document_id = %(document)s))
select chunk_id from compared order by distance limit %(depth)s
"""
PRODUCT: LiteralString = """
select chunk_id from chunks_by_meaning(%(meaning)s::halfvec, %(model)s, null, %(place)s, null, null, %(document)s,
                                       null, null, null, %(asked)s) limit %(depth)s
"""


class Knowledge:
    """The floor is the two bare statements, past policies and reach, the question's vector at hand."""

    name = "knowledge"
    ground = floor_ground = "library"

    def __init__(self) -> None:
        exact = Target(at_least=0.98)
        self.figures: Sequence[Figure] = (
            Figure("p50", "best matches in 100,000 chunks: p50", "ms", Target(at_most=25), "p50"),
            Figure("p99", "best matches in 100,000 chunks: p99", "ms", Target(), "p99"),
            Figure("whole", "recall@10 of the index, whole organization", "", exact),
            Figure("place", f"recall@10, one of {PLACES} channels", "", exact),
            Figure("document", "recall@10, one document", "", exact),
        )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Fill the organization, find out what questions mean, and search once."""
        embedder = LocalEmbedder(threads=2)
        documents = DOCUMENTS if scale == FULL else DOCUMENTS // 20
        sentences = await fill(ground, embedder, documents)
        asked = [*QUESTIONS, *sentences[:: len(sentences) // 30]]
        self._meanings = dict(zip(asked, [literal(one) for one in await embedder.embed(asked)], strict=True))
        self._model = embedder.model.name
        await embedder.close()
        await self.product(ground, Scale(seconds=0.5, runs=1, messages=0))

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Ask through the API, one question after the other; then ask the index what it finds, as the application."""
        latencies: list[float] = []
        for question in QUESTIONS:
            latencies += await asked_for(ground, question, scale.seconds / len(QUESTIONS))
        return {"p50": percentile(latencies, 0.5) * 1000, "p99": percentile(latencies, 0.99) * 1000} | (
            await self._recall(ground)
        )

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Run the bare statements."""
        return await asyncio.to_thread(self._bare, ground, scale.seconds)

    def _bare(self, ground: Ground, seconds: float) -> dict[str, float]:
        latencies: list[float] = []
        with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
            deadline = time.perf_counter() + seconds
            while time.perf_counter() < deadline:
                for question in QUESTIONS:
                    asked = {"org": ground.org_id, "asked": ASKED, "words": question,
                             "meaning": self._meanings[question]}  # fmt: skip
                    begun = time.perf_counter()
                    connection.execute(NEAREST, asked).fetchall()
                    connection.execute(MATCHING, asked).fetchall()
                    latencies.append(time.perf_counter() - begun)
        return {"p50": percentile(latencies, 0.5) * 1000, "p99": percentile(latencies, 0.99) * 1000}

    async def _recall(self, ground: Ground) -> dict[str, float]:
        """The share of what is nearest that is found, of every question, under each filter."""
        place = (await ground.channels("library", PLACES))[3]
        document = UUID("01900001-0000-7000-8000-000000000007")
        filters: dict[str, tuple[str | None, UUID | None]] = {
            "whole": (None, None), "place": (place, None), "document": (None, document),
        }  # fmt: skip
        actor = Actor(ActorType.USER, UUID(ground.user_id), UUID(ground.org_id), role=Role.OWNER)
        found: dict[str, list[float]] = {name: [] for name in filters}
        db = Database(ground.urls.app)
        await db.open()
        try:
            with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
                for meaning in self._meanings.values():
                    for name, (conversation, only) in filters.items():
                        asked = {"org": ground.org_id, "meaning": meaning, "model": self._model, "place": conversation,
                                 "document": only, "depth": DEPTH, "asked": ASKED}  # fmt: skip
                        exact = {row[0] for row in connection.execute(EXACT, asked).fetchall()}
                        async with db.transaction(actor) as tx:
                            given = set(await tx.values(PRODUCT, asked))
                        found[name].append(len(exact & given) / max(1, len(exact)))
        finally:
            await db.close()
        return {name: statistics.fmean(shares) for name, shares in found.items()}


async def asked_for(ground: Ground, question: str, seconds: float) -> list[float]:
    """The seconds that each search for a question took, one after the other."""
    request = get_request(f"/api/v1/knowledge/search?q={quote(question)}&limit=10", ground.headers)
    outcome = await run_loop(ground.address, 1, seconds, lambda _connection: lambda: request)
    return outcome.latencies
