"""What is shown of passages that were found: what stands around the words that match, marked; where they open."""

import re
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations import (
    MARKS,
    ConversationRef,
    beginnings_of,
    marked_words,
    pieces_of,
    readable,
    snippet,
)
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.knowledge.schemas_search import Finding, FindingKind

SLIDES = {
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.presentation",
}
"""What has slides for pages."""
_SIGNS = re.compile(r"[\W_]+")
_SHOWN: LiteralString = """
with asked as materialized (
    select search_language as language, search_query(search_language, %(words)s) as wanted,
           words_of(search_language, %(words)s) as terms
    from organizations where id = %(org)s
), loose as materialized (
    select a.language, a.wanted, a.terms, coalesce(
        (select string_agg('(' || t::text || ')', ' | ')::tsquery || a.wanted from unnest(a.terms) t), a.wanted) as some
    from asked a
), place as (
    select distinct on (o.document_id) o.document_id, o.kind, c.id, c.kind as conversation_kind, c.name, c.title,
           coalesce(f.name, i.name) as file_name, o.created_at, address_of_page(k.type, i.key) as original_url
    from origins_of(%(documents)s) o left join conversations c on c.id = o.conversation_id
    left join files f on f.org_id = o.org_id and f.id = o.file_id
    left join source_items i on i.org_id = o.org_id and i.id = o.item_id
    left join agent_knowledge_sources k on k.org_id = o.org_id and k.id = o.source_id
    where %(agent)s::uuid is null or o.source_id in (
        select s.id from agent_knowledge_sources s where s.org_id = o.org_id and s.agent_id = %(agent)s)
    order by o.document_id, (o.conversation_id = %(conversation_id)s) desc nulls last, o.created_at, o.id
)
select c.id, c.document_id, c.content, c.heading, c.page, d.pages,
       coalesce(d.title, p.file_name, d.name) as title, coalesce(p.file_name, d.name) as name,
       d.media_type, p.created_at, p.original_url,
       p.kind, case when p.id is not null then
           json_build_object('id', p.id, 'kind', p.conversation_kind, 'name', p.name, 'title', p.title)
       end as conversation,
       asked.wanted::text as wanted,
       coalesce((select avg((c.vector @@ t)::int) from unnest(asked.terms) t),
                case when numnode(asked.wanted) > 0 then (c.vector @@ asked.wanted)::int end)::float8 as words,
       ts_headline(asked.language, t.parted, asked.some, %(marks)s) as marked,
       case when t.plain <> t.parted then ts_headline(asked.language, t.plain, asked.some, %(marks)s)
       end as marked_plain
from unnest(%(ids)s::uuid[]) with ordinality as found (id, place)
join chunks c on c.id = found.id
join documents d on d.id = c.document_id
join place p on p.document_id = d.id
cross join loose asked
cross join lateral (
    select parted, without_accents(parted) as plain
    from (select translate(c.content, '\ue000\ue001', '') as body) shown
    cross join lateral (select case when is_spaceless(body) then in_pairs(body) else body end as parted) pairs) t
order by found.place
"""


class _Row(msgspec.Struct):
    id: UUID
    document_id: UUID
    content: str
    heading: list[str]
    page: int | None
    pages: int | None
    title: str
    name: str
    media_type: str
    created_at: datetime
    original_url: str | None
    kind: FindingKind
    conversation: ConversationRef | None
    wanted: str | None
    marked: str | None
    marked_plain: str | None
    words: float | None


async def show_chunks(
    tx: Tx,
    actor: Actor,
    words: str,
    chunks: dict[UUID, UUID],
    conversation_id: UUID | None,
    *,
    of_agent: UUID | None = None,
) -> list[Finding]:
    """Show chunks, given with their documents; those that are gone or out of reach meanwhile are left out.

    `of_agent`: only as sources of that agent hold them, wherever else they stand.
    """
    asked = {
        "words": words, "org": actor.org, "ids": list(chunks), "documents": list(set(chunks.values())),
        "conversation_id": conversation_id, "marks": MARKS, "agent": of_agent,
    }  # fmt: skip
    return [_finding(row, words) for row in await tx.all(_Row, _SHOWN, asked)]


def url_of(document_id: UUID, chunk_id: UUID) -> str:
    """Where a passage opens in its document."""
    return f"/documents/{document_id}?chunk={chunk_id}#chunk-{chunk_id}"


def _finding(row: _Row, words: str) -> Finding:
    marked = marked_words(row.marked or "") | marked_words(row.marked_plain or "")
    return Finding(
        kind=row.kind,
        id=row.id,
        title=row.title,
        where=_where(row),
        url=url_of(row.document_id, row.id),
        text=row.content,
        snippet=snippet(readable(row.content), words, marked, beginnings_of(row.wanted or ""), pieces_of(words)),
        score=0,
        created_at=row.created_at,
        document_id=row.document_id,
        media_type=row.media_type,
        page=row.page,
        original_url=row.original_url,
        heading=row.heading,
        conversation=row.conversation,
        words=row.words,
    )


def _where(row: _Row) -> str:
    """Where a passage stands, in words: file, page, heading; what the title says already is not said again."""
    place = [] if _is_same(row.title, row.name) or _is_same(row.title, row.name.rpartition(".")[0]) else [row.name]
    if row.page and row.pages != 1:
        place.append(f"{'slide' if row.media_type in SLIDES else 'page'} {row.page}")
    heading = row.heading[1:] if row.heading and _is_same(row.title, row.heading[0]) else row.heading
    place += [" > ".join(heading)] if heading else []
    return ", ".join(place)


def _is_same(one: str, other: str) -> bool:
    """Whether two names are the same words."""
    return _SIGNS.sub("", one).casefold() == _SIGNS.sub("", other).casefold()
