"""Reads: the directory of agents, and agents in short for other domains."""

from collections.abc import Collection
from typing import LiteralString
from uuid import UUID

from crewhall.agents.schemas import Agent, AgentRef, AgentTemplate, Capability
from crewhall.agents.vocabulary import AgentKind, AgentStatus, Presence, Visibility
from crewhall.identity import Permission, check_permission, find_people
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

MAX_QUERY = 200

_LIST: LiteralString = """
select id, code, name, description, role_title, icon_url, kind, level, project_id, status, trust_score, presence,
       last_heartbeat_at, capabilities, visibility, owner_user_id, parent_agent_id, version, created_at, updated_at
from agent_details
where visible
  and case when %(visibility)s::text is null then visibility <> 'hidden' else visibility = %(visibility)s end
  and (%(found)s::uuid[] is null or id = any (%(found)s))
  and (%(status)s::text is null or status = %(status)s)
  and (%(kind)s::text is null or kind = %(kind)s)
  and (%(presence)s::text is null or presence = %(presence)s)
  and (%(after)s::uuid is null or id > %(after)s)
order by id limit %(limit)s
"""


async def list_agents(
    tx: Tx,
    actor: Actor,
    *,
    q: str | None = None,
    capability: str | None = None,
    status: AgentStatus | None = None,
    kind: AgentKind | None = None,
    presence: Presence | None = None,
    visibility: Visibility | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Agent]:
    """List the agents that the actor may see, oldest first.

    Hidden ones are left out, unless those who may see them ask for `visibility=hidden`. `q` finds beginnings of words
    in name, code, role and description, pieces of the name, and capabilities by their whole name.
    """
    check_permission(actor, Permission.AGENTS_READ)
    size = check_limit(limit)
    key = decode_cursor(after, UUID)
    filters = {"status": status, "kind": kind, "presence": presence, "visibility": visibility}
    rows = await tx.all(
        Agent,
        _LIST,
        {
            "found": await _search(tx, q.strip() if q else None, capability),
            "after": key[0] if key else None,
            "limit": size + 1,
            **{name: None if value is None else str(value) for name, value in filters.items()},
        },
    )
    return page_of(rows, size, lambda row: (row.id,))


async def list_capabilities(tx: Tx, actor: Actor, *, limit: int | None = None) -> list[Capability]:
    """List what agents that the actor may see can do, what most can first; hidden agents do not count."""
    check_permission(actor, Permission.AGENTS_READ)
    return await tx.all(
        Capability,
        """
        select word as capability, count(*) as agents from agent_details a cross join unnest(a.capabilities) as word
        where a.visible and a.visibility <> 'hidden'
        group by word order by count(*) desc, word limit %(limit)s
        """,
        {"limit": check_limit(limit)},
    )


async def find_owner_names(tx: Tx, agents: Collection[Agent]) -> dict[UUID, str]:
    """Return, by id, the names of the people who own the agents."""
    people = [agent.owner_user_id for agent in agents if agent.owner_user_id]
    return {one.id: one.name for one in (await find_people(tx, people)).values()} if people else {}


async def find_agents(tx: Tx, ids: Collection[UUID]) -> dict[UUID, AgentRef]:
    """Return, by id, those of the agents that exist and that the transaction's actor may see."""
    rows = await tx.all(
        AgentRef,
        """
        select id, code, name, status, presence, visibility from agent_details where visible and id = any (%(ids)s)
        """,
        {"ids": list(ids)},
    )
    return {row.id: row for row in rows}


async def find_agents_by_codes(tx: Tx, codes: Collection[str]) -> dict[str, AgentRef]:
    """Return, by code, those of the agents that exist and that the transaction's actor may see."""
    rows = await tx.all(
        AgentRef,
        """
        select id, code, name, status, presence, visibility from agent_details where visible and code = any (%(codes)s)
        """,
        {"codes": list(codes)},
    )
    return {row.code: row for row in rows}


async def is_offered(tx: Tx, model: str) -> bool:
    """Whether a model of Crewhall's own has a template, and the organization neither an agent of it nor of its code."""
    return bool(
        await tx.value(
            """
            select exists (select from agent_templates where code = %(model)s)
               and not exists (select from agents where org_id = any (current_orgs()) and deleted_at is null
                and (code = %(model)s
                     or (model_config ->> 'provider' = 'crewhall' and model_config ->> 'model' = %(model)s)))
            """,
            {"model": model},
        )
    )


async def list_templates(tx: Tx, *, after: str | None = None, limit: int | None = None) -> Page[AgentTemplate]:
    """List what a new agent may start from, by code."""
    size = check_limit(limit)
    key = decode_cursor(after, str)
    rows = await tx.all(
        AgentTemplate,
        """
        select code, name, description, role_title, instructions, kind, capabilities, model_config from agent_templates
        where %(after)s::text is null or code > %(after)s order by code limit %(limit)s
        """,
        {"after": key[0] if key else None, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.code,))


async def _search(tx: Tx, words: str | None, capability: str | None) -> list[UUID] | None:
    """Return who matches; None when nothing was searched for."""
    if not words and not capability:
        return None
    if words and len(words) > MAX_QUERY:
        raise INVALID(f"q is longer than {MAX_QUERY} characters.", field="q")
    wanted = [capability] if capability else None
    return await tx.values("select search_agents(%(q)s, %(wanted)s)", {"q": words or None, "wanted": wanted})
