"""Documents, read by who may read one of the places where they stand."""

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
select d.id, coalesce((select f.name from readable_origins() o join files f on f.org_id = o.org_id and f.id = o.file_id
                       where o.document_id = d.id order by o.created_at, o.id limit 1), d.name) as name,
       d.title, d.media_type, d.size, d.status, d.done, d.total, d.unit, d.failure_code, d.failure,
       d.retries, d.pages, d.characters, d.chunks, d.created_at, d.ready_at,
       (select coalesce(json_agg(json_build_object(
            'kind', s.kind, 'name', s.name, 'file_id', s.file_id, 'conversation_id', s.conversation_id,
            'message_seq', s.message_seq, 'source_id', s.source_id, 'agent_id', s.agent_id)), '[]')
        from (select o.kind, coalesce(f.name, i.name, d.name) as name, o.file_id, o.conversation_id, m.message_seq,
                     o.source_id, k.agent_id
              from readable_origins() o
              left join files f on f.org_id = o.org_id and f.id = o.file_id
              left join source_items i on i.org_id = o.org_id and i.id = o.item_id
              left join agent_knowledge_sources k on k.org_id = o.org_id and k.id = o.source_id
              left join lateral (select k.message_seq from message_files k
                                 where k.org_id = o.org_id and k.file_id = o.file_id
                                 order by k.message_seq limit 1) m on true
              where o.document_id = d.id
              order by o.created_at, o.id limit 20) s) as origins
from documents d
where d.org_id = any (current_orgs()) and exists (select from readable_origins() o where o.document_id = d.id)
"""
_LIST: LiteralString = (
    _COLUMNS
    + """
  and (%(status)s::text is null or d.status = %(status)s)
  and (%(q)s::text is null or strpos(lower(d.title), lower(%(q)s)) > 0 or d.id in (
       select o.document_id from readable_origins() o join documents n on n.org_id = o.org_id and n.id = o.document_id
       left join files f on f.org_id = o.org_id and f.id = o.file_id
       where strpos(lower(coalesce(f.name, n.name)), lower(%(q)s)) > 0))
  and (%(conversation)s::uuid is null or exists (
       select from document_origins o where o.org_id = d.org_id and o.document_id = d.id
         and o.conversation_id = %(conversation)s))
  and (%(files)s::uuid[] is null or exists (
       select from document_origins o
       where o.org_id = d.org_id and o.document_id = d.id and o.file_id = any (%(files)s)))
  and (%(before)s::uuid is null or d.id < %(before)s)
order by d.id desc limit %(limit)s
"""
)
_CHUNKS: LiteralString = """
select id, position, content, overlap, page, heading, starts, ends from chunks
where org_id = any (current_orgs()) and document_id = %(document)s
"""


async def access_document(tx: Tx, actor: Actor, document_id: UUID) -> Document:
    """Return a document that the actor may read, or raise NOT_FOUND, FORBIDDEN."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    found = await tx.find(Document, _COLUMNS + " and d.id = %(id)s", {"id": document_id})
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
    key = decode_cursor(after, UUID)
    values: Params = {
        "status": None if status is None else str(status), "q": (q or "").strip() or None,
        "conversation": conversation_id, "files": files, "before": key[0] if key else None, "limit": size + 1,
    }  # fmt: skip
    return page_of(await tx.all(Document, _LIST, values), size, lambda found: (found.id,))


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
