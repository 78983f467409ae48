"""Messages by what they mean: the nearest to a question, and how far an organization's messages are embedded."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.conversations import NARROWED, Filters
from crewhall.kernel.db import Tx
from crewhall.knowledge.schemas import MessageMeaning

_NEAREST: LiteralString = (
    "select message_id as id, distance from messages_by_meaning(%(meaning)s::halfvec, %(model)s, "
    + NARROWED
    + ", %(limit)s)"
)
_PROGRESS: LiteralString = """
select i.model, i.next_model, i.total, least(i.done, i.total) as done, i.begun_at, i.filled_at,
       (select count(*) from unembedded_messages u where u.org_id = i.org_id) as waiting
from message_indexes i where i.org_id = any (current_orgs())
"""


class NearMessage(Struct):
    """A message that was found by what it means, and how far that is from what is looked for."""

    id: UUID
    distance: float


async def find_near_messages(tx: Tx, meaning: str, model: str, filters: Filters, limit: int) -> list[NearMessage]:
    """The messages within reach whose meaning is nearest, of those that this model has embedded."""
    values = {**filters.asked(), "meaning": meaning, "model": model, "limit": limit}
    return await tx.all(NearMessage, _NEAREST, values)


async def message_meaning_progress(tx: Tx) -> MessageMeaning | None:
    """How far the organization's messages are; None where they never were begun."""
    return await tx.find(MessageMeaning, _PROGRESS)


def rank_messages(
    by_words: Sequence[UUID], near: Sequence[NearMessage], others: Sequence[float], *, are_whole: bool
) -> list[list[UUID | None]]:
    """The rankings of messages: by words, by words again or by meaning.

    In that by meaning whatever else is nearer (`others`: their distances) holds its place, too: a message counts by how
    near it is among all that was found, and what it is compared with counts as it did. Messages that hold every word
    (`are_whole`) count as near as they stand by words where their meaning is farther, or unknown: many are too short to
    have one.
    """
    nearest = _among(near, others)
    by_meaning = {one: place for place, one in enumerate(nearest) if one is not None}
    places = {one: place for place, one in enumerate(by_words)} if are_whole else {}
    far = {one for one, place in places.items() if place <= by_meaning.get(one, place)}
    return [
        list(by_words),
        [one if one in far else None for one in by_words],
        [None if one in far else one for one in nearest],
    ]


def _among(messages: Sequence[NearMessage], others: Sequence[float]) -> list[UUID | None]:
    ranking: list[UUID | None] = []
    waiting = sorted(others, reverse=True)
    for one in messages:
        while waiting and waiting[-1] < one.distance:
            ranking.append(None)
            waiting.pop()
        ranking.append(one.id)
    return ranking
