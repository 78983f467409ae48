"""Adding, changing and removing sources, and asking for a sync. Going through them is the worker's."""

from typing import Any, LiteralString
from uuid import UUID

import msgspec
from msgspec import UNSET
from psycopg.types.json import Jsonb

from crewhall.agents import access_agent
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.cron import check_cron
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, INVALID
from crewhall.kernel.ids import new_id
from crewhall.kernel.outbound import Outbound
from crewhall.kernel.wallclock import check_timezone
from crewhall.knowledge.sources.configs import check_source, read_config
from crewhall.knowledge.sources.queries import access_source
from crewhall.knowledge.sources.run import CHANNEL, FOLDERS, ROUND, Run, log_sync, next_sync
from crewhall.knowledge.sources.schemas import Source, SourceInput, SourcePatch
from crewhall.knowledge.sources.settings import SourceSettings
from crewhall.knowledge.sources.vocabulary import SourceType, SyncOutcome

MOST_OF_AGENT, MOST_OF_ORGANIZATION = 100, 2000
_ADD: LiteralString = """
insert into agent_knowledge_sources (
    id, org_id, agent_id, type, path, name, enabled, config, cron, timezone, sync_id, look_at, created_by, updated_by)
values (%(id)s, %(org)s, %(agent)s, %(type)s, %(path)s, %(name)s, %(enabled)s, %(config)s, %(cron)s, %(timezone)s,
        %(sync)s, case when %(sync)s::uuid is not null then now() end, %(actor)s, %(actor)s)
on conflict (org_id, agent_id, path) do nothing
"""
_CHANGE: LiteralString = """
update agent_knowledge_sources
set name = %(name)s, config = %(config)s, cron = %(cron)s, timezone = %(timezone)s, enabled = %(enabled)s,
    look_at = case when not %(enabled)s then null when sync_id is null then %(next)s else look_at end,
    watch_failure = case when type = 'folder' and coalesce((%(config)s::jsonb ->> 'watch')::boolean, true)
                         then watch_failure end,
    updated_by = %(actor)s
where id = %(id)s
"""
_ASK: LiteralString = """
update agent_knowledge_sources set sync_id = coalesce(sync_id, %(sync)s), look_at = now(), retries = 0
where id = %(id)s and (started_at is null or attempt %% %(round)s = 0)
"""
_UNDER_WAY: LiteralString = """
select s.id, s.org_id, '' as slug, s.agent_id, s.type, s.path, s.config, s.cron, s.timezone, s.sync_id,
       coalesce(s.started_at, clock_timestamp()) as started_at, s.attempt, s.retries, s.counts, s.enabled as is_wanted
from agent_knowledge_sources s where s.id = %(id)s and s.sync_id is not null for update
"""
_CANCEL: LiteralString = """
update agent_knowledge_sources
set sync_id = null, started_at = null, retries = 0, attempt = (attempt / %(round)s + 1) * %(round)s, look_at = %(next)s
where id = %(id)s
"""
_COUNT: LiteralString = """
select count(*) filter (where agent_id = %(agent)s) as agent, count(*) as organization from agent_knowledge_sources
where org_id = %(org)s
"""


class _Counted(msgspec.Struct):
    agent: int
    organization: int


async def add_source(
    tx: Tx, actor: Actor, agent_id: UUID, data: SourceInput, settings: SourceSettings, outbound: Outbound
) -> Source:
    """Give an agent another source, and have it gone through. Raises NOT_FOUND, FORBIDDEN, INVALID, CONFLICT."""
    await access_agent(tx, actor, agent_id, "update")
    config = read_config(data.type, data.config)
    slug = await tx.value("select slug from organizations where id = %(org)s", {"org": actor.org})
    path = check_source(data.type, data.path, config, slug=slug, settings=settings, outbound=outbound)
    name = (data.name or "").strip() or path.rstrip("/")[-200:]
    schedule = _checked(data.cron, data.timezone)
    source_id = new_id()
    values = {
        "id": source_id, "agent": agent_id, "type": str(data.type), "path": path, "name": name, "enabled": data.enabled,
        "config": Jsonb(data.config), "sync": new_id() if data.enabled else None, **schedule,
    }  # fmt: skip
    await insert_source(tx, actor, values)
    await _tell(tx, data.type)
    return await access_source(tx, actor, agent_id, source_id)


async def insert_source(tx: Tx, actor: Actor, values: dict[str, Any]) -> None:
    """Write a new source. Raises CONFLICT: the agent has this one, or as many as it may."""
    of = {"agent": values["agent"], "org": actor.org}
    counted = await tx.one(_Counted, _COUNT, of)
    if counted.agent >= MOST_OF_AGENT or counted.organization >= MOST_OF_ORGANIZATION:
        raise CONFLICT(
            f"An agent may have {MOST_OF_AGENT} sources, an organization {MOST_OF_ORGANIZATION}. Remove one first."
        )
    if not await tx.run(_ADD, {**values, "org": actor.org, "actor": actor.id}):
        raise CONFLICT(f"The agent has {values['path']!r} already.", field="path")
    await _record(tx, actor, "source.added", values["id"], values["agent"], values["name"])


async def change_source(
    tx: Tx,
    actor: Actor,
    agent_id: UUID,
    source_id: UUID,
    data: SourcePatch,
    settings: SourceSettings,
    outbound: Outbound,
) -> Source:
    """Change a source; one that is switched off is neither gone through nor read.

    Raises NOT_FOUND, FORBIDDEN, INVALID.
    """
    await access_agent(tx, actor, agent_id, "update")
    before = await access_source(tx, actor, agent_id, source_id)
    kept = {name: getattr(before, name) for name in SourcePatch.__struct_fields__}
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    values = kept | given
    if "cron" in given and given["cron"] is None:
        values["timezone"] = None
    if before.type is SourceType.FILE and values["cron"] is not None:
        raise INVALID("cron: a file is as it was sent. Send it again to change it.", field="cron")
    config = read_config(before.type, values["config"])
    if "config" in given and before.type is not SourceType.FILE:
        slug = await tx.value("select slug from organizations where id = %(org)s", {"org": actor.org})
        check_source(before.type, before.path, config, slug=slug, settings=settings, outbound=outbound)
    schedule = _checked(values["cron"], values["timezone"])
    if not values["enabled"]:
        await _call_off(tx, source_id)
    next_at = next_sync(schedule["cron"], schedule["timezone"])
    await tx.run(
        _CHANGE,
        {**values, **schedule, "config": Jsonb(values["config"]), "next": next_at, "id": source_id, "actor": actor.id},
    )
    await _record(tx, actor, "source.changed", source_id, agent_id, values["name"])
    await _tell(tx, before.type)
    return await access_source(tx, actor, agent_id, source_id)


async def remove_source(tx: Tx, actor: Actor, agent_id: UUID, source_id: UUID) -> None:
    """Remove a source with what it holds; documents that stand elsewhere stay. Raises NOT_FOUND, FORBIDDEN."""
    await access_agent(tx, actor, agent_id, "update")
    found = await access_source(tx, actor, agent_id, source_id)
    await tx.run("delete from agent_knowledge_sources where id = %(id)s", {"id": source_id})
    await _record(tx, actor, "source.removed", source_id, agent_id, found.name)
    await _tell(tx, found.type)


async def sync_source(tx: Tx, actor: Actor, agent_id: UUID, source_id: UUID) -> Source:
    """Have a source gone through now; one that is under way goes on. Raises NOT_FOUND, FORBIDDEN, CONFLICT."""
    await access_agent(tx, actor, agent_id, "update")
    found = await access_source(tx, actor, agent_id, source_id)
    if found.type is SourceType.FILE:
        raise CONFLICT("A file is as it was sent. Send it again to change it.")
    if not found.enabled:
        raise CONFLICT("This source is switched off. Switch it on first.")
    await tx.run(_ASK, {"id": source_id, "sync": new_id(), "round": ROUND})
    await tx.notify(CHANNEL, "")
    return await access_source(tx, actor, agent_id, source_id)


async def cancel_sync(tx: Tx, actor: Actor, agent_id: UUID, source_id: UUID) -> Source:
    """Call a sync off; what it has taken stays. Raises NOT_FOUND, FORBIDDEN, CONFLICT (none is under way)."""
    await access_agent(tx, actor, agent_id, "update")
    await access_source(tx, actor, agent_id, source_id)
    if not await _call_off(tx, source_id):
        raise CONFLICT("No sync is under way.")
    return await access_source(tx, actor, agent_id, source_id)


async def _tell(tx: Tx, kind: SourceType) -> None:
    """Have sources looked at, and folders watched as they are now."""
    await tx.notify(CHANNEL, "")
    if kind is SourceType.FOLDER:
        await tx.notify(FOLDERS, "")


async def _call_off(tx: Tx, source_id: UUID) -> bool:
    run = await tx.find(Run, _UNDER_WAY, {"id": source_id})
    if run is None:
        return False
    await log_sync(tx, run, SyncOutcome.CANCELED)
    await tx.run(_CANCEL, {"id": source_id, "round": ROUND, "next": next_sync(run.cron, run.timezone)})
    return True


def _checked(cron: str | None, timezone: str | None) -> dict[str, str | None]:
    if cron is None:
        if timezone is not None:
            raise INVALID("timezone: it belongs to a schedule. Say when: cron.", field="timezone")
        return {"cron": None, "timezone": None}
    check_cron(cron)
    check_timezone(timezone or "UTC")
    if next_sync(cron, timezone or "UTC") is None:
        raise INVALID("cron: this moment never comes.", field="cron")
    return {"cron": " ".join(cron.split()), "timezone": timezone or "UTC"}


async def _record(tx: Tx, actor: Actor, action: str, source_id: UUID, agent_id: UUID, name: str) -> None:
    await audit.record(tx, actor, action, "source", source_id, {"name": name, "agent_id": str(agent_id)})
