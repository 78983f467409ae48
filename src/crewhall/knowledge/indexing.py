"""What an organization's searches ask: a model, whose vectors all its documents have.

When the installation embeds with another model, or reads documents otherwise, the documents are brought up to it one
by one, and the searches go on asking the former one; when the last has come, they ask the new one, and the former
vectors go.
"""

from typing import LiteralString

from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.knowledge.extraction import VERSION as EXTRACTOR_VERSION
from crewhall.knowledge.message_meaning import message_meaning_progress
from crewhall.knowledge.schemas import KnowledgeStatus
from crewhall.ports.embedder import Embedder

BATCH = 5000
"""Former vectors that are forgotten in one transaction."""
_STATUS: LiteralString = """
with asked as materialized (select * from knowledge_indexes where org_id = %(org)s)
select t.*, k.model, k.dimension, k.coming as next_model, k.coming_dimension as next_dimension,
       k.coming_since as next_since, t.come + (
           select count(*) from documents w cross join lateral (
               select from embeddings_384 e
               where e.org_id = w.org_id and e.model = k.coming and e.document_id = w.id
               union all
               select from embeddings_1536 e
               where e.org_id = w.org_id and e.model = k.coming and e.document_id = w.id) e
           where w.org_id = %(org)s and w.status = 'ready' and is_at_work(w.look_at, w.attempt)) as embedded,
       (select json_build_object('done', least(r.done, r.total), 'total', r.total, 'since', r.created_at)
        from knowledge_rewrites r where r.org_id = %(org)s) as rewriting, %(most)s::bigint as most_chunks
from (
    select count(d.id) as documents,
           count(*) filter (where d.status = 'queued') as queued,
           count(*) filter (where d.status = 'extracting') as extracting,
           count(*) filter (where d.status = 'embedding') as embedding,
           count(*) filter (where d.status = 'ready') as ready,
           count(*) filter (where d.status = 'failed' and not (d.media_type like 'image/%%' and d.failure_code in (
               'document_empty', 'document_unsupported'))) as failed,
           coalesce(sum(d.chunks), 0)::bigint as chunks,
           count(*) filter (where d.status = 'ready' and (d.extractor < %(extractor)s
                            or d.model is distinct from coalesce(k.coming, k.model, d.model))) as outdated,
           coalesce(sum(d.chunks) filter (where d.status = 'ready' and d.model = k.coming), 0)::bigint as come,
           coalesce(sum(d.chunks) filter (where d.status = 'ready' and k.coming is not null), 0)::bigint as to_embed
    from documents d left join asked k on true where d.org_id = %(org)s) t
left join asked k on true
"""


async def queue_outdated(db: Database, embedder: Embedder | None) -> None:
    """Have the documents looked at that are not as this process would make them. Asked at its start."""
    if embedder is not None:
        async with db.transaction(None) as tx:
            model = embedder.model
            values = {"model": model.name, "dimension": model.dimension, "extractor": EXTRACTOR_VERSION}
            await tx.run("select queue_outdated(%(model)s, %(dimension)s, %(extractor)s)", values)


async def settle_indexes(db: Database, embedder: Embedder | None) -> None:
    """Let searches ask the model wherever every document has come to it, and forget the vectors of former ones."""
    if embedder is None:
        return
    model, gone = embedder.model, BATCH
    while gone >= BATCH:
        async with db.transaction(None) as tx:
            gone = await tx.value(
                "select settle_indexes(%(name)s, %(dimension)s, %(extractor)s, %(most)s)",
                {"name": model.name, "dimension": model.dimension, "extractor": EXTRACTOR_VERSION, "most": BATCH},
            )


async def get_status(tx: Tx, actor: Actor, most_chunks: int) -> KnowledgeStatus:
    """Say how far the organization's documents are. Owners and admins; raises FORBIDDEN."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    values = {"org": actor.org, "most": most_chunks or None, "extractor": EXTRACTOR_VERSION}
    found = await tx.one(KnowledgeStatus, _STATUS, values)
    found.messages = await message_meaning_progress(tx)
    return found
