"""Agents whose owner is deactivated rest: they neither answer nor sign in until the owner, or an admin, wakes them."""

from uuid import UUID

import msgspec

from crewhall.agents.actions import tell_status
from crewhall.agents.events import AgentChanged
from crewhall.agents.status import authenticates
from crewhall.agents.vocabulary import AgentStatus
from crewhall.identity.events import MemberDeactivated, MemberLeft, MemberReactivated
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.events import publish
from crewhall.kernel.verified import revoke


class _Standing(msgspec.Struct):
    agent_id: UUID
    code: str
    status: AgentStatus


async def lay_to_rest(tx: Tx, actor: Actor, event: MemberDeactivated) -> None:
    """Make the agents of who was deactivated inactive, and note the standing that they had."""
    owned = await tx.all(
        _Standing,
        """
        select id as agent_id, code, status from agents
        where org_id = %(org)s and owner_user_id = %(user)s and deleted_at is null order by id for update
        """,
        _whose(event.org_id, event.user_id),
    )
    for agent in owned:
        if not authenticates(agent.status):
            continue
        await _set_status(tx, actor, agent, agent.status, AgentStatus.INACTIVE)
        await revoke(tx, f"agent:{agent.agent_id}")
        await tx.run(
            """
            insert into resting_agents (org_id, agent_id, user_id, status)
            values (%(org)s, %(agent)s, %(user)s, %(status)s)
            on conflict (agent_id) do update set user_id = excluded.user_id, status = excluded.status
            """,
            {**_whose(event.org_id, event.user_id), "agent": agent.agent_id, "status": str(agent.status)},
        )


async def wake(tx: Tx, actor: Actor, event: MemberReactivated) -> None:
    """Give the agents that rest since their owner was deactivated the standing that they had.

    Those that were changed meanwhile, or have another owner, stay as they are.
    """
    resting = await tx.all(
        _Standing,
        """
        select r.agent_id, a.code, r.status from resting_agents r join agents a on a.id = r.agent_id
        where r.org_id = %(org)s and r.user_id = %(user)s and a.owner_user_id = r.user_id and a.status = 'inactive'
          and a.deleted_at is null order by r.agent_id
        """,
        _whose(event.org_id, event.user_id),
    )
    for agent in resting:
        await _set_status(tx, actor, agent, AgentStatus.INACTIVE, agent.status)
    await forget_resting(tx, event.org_id, event.user_id)


async def leave_resting(tx: Tx, _actor: Actor, event: MemberLeft) -> None:
    """Their owner does not come back: who manages agents decides about them from now on."""
    await forget_resting(tx, event.org_id, event.user_id)


async def forget_resting(tx: Tx, org_id: UUID, user_id: UUID) -> None:
    """Nothing of theirs rests any more."""
    await tx.run("delete from resting_agents where org_id = %(org)s and user_id = %(user)s", _whose(org_id, user_id))


async def _set_status(tx: Tx, actor: Actor, agent: _Standing, before: AgentStatus, after: AgentStatus) -> None:
    """Whoever deactivates a person acts on all that is theirs, agents that only their owner sees too."""
    await tx.run(
        "update agents set status = %(status)s, updated_by = %(by)s where id = %(id)s",
        {"id": agent.agent_id, "status": str(after), "by": actor.id},
    )
    await tell_status(tx, actor, agent.agent_id, agent.code, before, after)
    await publish(tx, actor, AgentChanged(agent.agent_id, actor.org, status_before=before))  # who stands in for it, too


def _whose(org_id: UUID, user_id: UUID) -> dict[str, UUID]:
    return {"org": org_id, "user": user_id}
