"""Sources as they are read: by who may change the agent, and by the agent itself."""

from typing import LiteralString
from uuid import UUID

from crewhall.agents import AgentDetail, access_agent
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.knowledge.sources.schemas import Source, SourceItem, SourceSync

_COLUMNS: LiteralString = """
select s.id, s.agent_id, s.type, s.path, s.name, s.enabled, s.config, s.cron, s.timezone, s.counts, s.failure, s.cut,
       case when s.enabled then s.watch_failure end as watch_failure,
       s.synced_at, s.created_at,
       case when not s.enabled then 'off' when s.sync_id is not null and s.attempt %% 1000 > 0 then 'syncing'
            when s.sync_id is not null then 'waiting' when s.failure is not null then 'failed'
            when s.synced_at is null then 'new' else 'synced' end as state,
       case when s.sync_id is null then s.look_at end as next_sync_at,
       (select count(*) from source_items i where i.org_id = s.org_id and i.source_id = s.id) as item_count
from agent_knowledge_sources s where s.org_id = any (current_orgs()) and s.agent_id = %(agent)s
"""
_ITEMS: LiteralString = """
select i.id, i.key, i.name, i.media_type, i.size, d.id as document_id, d.title, d.status,
       coalesce(d.done, 0) as done, d.total, d.unit,
       coalesce(i.failure, d.failure) as failure, i.seen_at, i.changed_at
from source_items i
left join document_origins o on o.org_id = i.org_id and o.item_id = i.id
left join documents d on d.org_id = o.org_id and d.id = o.document_id
where i.org_id = any (current_orgs()) and i.source_id = %(source)s and (%(after)s::uuid is null or i.id > %(after)s)
order by i.id limit %(limit)s
"""
_SYNCS: LiteralString = """
select id, started_at, ended_at, outcome, seen, fresh, changed, unchanged, gone, failed, error, cut
from source_syncs
where org_id = any (current_orgs()) and source_id = %(source)s and (%(after)s::uuid is null or id < %(after)s)
order by id desc limit %(limit)s
"""


async def list_sources(tx: Tx, actor: Actor, agent_id: UUID) -> list[Source]:
    """An agent's sources by name. Raises NOT_FOUND, FORBIDDEN."""
    await _access(tx, actor, agent_id)
    return await tx.all(Source, _COLUMNS + " order by lower(s.name), s.id", {"agent": agent_id})


async def access_source(tx: Tx, actor: Actor, agent_id: UUID, source_id: UUID) -> Source:
    """One of an agent's sources. Raises NOT_FOUND, FORBIDDEN."""
    await _access(tx, actor, agent_id)
    found = await tx.find(Source, _COLUMNS + " and s.id = %(id)s", {"agent": agent_id, "id": source_id})
    if found is None:
        raise NOT_FOUND("This agent has no such source.")
    return found


async def list_items(
    tx: Tx, actor: Actor, agent_id: UUID, source_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[SourceItem]:
    """What a source holds, the oldest first. Raises NOT_FOUND, FORBIDDEN, INVALID."""
    await access_source(tx, actor, agent_id, source_id)
    size, key = check_limit(limit), decode_cursor(after, UUID)
    values = {"source": source_id, "after": key[0] if key else None, "limit": size + 1}
    return page_of(await tx.all(SourceItem, _ITEMS, values), size, lambda found: (found.id,))


async def list_syncs(
    tx: Tx, actor: Actor, agent_id: UUID, source_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[SourceSync]:
    """How a source was gone through, the newest first. Raises NOT_FOUND, FORBIDDEN, INVALID."""
    await access_source(tx, actor, agent_id, source_id)
    size, key = check_limit(limit), decode_cursor(after, UUID)
    values = {"source": source_id, "after": key[0] if key else None, "limit": size + 1}
    return page_of(await tx.all(SourceSync, _SYNCS, values), size, lambda found: (found.id,))


async def _access(tx: Tx, actor: Actor, agent_id: UUID) -> AgentDetail:
    return await access_agent(tx, actor, agent_id, "see" if actor.id == agent_id and not actor.behalf else "update")
