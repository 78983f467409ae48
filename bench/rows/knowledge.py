"""Search by words and meaning over 100,000 chunks of a thousand documents, and what its index misses under filters."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from bench.ground import Ground
from bench.large_library import DOCUMENTS, PLACES, fill
from bench.nearest import meanings_of, recall_of, time_searches, time_statements
from bench.rows.row import FULL, Scale
from bench.table import Figure, Target
from crewhall.adapters.embedders.local import LocalEmbedder

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
        self._model = embedder.model.name
        self._meanings = await meanings_of(embedder, sentences)
        await self.product(ground, Scale(seconds=0.5, runs=1, messages=0))

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Ask through the API, one question after the other; then ask the index what it finds, as the application."""
        place = (await ground.channels("library", PLACES))[3]
        filters: dict[str, dict[str, object]] = {
            "whole": {"place": None, "document": None}, "place": {"place": place, "document": None},
            "document": {"place": None, "document": UUID("01900001-0000-7000-8000-000000000007")},
        }  # fmt: skip
        recall = await recall_of(ground, self._meanings, filters, exact=EXACT, product=PRODUCT, model=self._model)
        return await time_searches(ground, scale.seconds) | recall

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Run the bare statements."""
        return await time_statements(ground, scale.seconds, self._meanings, NEAREST, MATCHING)
