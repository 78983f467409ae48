"""Full-text search within the actor's reach."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from crewhall.conversations.schemas import SearchHit
from crewhall.conversations.search_filters import Filters, both, check_places, typed_filters
from crewhall.conversations.search_others import name_the_others
from crewhall.conversations.search_syntax import pieces_of, read_query
from crewhall.conversations.snippets import MARKS, beginnings_of, marked_words, readable, snippet
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import INVALID
from crewhall.kernel.paging import Page, check_limit, decode_cursor, encode_cursor

MAX_QUERY_LENGTH = 200
MAX_SEARCH_LIMIT = 100
DEFAULT_SEARCH_LIMIT = 20

_HITS: LiteralString = """
with asked as materialized (
    select search_language as language, search_query(search_language, %(q)s) as wanted
    from organizations where id = %(org)s)
select message_wire(m) as message,
       json_build_object('id', c.id, 'kind', c.kind, 'name', c.name, 'title', c.title) as conversation,
       t.body, asked.wanted::text as wanted,
       ts_headline(asked.language, t.parted, asked.wanted, %(marks)s) as marked,
       case when t.plain <> t.parted then ts_headline(asked.language, t.plain, asked.wanted, %(marks)s)
       end as marked_plain,
       case when m.metadata ? 'files' then ts_headline(asked.language, concat_ws(
           ' ', names_of_files(m.metadata), without_accents(names_of_files(m.metadata))), asked.wanted, %(marks)s)
       end as marked_names
from unnest(%(ids)s::uuid[]) with ordinality as found (id, place)
join messages m on m.id = found.id
join conversations c on c.id = m.conversation_id
cross join asked
cross join lateral (
    select body, parted, without_accents(parted) as plain
    from (select translate(left(concat_ws(' ', m.title, m.content), 20000), '\ue000\ue001', '') as body) shown
    cross join lateral (select case when is_spaceless(body) then in_pairs(body) else body end as parted) pairs) t
where m.deleted_at is null
order by found.place
"""


NARROWED: LiteralString = """row(
    %(places)s::uuid[], %(authors)s::uuid[], %(kinds)s::text[], %(holds)s::text[],
    %(not_places)s::uuid[], %(not_authors)s::uuid[], %(not_kinds)s::text[], %(not_holds)s::text[],
    %(since)s::timestamptz, %(until)s::timestamptz)::search_filters"""
"""What `Filters.asked` gives, as `search_messages` takes it."""
_FOUND: LiteralString = "select message_id from search_messages(%(words)s, " + NARROWED + ", %(before)s, %(limit)s)"


class _Row(msgspec.Struct):
    message: dict[str, Any]
    conversation: dict[str, Any]
    body: str
    wanted: str | None
    marked: str | None
    marked_plain: str | None
    marked_names: str | None


async def search(
    tx: Tx,
    actor: Actor,
    q: str = "",
    *,
    filters: Filters | None = None,
    zone: ZoneInfo | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[SearchHit]:
    """Find messages within the actor's reach, newest first.

    `q` is words, "quoted phrases", or, -not, and operators (`search_syntax`). Its last word finds all that begin like
    it, unless it is quoted or excluded; accents may be left out; text in languages without spaces is found by its
    pieces. Words are looked for in names of files too. Days in it are those of the zone, else of the person's own. What
    it narrows and `filters` hold together; either may stand alone. Raises INVALID, and NOT_FOUND for a conversation
    among the filters that the actor may not read.
    """
    chosen = filters or Filters()
    query = read_query(check_query(q, is_needed=not chosen.given()))
    size = check_limit(limit, default=DEFAULT_SEARCH_LIMIT, maximum=MAX_SEARCH_LIMIT)
    key = decode_cursor(after, UUID)
    await check_places(tx, actor, chosen)
    asked: Params | None = both(await typed_filters(tx, actor, query, zone), chosen).asked()
    words = query.words or None
    if asked is not None and words is None:
        asked = await name_the_others(tx, actor, asked)
    if asked is None:
        return Page([], None)
    ids = await tx.values(_FOUND, {**asked, "words": words, "before": key[0] if key else None, "limit": size + 1})
    following = encode_cursor(ids[size - 1]) if len(ids) > size else None
    return Page(await show_hits(tx, actor, query.words, ids[:size]), following)


async def show_hits(tx: Tx, actor: Actor, words: str, ids: Sequence[UUID]) -> list[SearchHit]:
    """Show messages that were found, in this order, marked where the words match; not those deleted meanwhile."""
    rows = await tx.all(_Row, _HITS, {"q": words or None, "ids": list(ids), "org": actor.org, "marks": MARKS})
    return [_hit(row, words) for row in rows]


async def is_too_common(tx: Tx, actor: Actor, q: str) -> bool:
    """Whether a query holds nothing but what the organization's language leaves out of its index (the, is, of)."""
    sql = """
        select numnode(search_query(search_language, %(q)s)) = 0 and not is_spaceless(%(q)s)
        from organizations where id = %(org)s
    """
    words = read_query(q.strip()).words
    return any(map(str.isalnum, words)) and bool(await tx.value(sql, {"q": words, "org": actor.org}))


def check_query(q: str, *, is_needed: bool = True) -> str:
    """Return the query without surrounding space, or refuse one that is overlong, or empty where one is needed."""
    q = q.strip()
    if (is_needed and not q) or len(q) > MAX_QUERY_LENGTH or "\0" in q:
        raise INVALID(f"Search for 1 to {MAX_QUERY_LENGTH} characters without NUL.", field="q")
    return q


def _hit(row: _Row, words: str) -> SearchHit:
    marked = marked_words(row.marked or "") | marked_words(row.marked_plain or "")
    beginnings, pieces = beginnings_of(row.wanted or ""), pieces_of(words)
    files = (row.message.get("metadata") or {}).get("files") or []
    shown = {
        "snippet": snippet(readable(row.body), words, marked, beginnings, pieces),
        "file_names": [
            snippet(str(file["name"]), words, marked_words(row.marked_names or ""), beginnings, pieces)
            for file in files
        ],
    }
    return msgspec.convert({**row.message, "conversation": row.conversation, **shown}, SearchHit, strict=False)
