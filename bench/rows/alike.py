"""Best matches among 100,000 messages by words and meaning, and what their index misses."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import psycopg

from bench.ground import Ground
from bench.large_talk import MESSAGES, PLACES, talk
from bench.load.http import percentile
from bench.rows.knowledge import ASKED, DEPTH, QUESTIONS, asked_for
from bench.rows.row import FULL, Scale
from bench.table import Figure, Target
from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import Database
from crewhall.knowledge.search import literal

NEAREST: LiteralString = """
select message_id from message_embeddings_384 where org_id = %(org)s
order by embedding <=> %(meaning)s::halfvec limit %(asked)s
"""
MATCHING: LiteralString = """
select message_id from message_search where org_id = %(org)s and vector @@ plainto_tsquery('english', %(words)s)
order by ts_rank(vector, plainto_tsquery('english', %(words)s)) desc limit %(asked)s
"""
EXACT: LiteralString = """
with compared as materialized (
    select message_id, embedding <=> %(meaning)s::halfvec as distance from message_embeddings_384
    where org_id = %(org)s and (%(place)s::uuid is null or conversation_id = %(place)s))
select message_id from compared order by distance limit %(depth)s
"""
PRODUCT: LiteralString = """
select message_id from messages_by_meaning(%(meaning)s::halfvec, %(model)s, row(
    case when %(place)s::uuid is not null then array[%(place)s::uuid] end,
    null, null, null, null, null, null, null, null, null)::search_filters, %(asked)s) limit %(depth)s
"""


class Alike:
    """The floor is the two bare statements, past policies and reach, the question's vector at hand."""

    name = "alike"
    ground = floor_ground = "alike"

    def __init__(self) -> None:
        exact = Target(at_least=0.98)
        self.figures: Sequence[Figure] = (
            Figure("p50", "best matches in 100,000 messages: p50", "ms", Target(at_most=25), "p50"),
            Figure("p99", "best matches in 100,000 messages: p99", "ms", Target(), "p99"),
            Figure("whole", "recall@10 of the index, whole organization", "", exact),
            Figure("place", f"recall@10, one of {PLACES} channels", "", exact),
        )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Fill the organization, find out what questions mean, and search once."""
        embedder = LocalEmbedder(threads=2)
        sentences = await talk(ground, embedder, MESSAGES if scale == FULL else MESSAGES // 20)
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
        """The share of what is nearest that is found, of every question, everywhere and in one place."""
        places = {"whole": None, "place": (await ground.channels("talk", PLACES))[3]}
        actor = Actor(ActorType.USER, UUID(ground.user_id), UUID(ground.org_id), role=Role.OWNER)
        found: dict[str, list[float]] = {name: [] for name in places}
        db = Database(ground.urls.app)
        await db.open()
        try:
            with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
                for meaning in self._meanings.values():
                    for name, place in places.items():
                        asked = {"org": ground.org_id, "meaning": meaning, "model": self._model, "place": place,
                                 "depth": DEPTH, "asked": ASKED}  # fmt: skip
                        exact = {row[0] for row in connection.execute(EXACT, asked).fetchall()}
                        async with db.transaction(actor) as tx:
                            given = set(await tx.values(PRODUCT, asked))
                        found[name].append(len(exact & given) / max(1, len(exact)))
        finally:
            await db.close()
        return {name: statistics.fmean(shares) for name, shares in found.items()}
