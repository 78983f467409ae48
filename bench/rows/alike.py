"""Best matches among 100,000 messages by words and meaning, and what their index misses."""

from collections.abc import Sequence
from typing import LiteralString

from bench.ground import Ground
from bench.large_talk import MESSAGES, PLACES, talk
from bench.nearest import meanings_of, recall_of, time_searches, time_statements
from bench.rows.row import FULL, Scale
from bench.table import Figure, Target
from crewhall.adapters.embedders.local import LocalEmbedder

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
        self._model = embedder.model.name
        self._meanings = await meanings_of(embedder, sentences)
        await self.product(ground, Scale(seconds=0.5, runs=1, messages=0))

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Ask through the API, one question after the other; then ask the index what it finds, as the application."""
        place = (await ground.channels("talk", PLACES))[3]
        places: dict[str, dict[str, object]] = {"whole": {"place": None}, "place": {"place": place}}
        recall = await recall_of(ground, self._meanings, places, exact=EXACT, product=PRODUCT, model=self._model)
        return await time_searches(ground, scale.seconds) | recall

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Run the bare statements."""
        return await time_statements(ground, scale.seconds, self._meanings, NEAREST, MATCHING)
