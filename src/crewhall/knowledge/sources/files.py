"""Files as sources: sent onto an agent, or taken from a conversation; they are as they were sent."""

from collections.abc import AsyncIterable
from uuid import UUID

from psycopg.types.json import Jsonb

from crewhall.agents import access_agent
from crewhall.conversations import FileStore, access_file, clean_name
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id
from crewhall.knowledge.sources.actions import insert_source
from crewhall.knowledge.sources.keeping import keep_bytes, write_item, write_origin
from crewhall.knowledge.sources.queries import access_source
from crewhall.knowledge.sources.schemas import Source
from crewhall.knowledge.sources.vocabulary import SourceType


async def add_file(store: FileStore, actor: Actor, agent_id: UUID, name: str, pieces: AsyncIterable[bytes]) -> Source:
    """Give an agent a file; one of the same name is replaced.

    Raises NOT_FOUND, FORBIDDEN, CONFLICT and what `keep_bytes` raises.
    """
    async with store.db.transaction(actor) as tx:
        await access_agent(tx, actor, agent_id, "update")
    kept = await keep_bytes(store, actor, name, pieces)
    async with store.db.transaction(actor) as tx:
        await access_agent(tx, actor, agent_id, "update")
        source_id = await _source(tx, actor, agent_id, clean_name(name))
        await write_item(tx, _item(actor, source_id, kept))
        return await access_source(tx, actor, agent_id, source_id)


async def add_attached(tx: Tx, actor: Actor, agent_id: UUID, file_id: UUID) -> Source:
    """Give an agent a file of a conversation that the actor may read. Raises NOT_FOUND, FORBIDDEN, CONFLICT."""
    await access_agent(tx, actor, agent_id, "update")
    file = await access_file(tx, actor, file_id)
    source_id = await _source(tx, actor, agent_id, file.name)
    kept: dict[str, object] = {
        "name": file.name, "media_type": file.media_type, "size": file.size, "sha256": bytes.fromhex(file.sha256),
    }  # fmt: skip
    await write_origin(tx, _item(actor, source_id, kept))
    return await access_source(tx, actor, agent_id, source_id)


async def _source(tx: Tx, actor: Actor, agent_id: UUID, name: str) -> UUID:
    """The source of a file of this name, which is there afterwards."""
    known: UUID | None = await tx.value(
        """
        select id from agent_knowledge_sources
        where org_id = %(org)s and agent_id = %(agent)s and type = 'file' and path = %(name)s for update
        """,
        {"org": actor.org, "agent": agent_id, "name": name},
    )
    source_id = known or new_id()
    if known is None:
        values = {
            "id": source_id, "agent": agent_id, "type": str(SourceType.FILE), "path": name, "name": name[:200],
            "enabled": True, "config": Jsonb({}), "sync": None, "cron": None, "timezone": None,
        }  # fmt: skip
        await insert_source(tx, actor, values)
    await tx.run(
        "update agent_knowledge_sources set synced_at = now(), updated_by = %(actor)s where id = %(id)s",
        {"id": source_id, "actor": actor.id},
    )
    return source_id


def _item(actor: Actor, source_id: UUID, kept: dict[str, object]) -> dict[str, object]:
    told: dict[str, object] = {"etag": None, "last_modified": None, "links": [], "key": kept["name"]}
    return {**kept, **told, "org": actor.org, "source": source_id, "sync": None}
