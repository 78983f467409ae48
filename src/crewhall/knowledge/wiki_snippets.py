"""What is shown of an entry that was found: its text around what matched."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.conversations import MARKS, beginnings_of, marked_words, pieces_of, readable, snippet
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.knowledge.wiki_names import without_links

_TEXTS: LiteralString = """
with asked as materialized (
    select search_language as language, search_query(search_language, %(q)s) as wanted
    from organizations where id = %(org)s)
select t.body, asked.wanted::text as wanted, ts_headline(asked.language, t.parted, asked.wanted, %(marks)s) as marked,
       case when t.plain <> t.parted then ts_headline(asked.language, t.plain, asked.wanted, %(marks)s)
       end as marked_plain
from unnest(%(ids)s::uuid[]) with ordinality as found (id, place)
join wiki_entries e on e.id = found.id cross join asked
cross join lateral (
    select body, parted, without_accents(parted) as plain
    from (select translate(left(e.content, 20000), '\ue000\ue001', '') as body) shown
    cross join lateral (select case when is_spaceless(body) then in_pairs(body) else body end as parted) pairs) t
order by found.place
"""


class _Text(Struct):
    body: str
    wanted: str | None
    marked: str | None
    marked_plain: str | None


async def snippets_of(tx: Tx, actor: Actor, q: str, version_ids: Sequence[UUID]) -> list[str]:
    """Safe HTML of each version around what matches, in their order; the caller has checked that they may be read."""
    values = {"q": q, "ids": list(version_ids), "org": actor.org, "marks": MARKS}
    return [_shown(text, q) for text in await tx.all(_Text, _TEXTS, values)]


def _shown(text: _Text, q: str) -> str:
    marked = marked_words(text.marked or "") | marked_words(text.marked_plain or "")
    body = readable(without_links(text.body))
    return snippet(body, q, marked, beginnings_of(text.wanted or ""), pieces_of(q))
