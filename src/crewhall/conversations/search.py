"""Full-text search within the actor's reach."""

from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.schemas import SearchHit
from crewhall.conversations.snippets import MARKS, beginnings_of, marked_words, readable, snippet
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
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
       ts_headline(asked.language, t.body, asked.wanted, %(marks)s) as marked,
       case when t.plain <> t.body then ts_headline(asked.language, t.plain, asked.wanted, %(marks)s)
       end as marked_plain
from unnest(%(ids)s::uuid[]) with ordinality as found (id, place)
join messages m on m.id = found.id
join conversations c on c.id = m.conversation_id
cross join asked
cross join lateral (
    select body, without_accents(body) as plain
    from (select translate(left(concat_ws(' ', m.title, m.content), 20000), '\ue000\ue001', '') as body) shown) t
where m.deleted_at is null
order by found.place
"""


class _Row(msgspec.Struct):
    message: dict[str, Any]
    conversation: dict[str, Any]
    body: str
    wanted: str
    marked: str
    marked_plain: str | None


async def search(
    tx: Tx,
    actor: Actor,
    q: str,
    *,
    conversation_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[SearchHit]:
    """Find messages within the actor's reach, newest first.

    `q` is words, "quoted phrases", or, -not. Its last word finds all that begin like it, unless it is quoted or
    excluded; accents may be left out; text in languages without spaces is found by its pieces. Raises INVALID, and
    NOT_FOUND for a conversation that the actor may not read.
    """
    q = check_query(q)
    size = check_limit(limit, default=DEFAULT_SEARCH_LIMIT, maximum=MAX_SEARCH_LIMIT)
    key = decode_cursor(after, UUID)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    ids = await tx.values(
        "select message_id from search_messages(%(q)s, %(conversation)s, %(before)s, %(limit)s)",
        {"q": q, "conversation": conversation_id, "before": key[0] if key else None, "limit": size + 1},
    )
    rows = await tx.all(_Row, _HITS, {"q": q, "ids": ids[:size], "org": actor.org, "marks": MARKS})
    following = encode_cursor(ids[size - 1]) if len(ids) > size else None
    return Page([_hit(row, q) for row in rows], following)


async def is_too_common(tx: Tx, actor: Actor, q: str) -> bool:
    """Whether a query holds nothing but what the organization's language leaves out of its index (the, is, of)."""
    sql = """
        select numnode(search_query(search_language, %(q)s)) = 0 and not is_spaceless(%(q)s)
        from organizations where id = %(org)s
    """
    return bool(await tx.value(sql, {"q": q.strip(), "org": actor.org}))


def check_query(q: str) -> str:
    """Return the query without surrounding space, or refuse an empty or overlong one."""
    q = q.strip()
    if not q or len(q) > MAX_QUERY_LENGTH or "\0" in q:
        raise INVALID(f"Search for 1 to {MAX_QUERY_LENGTH} characters without NUL.", field="q")
    return q


def _hit(row: _Row, q: str) -> SearchHit:
    words = marked_words(row.marked) | marked_words(row.marked_plain or "")
    shown = snippet(readable(row.body), q, words, beginnings_of(row.wanted))
    return msgspec.convert({**row.message, "conversation": row.conversation, "snippet": shown}, SearchHit, strict=False)
