"""Full-text search within the actor's reach."""

import re
from html import escape
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.schemas import SearchHit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID
from crewhall.kernel.paging import Page, check_limit, decode_cursor, encode_cursor

MAX_QUERY_LENGTH = 200
MAX_SEARCH_LIMIT = 100
DEFAULT_SEARCH_LIMIT = 20
AROUND = 60
"""Characters shown before and after a match in a language without spaces."""
WHOLE = 200
"""Texts of at most this many characters are shown whole; of longer ones, what stands around the matches."""

# Private-use characters mark the matches until the text is escaped; the text itself is freed of them first.
_START, _STOP = "\ue000", "\ue001"
_LESS_THAN = "\ue002"
"""Stands for `<` while the database marks the matches: it would leave out what looks like a tag."""
_ELLIPSIS = " … "
_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
"""As `is_spaceless` of the schema: what is found by its pieces."""
_HITS: LiteralString = """
select message_wire(m) as message,
       json_build_object('id', c.id, 'kind', c.kind, 'name', c.name, 'title', c.title) as conversation,
       t.body, ts_headline(g.search_language, replace(t.body, '<', '\ue002'),
           websearch_to_tsquery(g.search_language, %(q)s),
           'StartSel="\ue000", StopSel="\ue001", ' || case when length(t.body) <= %(whole)s then 'HighlightAll=true'
               else 'MaxFragments=2, MinWords=8, MaxWords=24, ShortWord=0, FragmentDelimiter=" … "' end)
           as headline
from unnest(%(ids)s::uuid[]) with ordinality as found (id, place)
join messages m on m.id = found.id
join conversations c on c.id = m.conversation_id
join organizations g on g.id = m.org_id
cross join lateral (
    select translate(left(concat_ws(' ', m.title, m.content), 20000), '\ue000\ue001\ue002', '') as body) t
where m.deleted_at is null
order by found.place
"""


class _Row(msgspec.Struct):
    message: dict[str, Any]
    conversation: dict[str, Any]
    body: str
    headline: str


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

    `q` is words, "quoted phrases", or, -not; text in languages without spaces is found by its pieces. Raises INVALID,
    and NOT_FOUND for a conversation that the actor may not read.
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
    rows = await tx.all(_Row, _HITS, {"q": q, "ids": ids[:size], "whole": WHOLE})
    following = encode_cursor(ids[size - 1]) if len(ids) > size else None
    return Page([_hit(row, q) for row in rows], following)


def check_query(q: str) -> str:
    """Return the query without surrounding space, or refuse an empty or overlong one."""
    q = q.strip()
    if not q or len(q) > MAX_QUERY_LENGTH or "\0" in q:
        raise INVALID(f"Search for 1 to {MAX_QUERY_LENGTH} characters without NUL.", field="q")
    return q


def _hit(row: _Row, q: str) -> SearchHit:
    by_words = _START in row.headline and not _SPACELESS.search(q)
    marked = _in_context(row.headline.replace(_LESS_THAN, "<"), row.body) if by_words else _mark_pieces(row.body, q)
    shown = {**row.message, "conversation": row.conversation, "snippet": safe_snippet(marked)}
    return msgspec.convert(shown, SearchHit, strict=False)


def safe_snippet(marked: str) -> str:
    """Escape the text and show its marks as `<mark>`."""
    return escape(marked, quote=False).replace(_START, "<mark>").replace(_STOP, "</mark>")


def _in_context(headline: str, body: str) -> str:
    """Show where a headline leaves out the text's beginning or end."""
    pieces = headline.replace(_START, "").replace(_STOP, "").split(_ELLIPSIS)
    head = "" if body.startswith(pieces[0]) else "… "
    tail = "" if body.rstrip().endswith(pieces[-1].rstrip()) else " …"
    return f"{head}{headline}{tail}"


def _mark_pieces(body: str, q: str) -> str:
    """Mark where the query stands in the text literally; without such a place, show its beginning."""
    found = re.search(re.escape(q), body, re.IGNORECASE)
    is_whole = len(body) <= WHOLE
    if found is None:
        return body if is_whole else body[: 2 * AROUND]
    start, stop = (0, len(body)) if is_whole else (max(0, found.start() - AROUND), found.end() + AROUND)
    before, after = body[start : found.start()], body[found.end() : stop]
    head, tail = "… " if start else "", " …" if stop < len(body) else ""
    return f"{head}{before}{_START}{found[0]}{_STOP}{after}{tail}"
