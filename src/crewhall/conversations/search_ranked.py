"""Messages by how well they fit, for a search over more than messages; those that fit are found as ever."""

from typing import LiteralString
from uuid import UUID

from crewhall.conversations.search import MAX_QUERY_LENGTH, NARROWED
from crewhall.conversations.search_filters import Filters
from crewhall.conversations.search_syntax import read_query
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx

LOOKED_AT = 200
"""The newest of those that match are ranked; what nobody has said for long is seldom meant."""
MOST_WORDS = 8
SHORTEST_WORD = 4

_RANKED: LiteralString = (
    """
select s.message_id
from search_messages(%(words)s, """
    + NARROWED
    + """, null, %(looked_at)s) f
join message_search s on s.message_id = f.message_id
cross join organizations o
where o.id = %(org)s
order by ts_rank_cd(s.vector, search_query(o.search_language, %(words)s), 1)
         + ts_rank(s.vector, search_query(o.search_language, %(words)s), 1) desc, s.message_id desc
limit %(limit)s
"""
)


async def find_ranked(tx: Tx, actor: Actor, text: str, filters: Filters, limit: int) -> tuple[list[UUID], bool]:
    """The messages within reach that fit words best, and whether they hold all: where none does, some of them."""
    words = text[:MAX_QUERY_LENGTH]
    asked = {**filters.asked(), "looked_at": LOOKED_AT, "limit": limit, "org": actor.org}
    found = await tx.values(_RANKED, {**asked, "words": words})
    if not found and (some := any_of(words)):
        return await tx.values(_RANKED, {**asked, "words": some}), False
    return found, True


def any_of(words: str) -> str | None:
    """The longest words of a question, any of which may match; None where it says more than words."""
    if '"' in words or read_query(words).narrowings:
        return None
    long = sorted({word.strip("?!.,:;()'").lower() for word in words.split()}, key=lambda word: (-len(word), word))
    kept = [word for word in long if len(word) >= SHORTEST_WORD and not word.startswith("-")][:MOST_WORDS]
    return " or ".join(kept) if len(kept) > 1 else None
