"""Documents, read by who may read one of the places where they stand."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from crewhall.conversations import Verb, access_conversation
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.knowledge.schemas import ChunkPage, Document, DocumentChunk
from crewhall.knowledge.vocabulary import DocumentStatus

MOST_FILES = 100
AROUND = 10
"""Chunks that are given before and after the one that is asked for."""

_COLUMNS: LiteralString = """
, placed as materialized (
    select s.document_id, (array_agg(s.name order by s.place))[1] as name, min(s.created_at) as since,
           json_agg(json_build_object(
               'kind', s.kind, 'name', s.name, 'file_id', s.file_id, 'conversation_id', s.conversation_id,
               'message_seq', s.message_seq, 'source_id', s.source_id, 'agent_id', s.agent_id, 'entry_id', s.entry_id,
               'slug', s.slug, 'original_url', s.original_url)
               order by s.place) as origins
    from (select row_number() over (partition by o.document_id order by o.created_at, o.id) as place, o.document_id,
                 o.created_at, o.kind, coalesce(f.name, i.name, left(w.title, 252) || '.md') as name, o.file_id,
                 o.conversation_id, m.message_seq, o.source_id, k.agent_id, o.entry_id, w.slug,
                 address_of_page(k.type, i.key) as original_url
          from origins_of(array(select document_id from listed)) o
          left join files f on f.org_id = o.org_id and f.id = o.file_id
          left join source_items i on i.org_id = o.org_id and i.id = o.item_id
          left join wiki_heads w on w.org_id = o.org_id and w.entry_id = o.entry_id
          left join agent_knowledge_sources k on k.org_id = o.org_id and k.id = o.source_id
          left join lateral (select k.message_seq from message_files k
                             where k.org_id = o.org_id and k.file_id = o.file_id
                             order by k.message_seq limit 1) m on true) s
    where s.place <= 20 group by s.document_id
)
select d.id, p.name, d.title, d.media_type, d.size, d.status, d.done, d.total, d.unit, d.failure_code, d.failure,
       d.retries, case when d.retries > 0 and d.look_at > clock_timestamp() and not is_at_work(d.look_at, d.attempt)
                       then d.look_at end as next_try_at,
       d.pages, d.characters, d.chunks, d.words_only, p.since as created_at, greatest(d.ready_at, p.since) as ready_at,
       p.origins
from placed p cross join lateral (
    select * from documents d where d.org_id = any (current_orgs()) and d.id = p.document_id offset 0) d
order by p.since desc, d.id desc
"""
"""What is told of a document follows from the places that the actor may see: since when it is there, its name."""
_ONE: LiteralString = "with listed as (select %(id)s::uuid as document_id)" + _COLUMNS
_LIST: LiteralString = (
    """
with listed as materialized (
    select document_id from newest_documents(
        %(before)s, %(before_id)s, %(conversation)s, %(files)s, %(status)s, %(q)s, %(limit)s))
"""
    + _COLUMNS
)
_CHUNKS: LiteralString = """
select id, position, content, overlap, page, heading, starts, ends from chunks
where org_id = any (current_orgs()) and document_id = %(document)s
"""


async def access_document(tx: Tx, actor: Actor, document_id: UUID) -> Document:
    """Return a document that the actor may read, or raise NOT_FOUND, FORBIDDEN."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    found = await tx.find(Document, _ONE, {"id": document_id})
    if found is None:
        raise NOT_FOUND("There is no such document, or it is not shared with you.")
    return found


async def list_documents(
    tx: Tx,
    actor: Actor,
    *,
    q: str | None = None,
    status: DocumentStatus | None = None,
    conversation_id: UUID | None = None,
    files: list[UUID] | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Document]:
    """List the documents that the actor may read, the newest first. Raises NOT_FOUND (the conversation), INVALID."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    if files is not None and len(files) > MOST_FILES:
        raise INVALID(f"file: ask for {MOST_FILES} files at once at most.", field="file")
    size = check_limit(limit)
    key = decode_cursor(after, datetime, UUID)
    values: Params = {
        "before": key and key[0], "before_id": key and key[1], "conversation": conversation_id, "files": files,
        "status": status and str(status), "q": (q or "").strip() or None, "limit": size + 1,
    }  # fmt: skip
    found = await tx.all(Document, _LIST, values)
    return page_of(found, size, lambda one: (one.created_at, one.id))


async def list_chunks(
    tx: Tx,
    actor: Actor,
    document_id: UUID,
    *,
    after: int | None = None,
    before: int | None = None,
    around: UUID | None = None,
    limit: int | None = None,
) -> ChunkPage:
    """Give chunks in their order: after or before a position, or around one of them, or from the beginning.

    Raises NOT_FOUND: the document, or the chunk that is asked for.
    """
    await access_document(tx, actor, document_id)
    size = check_limit(limit)
    values: Params = {"document": document_id, "limit": size}
    if around is not None:
        place = await tx.value(
            "select position from chunks where document_id = %(document)s and id = %(id)s", values | {"id": around}
        )
        if place is None:
            raise NOT_FOUND("This passage is not there any more: the document was read anew. Begin at its beginning.")
        after = max(-1, place - min(AROUND, size // 2) - 1)
    if before is not None:
        end: LiteralString = " and position < %(place)s order by position desc limit %(limit)s"
        found = list(reversed(await tx.all(DocumentChunk, _CHUNKS + end, values | {"place": before})))
    else:
        begin: LiteralString = " and position > %(place)s order by position limit %(limit)s"
        found = await tx.all(DocumentChunk, _CHUNKS + begin, values | {"place": -1 if after is None else after})
    if not found:
        return ChunkPage(items=[], before=None, after=None)
    last = await tx.value("select max(position) from chunks where document_id = %(document)s", values)
    return ChunkPage(
        items=found,
        before=found[0].position if found[0].position > 0 else None,
        after=found[-1].position if found[-1].position < last else None,
    )
