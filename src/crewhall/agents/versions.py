"""What an agent thought with over time: a row for each version, written with the change that made it."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.agents.access import access_agent, may_read_instructions
from crewhall.agents.persona import BUMPING, Persona
from crewhall.agents.schemas import Open
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

KEPT = frozenset({*BUMPING, "version"})
"""A change of one of these is a version to keep."""


class AgentVersion(msgspec.Struct, kw_only=True):
    """What an agent thought with from `created_at` on.

    `changed` names what differs from the version before: instructions, model_config, tools. `instructions` are null for
    who may not read them.
    """

    id: UUID
    version: str
    changed: list[str]
    instructions: str | None
    model_config: Open
    tools: list[str]
    created_at: datetime
    created_by: UUID | None
    created_by_name: str | None


_PAGE: LiteralString = """
with newest as (
    select v.* from agent_versions v
    where v.org_id = any (current_orgs()) and v.agent_id = %(agent)s and (%(before)s::uuid is null or v.id < %(before)s)
    order by v.id desc limit %(limit)s + 1
), told as (
    select v.*, lag(v.id) over before as earlier,
           array_remove(array[
               case when v.instructions is distinct from lag(v.instructions) over before then 'instructions' end,
               case when v.model_config <> lag(v.model_config) over before then 'model_config' end,
               case when v.tools <> lag(v.tools) over before then 'tools' end], null) as differs
    from newest v
    window before as (order by v.id)
)
select t.id, t.version, case when t.earlier is null then '{}' else t.differs end as changed,
       case when %(reads)s then t.instructions end as instructions, t.model_config, t.tools, t.created_at, t.created_by,
       u.name as created_by_name
from told t left join users u on u.id = t.created_by
order by t.id desc limit %(limit)s
"""
"""Each is told against the one before it: so one more is read than is shown, and no more than that."""


async def note_version(tx: Tx, actor: Actor, agent_id: UUID, persona: Persona) -> None:
    """Keep what an agent thinks with from now on."""
    await tx.run(
        """
        insert into agent_versions (id, org_id, agent_id, version, instructions, model_config, tools, created_by)
        values (%(id)s, %(org)s, %(agent)s, %(version)s, %(instructions)s, %(model)s, %(tools)s, %(actor)s)
        """,
        {
            "id": new_id(),
            "org": actor.org,
            "agent": agent_id,
            "version": persona.version,
            "instructions": persona.instructions,
            "model": Jsonb(persona.model_config),
            "tools": Jsonb(persona.tools),
            "actor": actor.id,
        },
    )


async def list_versions(
    tx: Tx, actor: Actor, agent_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[AgentVersion]:
    """List an agent's versions, newest first. Raises NOT_FOUND, INVALID (a damaged cursor)."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    agent = await access_agent(tx, actor, agent_id)
    values = {
        "agent": agent_id,
        "reads": may_read_instructions(actor, agent),
        "before": key[0] if key else None,
        "limit": size + 1,
    }
    return page_of(await tx.all(AgentVersion, _PAGE, values), size, lambda row: (row.id,))
