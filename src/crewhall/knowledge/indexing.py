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
from crewhall.ports.embedder import Embedder, EmbeddingModel

BATCH = 5000
"""Former vectors that are forgotten in one transaction."""
_STATUS: LiteralString = """
select count(*) as documents,
       count(*) filter (where d.status = 'queued') as queued,
       count(*) filter (where d.status = 'extracting') as extracting,
       count(*) filter (where d.status = 'embedding') as embedding,
       count(*) filter (where d.status = 'ready') as ready,
       count(*) filter (where d.status = 'failed') as failed,
       coalesce(sum(d.chunks), 0)::bigint as chunks,
       count(*) filter (where d.status = 'ready' and (d.extractor < %(extractor)s
                        or (%(model)s::text is not null and d.model is distinct from %(model)s))) as outdated,
       (select k.model from knowledge_indexes k where k.org_id = %(org)s) as model, %(model)s::text as next_model
from documents d where d.org_id = %(org)s
"""


async def queue_outdated(db: Database, embedder: Embedder | None) -> None:
    """Have the documents looked at that are not as this process would make them. Asked at its start."""
    if embedder is not None:
        async with db.transaction(None) as tx:
            values = {"model": embedder.model.name, "extractor": EXTRACTOR_VERSION}
            await tx.run("select queue_outdated(%(model)s, %(extractor)s)", values)


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


async def get_status(tx: Tx, actor: Actor, model: EmbeddingModel | None) -> KnowledgeStatus:
    """Say how far the organization's documents are. Owners and admins; raises FORBIDDEN."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    values = {"org": actor.org, "model": model and model.name, "extractor": EXTRACTOR_VERSION}
    found = await tx.one(KnowledgeStatus, _STATUS, values)
    if found.next_model == found.model:
        found.next_model = None
    found.messages = await message_meaning_progress(tx)
    return found
