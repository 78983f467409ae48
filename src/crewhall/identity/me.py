"""Who is asking: a person with their account, or an agent as later domains describe it."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from crewhall.identity.accounts import get_profile
from crewhall.identity.organizations import get_organization
from crewhall.identity.schemas import ActorShown, AgentShown, Me
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx

AgentReader = Callable[[Tx, Actor], Awaitable[tuple[AgentShown, UUID | None]]]
"""Gives the acting agent and its inbox conversation."""

_agent_readers: list[AgentReader] = []


def provide_agent_profile(reader: AgentReader) -> None:
    """Say who describes an agent to itself (the last domain does: it knows the inbox)."""
    _agent_readers[:] = [reader]


async def get_me(tx: Tx, actor: Actor) -> Me:
    """Return the actor as it may see itself."""
    organization = await get_organization(tx, actor.org_id) if actor.org_id else None
    agent, inbox = None, None
    if actor.type is ActorType.AGENT and _agent_readers:
        agent, inbox = await _agent_readers[0](tx, actor)
    return Me(
        actor=ActorShown(actor.type, actor.id, actor.name),
        user=await get_profile(tx, actor) if actor.type is ActorType.USER else None,
        agent=agent,
        organization=organization,
        role=actor.role,
        inbox_id=inbox,
    )
