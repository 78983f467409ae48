"""Reads of grants. A row is seen by both organizations; each is shown its own side of it."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.agents.grant_schemas import AgentGrant
from crewhall.agents.vocabulary import Visibility
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of


class GrantRow(msgspec.Struct, kw_only=True):
    """A grant with both its sides, for those who change it."""

    id: UUID
    org_id: UUID
    agent_id: UUID
    lender_name: str
    borrower_org_id: UUID | None
    borrower_name: str | None
    borrowed_agent_id: UUID | None
    visibility: Visibility | None
    config: dict[str, Any]
    knowledge: bool
    accepted_at: datetime | None
    ended_at: datetime | None


_ROW: LiteralString = """
select id, org_id, agent_id, lender_name, borrower_org_id, borrower_name, borrowed_agent_id, visibility, config,
       knowledge, accepted_at, ended_at
from agent_grants
where (org_id = any (current_orgs()) or borrower_org_id = any (current_orgs()))
"""
_SHOWN: LiteralString = """
select g.id, case when g.org_id = any (current_orgs()) then 'lent' else 'borrowed' end as direction,
       case when g.ended_at is not null then 'ended' when g.accepted_at is not null then 'accepted'
            when g.expires_at <= now() then 'lapsed' else 'offered' end as state,
       a.id as agent_id, a.code as agent_code, a.name as agent_name,
       case when g.org_id = any (current_orgs()) then g.borrower_name else g.lender_name end as other_organization,
       g.visibility, g.config, g.knowledge, g.expires_at, g.accepted_at, g.ended_at, g.created_at
from agent_grants g
join agents a on a.id = any (array[g.agent_id, g.borrowed_agent_id]) and a.org_id = any (current_orgs())
where (g.org_id = any (current_orgs()) or g.borrower_org_id = any (current_orgs()))
"""


async def list_grants(
    tx: Tx,
    actor: Actor,
    *,
    agent_id: UUID | None = None,
    is_open: bool | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[AgentGrant]:
    """List the grants by which agents of the organization are lent, and by which it borrows some, newest first.

    `is_open`: only those that are offered or accepted. Raises FORBIDDEN, INVALID (a damaged cursor).
    """
    check_permission(actor, Permission.AGENTS_UPDATE)
    size, key = check_limit(limit), decode_cursor(after, UUID)
    rows = await tx.all(
        AgentGrant,
        _SHOWN
        + """
          and (%(agent)s::uuid is null or a.id = %(agent)s) and (%(before)s::uuid is null or g.id < %(before)s)
          and (not %(open)s or g.ended_at is null and (g.accepted_at is not null or g.expires_at > now()))
        order by g.id desc limit %(limit)s
        """,
        {"agent": agent_id, "open": bool(is_open), "before": key[0] if key else None, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.id,))


async def show_grant(tx: Tx, actor: Actor, grant_id: UUID) -> AgentGrant:
    """Return a grant as the actor's side sees it. Raises NOT_FOUND, FORBIDDEN."""
    check_permission(actor, Permission.AGENTS_UPDATE)
    found = await tx.find(AgentGrant, _SHOWN + " and g.id = %(id)s", {"id": grant_id})
    if found is None:
        raise NOT_FOUND("There is no such grant.")
    return found


async def access_grant(tx: Tx, actor: Actor, grant_id: UUID, *, lock: bool = False) -> GrantRow:
    """Return a grant of either side, locked by its agent if asked: changes of both come one after the other.

    Raises NOT_FOUND, FORBIDDEN.
    """
    check_permission(actor, Permission.AGENTS_UPDATE)
    found = await tx.find(GrantRow, _ROW + " and id = %(id)s", {"id": grant_id})
    if found is None:
        raise NOT_FOUND("There is no such grant.")
    if lock:
        await _lock(tx, found.agent_id)
        found = await tx.one(GrantRow, _ROW + " and id = %(id)s", {"id": grant_id})
    return found


async def find_grants_of(tx: Tx, agent_id: UUID, *, lock: bool = False) -> list[GrantRow]:
    """The open grants by which an agent is lent, or borrowed; locked as by `access_grant` if asked."""
    which: LiteralString = _ROW + " and (agent_id = %(agent)s or borrowed_agent_id = %(agent)s) and ended_at is null"
    found = await tx.all(GrantRow, which + " order by id", {"agent": agent_id})
    if not found or not lock:
        return found
    await _lock(tx, found[0].agent_id)
    return await tx.all(GrantRow, which + " order by id", {"agent": agent_id})


async def _lock(tx: Tx, agent_id: UUID) -> None:
    await tx.run("select pg_advisory_xact_lock(hashtextextended('grants ' || %(id)s::text, 0))", {"id": agent_id})
