"""Passages of documents, ranked by the words that they hold or by how near their meaning is to a question's."""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.db import Tx
from crewhall.knowledge.schemas_search import Searched

WIDE = 60
"""So many of each ranking are fused: more than are shown, since what two rankings agree on may stand low in both."""

_BY_WORDS: LiteralString = """
select f.chunk_id as id, c.document_id from chunks_by_words(
    %(words)s, %(kinds)s, %(conversation_id)s, %(agent_id)s, %(source_id)s, %(document_id)s, %(media_type)s,
    %(since)s, %(until)s, %(limit)s) with ordinality as f (chunk_id, score, place)
join chunks c on c.id = f.chunk_id order by f.place
"""
_BY_MEANING: LiteralString = """
select f.chunk_id as id, c.document_id, f.distance from chunks_by_meaning(
    %(meaning)s::halfvec, %(model)s, %(kinds)s, %(conversation_id)s, %(agent_id)s, %(source_id)s, %(document_id)s,
    %(media_type)s, %(since)s, %(until)s, %(limit)s) with ordinality as f (chunk_id, distance, place)
join chunks c on c.id = f.chunk_id order by f.place
"""


class Chunk(msgspec.Struct):
    """A passage that was found, of which document, and how far its meaning is where that was asked."""

    id: UUID
    document_id: UUID
    distance: float | None = None


async def matching_chunks(tx: Tx, words: str, wanted: Searched) -> list[Chunk]:
    """The passages within reach that words find, best first."""
    return await tx.all(Chunk, _BY_WORDS, _asked(words, wanted))


async def near_chunks(tx: Tx, words: str, wanted: Searched, meaning: dict[str, str] | None) -> list[Chunk]:
    """The passages within reach that are nearest to a meaning; none where it is not known."""
    return await tx.all(Chunk, _BY_MEANING, {**_asked(words, wanted), **meaning}) if meaning is not None else []


def _asked(words: str, wanted: Searched) -> dict[str, object]:
    return {
        "words": words, "kinds": wanted.origins, "conversation_id": wanted.conversation_id, "agent_id": wanted.agent_id,
        "source_id": wanted.source_id, "document_id": wanted.document_id, "media_type": wanted.media_type,
        "since": wanted.since, "until": wanted.until, "limit": WIDE,
    }  # fmt: skip
