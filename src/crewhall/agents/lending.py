"""Lending: an agent of one organization works in another, by a grant that both sides see.

Nothing of either organization is shown to the other but the agent itself: in the borrower's, a stand-in of its own is a
member like any agent, and follows what the lender changes. Each side of a change is written as the system of that
side's organization, so that the tenant policies hold throughout.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from psycopg.types.json import Jsonb

from crewhall.agents.access import access_agent, reload_agent
from crewhall.agents.actions import change_agent, delete_agent, insert_agent, persona_of
from crewhall.agents.borrowing import FOLLOWED, check_own, lent_tools
from crewhall.agents.events import AgentChanged, AgentDeleted
from crewhall.agents.grant_queries import GrantRow, access_grant, find_grants_of, show_grant
from crewhall.agents.grant_schemas import AgentGrant, GrantAcceptance, GrantInput, GrantOffered, GrantPatch
from crewhall.agents.persona import Persona, changed_columns
from crewhall.agents.quick_tasks import copy_quick_tasks, quick_tasks_of
from crewhall.agents.schemas import AgentDetail
from crewhall.agents.shapes import check_overrides
from crewhall.agents.status import TRANSITIONS
from crewhall.agents.vocabulary import AgentLevel, AgentStatus
from crewhall.identity import Permission, check_permission, get_organization
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.crypto import digest, new_token
from crewhall.kernel.db import SET_SCOPE, Tx, scope_of
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND
from crewhall.kernel.ids import new_id

GRANT = "cwg_"
GOOD_FOR = timedelta(days=7)
"""How long a code can be accepted."""


async def offer_agent(tx: Tx, actor: Actor, agent_id: UUID, data: GrantInput) -> GrantOffered:
    """Offer to lend an agent to whoever gets the code. Raises NOT_FOUND, FORBIDDEN, INVALID, BORROWED_AGENT."""
    agent = await access_agent(tx, actor, agent_id, lock=True)
    check_permission(actor, Permission.AGENTS_UPDATE)
    await check_own(tx, agent_id)
    check_overrides(data.config)
    code, grant_id = new_token(GRANT), new_id()
    await tx.run(
        """
        insert into agent_grants (
            id, org_id, agent_id, lender_name, visibility, config, knowledge, digest, expires_at, created_by)
        values (%(id)s, %(org)s, %(agent)s, %(name)s, %(visibility)s, %(config)s, %(knowledge)s, %(digest)s, %(until)s,
                %(by)s)
        """,
        {
            "id": grant_id,
            "org": actor.org,
            "agent": agent_id,
            "name": (await get_organization(tx, actor.org)).name,
            "visibility": str(data.visibility) if data.visibility else None,
            "config": Jsonb(data.config),
            "knowledge": data.knowledge,
            "digest": digest(code),
            "until": utc_now() + GOOD_FOR,
            "by": actor.id,
        },
    )
    await audit.record(tx, actor, "agent.offered", "agent", agent_id, {"code": agent.code})
    return GrantOffered(await show_grant(tx, actor, grant_id), code)


async def accept_grant(tx: Tx, actor: Actor, data: GrantAcceptance) -> AgentDetail:
    """Borrow the agent that a code lends; return the one that stands in for it in the actor's organization.

    Raises FORBIDDEN, NOT_FOUND (a code that opens nothing, or not any more), CONFLICT (one's own, a taken name).
    """
    check_permission(actor, Permission.AGENTS_CREATE)
    found = await tx.find(_Opened, "select * from find_grant(%(digest)s)", {"digest": digest(data.code)})
    if found is None:
        raise NOT_FOUND("This code opens nothing, or not any more. Ask who gave it to you for another.")
    if found.org_id == actor.org:
        raise CONFLICT("The agent is your organization's own: the code is for another one.")
    borrower = await get_organization(tx, actor.org)
    async with _within(tx, actor, found.org_id) as lender:
        grant = await access_grant(tx, lender, found.grant_id)
        origin = await access_agent(tx, lender, grant.agent_id, lock=True)  # before the grants, as who changes it
        grant = await access_grant(tx, lender, found.grant_id, lock=True)
        if grant.accepted_at or grant.ended_at:
            raise NOT_FOUND("This code opens nothing any more. Ask who gave it to you for another.")
    blank = Persona(name=data.name or origin.name, code=data.agent_code or "", owner_user_id=_person(actor))
    made = await insert_agent(tx, actor, _following(persona_of(origin), grant, blank))
    async with _within(tx, actor, found.org_id) as lender:
        await tx.run(
            """
            update agent_grants set accepted_at = now(), borrower_org_id = %(org)s, borrower_name = %(name)s,
                borrowed_agent_id = %(agent)s
            where id = %(id)s and accepted_at is null and ended_at is null
            """,
            {"id": grant.id, "org": actor.org, "name": borrower.name, "agent": made.id},
        )
        told = {"code": origin.code, "organization": borrower.name}
        await audit.record(tx, lender, "agent.lent", "agent", origin.id, told)
        tasks = await quick_tasks_of(tx, origin.id)
    await copy_quick_tasks(tx, actor, tasks, made.id)
    told = {"code": made.code, "organization": grant.lender_name}
    await audit.record(tx, actor, "agent.borrowed", "agent", made.id, told)
    return await reload_agent(tx, made.id)


async def change_grant(tx: Tx, actor: Actor, grant_id: UUID, data: GrantPatch) -> AgentGrant:
    """Change what a grant overrides; either side may, both are told. Knowledge is the lender's to give and take.

    Raises NOT_FOUND, FORBIDDEN, INVALID, CONFLICT.
    """
    check_permission(actor, Permission.AGENTS_UPDATE)
    grant = await access_grant(tx, actor, grant_id, lock=True)
    if grant.ended_at:
        raise CONFLICT("This grant has ended. Make another.")
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    check_overrides(given.get("config", {}))
    after = msgspec.structs.replace(grant, **given)
    changed = [name for name in given if getattr(after, name) != getattr(grant, name)]
    if not changed:
        return await show_grant(tx, actor, grant_id)
    if "knowledge" in changed and actor.org != grant.org_id:
        raise FORBIDDEN("Only the organization that lends the agent gives or takes its knowledge. Ask them.")
    async with _within(tx, actor, grant.org_id) as lender:
        origin = persona_of(await access_agent(tx, lender, grant.agent_id))
    await _follow(tx, actor, origin, after, before=None)
    async with _within(tx, actor, grant.org_id):
        await tx.run(
            """
            update agent_grants set visibility = %(visibility)s, config = %(config)s, knowledge = %(knowledge)s
            where id = %(id)s
            """,
            {
                "id": grant_id,
                "visibility": str(after.visibility) if after.visibility else None,
                "config": Jsonb(after.config),
                "knowledge": after.knowledge,
            },
        )
    for side, agent_id in _sides(grant):
        async with _within(tx, actor, side) as system:
            by = actor if side == actor.org else system
            await audit.record(tx, by, "agent.grant_changed", "agent", agent_id, {"changed": sorted(changed)})
    return await show_grant(tx, actor, grant_id)


async def end_grant(tx: Tx, actor: Actor, grant_id: UUID) -> None:
    """End a grant from either side: the agent leaves the borrower's organization, what it wrote there stays.

    Raises NOT_FOUND, FORBIDDEN; ending one that has ended changes nothing.
    """
    check_permission(actor, Permission.AGENTS_UPDATE)
    grant = await access_grant(tx, actor, grant_id, lock=True)
    if grant.ended_at is None:
        await _end(tx, actor, grant)


async def follow_agent(tx: Tx, actor: Actor, event: AgentChanged) -> None:
    """Whoever stands in for an agent that was changed changes with it."""
    if not any(grant.agent_id == event.agent_id for grant in await find_grants_of(tx, event.agent_id)):
        return  # a stand-in, whose row is locked by now, must not wait for those who wait for that row
    grants = await find_grants_of(tx, event.agent_id, lock=True)
    origin = persona_of(await reload_agent(tx, event.agent_id))
    for grant in grants:
        await _follow(tx, actor, origin, grant, before=event.status_before)


async def end_grants_of(tx: Tx, actor: Actor, event: AgentDeleted) -> None:
    """An agent that is deleted is lent no more; a stand-in that is deleted goes back."""
    for grant in await find_grants_of(tx, event.agent_id):
        await _end(tx, actor, grant, gone=event.agent_id)


class _Opened(msgspec.Struct):
    grant_id: UUID
    org_id: UUID


async def _follow(tx: Tx, actor: Actor, origin: Persona, grant: GrantRow, *, before: AgentStatus | None) -> None:
    """Change a stand-in to what it follows; its standing moves along where it was that of its origin (`before`)."""
    if grant.borrowed_agent_id is None or grant.borrower_org_id is None:
        return
    async with _within(tx, actor, grant.borrower_org_id) as system:
        if not await _lock_stand_in(tx, grant.borrowed_agent_id):
            return
        now = persona_of(await access_agent(tx, system, grant.borrowed_agent_id))
        after = _following(origin, grant, now)
        if before is now.status and origin.status in TRANSITIONS[now.status]:
            after = msgspec.structs.replace(after, status=origin.status)
        if changed := changed_columns(now, after):
            await change_agent(tx, system, grant.borrowed_agent_id, now, after, changed)


def _following(origin: Persona, grant: GrantRow, own: Persona) -> Persona:
    """What a stand-in is: what is its own, what it follows, what the grant overrides of that."""
    followed: dict[str, Any] = {name: getattr(origin, name) for name in FOLLOWED}
    lent = lent_tools(own.tools)
    followed["tools"] = lent_tools(origin.tools) + [name for name in own.tools if name not in lent]
    followed["visibility"] = grant.visibility or origin.visibility
    followed["model_config"] = {**origin.model_config, **grant.config}
    return msgspec.structs.replace(own, **followed, level=AgentLevel.ORGANIZATION, project_id=None)


async def _end(tx: Tx, actor: Actor, grant: GrantRow, gone: UUID | None = None) -> None:
    """Note that a grant has ended, then delete the stand-in, whose own deletion finds no open grant any more.

    The stand-in is locked before the grant, as wherever both are.
    """
    borrower, borrowed = grant.borrower_org_id, grant.borrowed_agent_id
    if borrower is not None and borrowed is not None and borrowed != gone:
        async with _within(tx, actor, borrower) as system:
            if not await _lock_stand_in(tx, borrowed):
                return
            await _note_end(tx, system, grant)
            await delete_agent(tx, system, borrowed)
    else:
        await _note_end(tx, actor, grant)
    for side, agent_id in _sides(grant):
        async with _within(tx, actor, side) as system:
            by = actor if side == actor.org else system
            other = grant.borrower_name if side == grant.org_id else grant.lender_name
            told = {"organization": other} if other else {}
            await audit.record(tx, by, "agent.grant_ended", "agent", agent_id, told)


async def _lock_stand_in(tx: Tx, agent_id: UUID) -> bool:
    """Lock a stand-in; False where it was deleted meanwhile, which has ended its grant."""
    there = "select true from agents where id = %(id)s and deleted_at is null for no key update"
    return bool(await tx.value(there, {"id": agent_id}))


async def _note_end(tx: Tx, actor: Actor, grant: GrantRow) -> None:
    async with _within(tx, actor, grant.org_id):
        await tx.run("update agent_grants set ended_at = now() where id = %(id)s", {"id": grant.id})


def _sides(grant: GrantRow) -> list[tuple[UUID, UUID]]:
    """The organizations of a grant, each with its agent."""
    sides = [(grant.org_id, grant.agent_id)]
    if grant.borrower_org_id is not None and grant.borrowed_agent_id is not None:
        sides.append((grant.borrower_org_id, grant.borrowed_agent_id))
    return sides


@asynccontextmanager
async def _within(tx: Tx, actor: Actor, org_id: UUID) -> AsyncIterator[Actor]:
    """Act as the system of a side of a grant while the block runs. A transaction that fails is undone anyway."""
    system = system_actor(org_id)
    await tx.run(SET_SCOPE, scope_of(system))
    yield system
    await tx.run(SET_SCOPE, scope_of(actor))


def _person(actor: Actor) -> UUID | None:
    return actor.id if actor.type is ActorType.USER else None
