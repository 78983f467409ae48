"""What rows about best matches share: the questions, how long they take, and what an index misses."""

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import LiteralString
from urllib.parse import quote
from uuid import UUID

import psycopg

from bench.ground import Ground
from bench.load.http import get_request, percentile, run_loop
from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import Database
from crewhall.knowledge.vectors import literal

QUESTIONS = (
    "how do I restore a backup", "which agents may post in a private channel", "when does a budget stop a run",
    "verify the signature of a webhook", "rotate the key of an agent", "what happens while the database is away",
    "invite a person by link", "find messages of last week", "who may approve a call", "limit requests per minute",
)  # fmt: skip
DEPTH = 10
ASKED = 60
"""What the product asks its index for, and the floor, too."""
OF_SENTENCES = 30
"""As many sentences of the data are asked for beside the questions."""


async def meanings_of(embedder: LocalEmbedder, sentences: Sequence[str]) -> dict[str, str]:
    """What the questions, and some of the sentences, mean; ends the embedder."""
    asked = [*QUESTIONS, *sentences[:: max(1, len(sentences) // OF_SENTENCES)]]
    meant = dict(zip(asked, [literal(one) for one in await embedder.embed(asked)], strict=True))
    await embedder.close()
    return meant


async def time_searches(ground: Ground, seconds: float) -> dict[str, float]:
    """Ask the questions through the API, one after the other."""
    latencies: list[float] = []
    for question in QUESTIONS:
        latencies += await asked_for(ground, question, seconds / len(QUESTIONS))
    return _figures(latencies)


async def asked_for(ground: Ground, question: str, seconds: float) -> list[float]:
    """The seconds that each search for a question took, one after the other."""
    request = get_request(f"/api/v1/knowledge/search?q={quote(question)}&limit=10", ground.headers)
    outcome = await run_loop(ground.address, 1, seconds, lambda _connection: lambda: request)
    return outcome.latencies


async def time_statements(
    ground: Ground, seconds: float, meanings: Mapping[str, str], *statements: LiteralString
) -> dict[str, float]:
    """Run bare statements for each question, past policies and reach, the question's vector at hand."""
    return await asyncio.to_thread(_bare, ground, seconds, meanings, statements)


async def recall_of(
    ground: Ground,
    meanings: Mapping[str, str],
    filters: Mapping[str, Mapping[str, object]],
    *,
    exact: LiteralString,
    product: LiteralString,
    model: str,
) -> dict[str, float]:
    """The share of what is nearest that the product finds, of everything that was asked, under each filter."""
    actor = Actor(ActorType.USER, UUID(ground.user_id), UUID(ground.org_id), role=Role.OWNER)
    found: dict[str, list[float]] = {name: [] for name in filters}
    db = Database(ground.urls.app)
    await db.open()
    try:
        with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
            for meaning in meanings.values():
                for name, narrowed in filters.items():
                    asked = {"org": ground.org_id, "meaning": meaning, "model": model, "depth": DEPTH, "asked": ASKED}
                    nearest = {row[0] for row in connection.execute(exact, {**asked, **narrowed}).fetchall()}
                    async with db.transaction(actor) as tx:
                        given = set(await tx.values(product, {**asked, **narrowed}))
                    found[name].append(len(nearest & given) / max(1, len(nearest)))
    finally:
        await db.close()
    return {name: statistics.fmean(shares) for name, shares in found.items()}


def _bare(
    ground: Ground, seconds: float, meanings: Mapping[str, str], statements: Sequence[LiteralString]
) -> dict[str, float]:
    latencies: list[float] = []
    with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            for question in QUESTIONS:
                asked = {"org": ground.org_id, "asked": ASKED, "words": question, "meaning": meanings[question]}
                begun = time.perf_counter()
                for statement in statements:
                    connection.execute(statement, asked).fetchall()
                latencies.append(time.perf_counter() - begun)
    return _figures(latencies)


def _figures(latencies: list[float]) -> dict[str, float]:
    return {"p50": percentile(latencies, 0.5) * 1000, "p99": percentile(latencies, 0.99) * 1000}
