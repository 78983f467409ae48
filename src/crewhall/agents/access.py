"""Who may do what with an agent. `access_agent` is the only way to load one for somebody.

Whether somebody may see an agent is decided by `may_see_agent` in the database: lists and single reads share it.
"""

from typing import Literal
from uuid import UUID

import msgspec

from crewhall.agents.schemas import AgentDetail
from crewhall.identity import AgentShown, Permission, check_permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND

Verb = Literal["see", "update", "delete", "credentials", "own_credentials"]

_PERMISSIONS: dict[Verb, Permission] = {
    "see": Permission.AGENTS_READ,
    "update": Permission.AGENTS_UPDATE,
    "delete": Permission.AGENTS_DELETE,
    "credentials": Permission.AGENTS_CREDENTIALS,
    "own_credentials": Permission.AGENTS_CREDENTIALS,
}


async def access_agent(tx: Tx, actor: Actor, agent_id: UUID, verb: Verb = "see", *, lock: bool = False) -> AgentDetail:
    """Return the agent for that use of it, locked until the transaction ends if asked.

    Raises NOT_FOUND when the actor may not even see it, FORBIDDEN when it may see but not use it so. The agent's
    owner may do everything with it that an admin may; an agent reads and rotates its own credentials.
    """
    if lock:
        await tx.run("select from agents where id = %(id)s for no key update", {"id": agent_id})
    found = await tx.find(AgentDetail, "select * from agent_details where id = %(id)s and visible", {"id": agent_id})
    if found is None:
        raise NOT_FOUND("There is no such agent.")
    if not _is_own(actor, found, verb):
        check_permission(actor, _PERMISSIONS[verb])
    return found


async def show_agent(tx: Tx, actor: Actor, agent_id: UUID) -> AgentDetail:
    """Return the agent as the actor may read it: its instructions are for itself, its owner and who manages agents.

    Raises NOT_FOUND.
    """
    found = await access_agent(tx, actor, agent_id)
    return found if may_read_instructions(actor, found) else msgspec.structs.replace(found, instructions=None)


def may_read_instructions(actor: Actor, agent: AgentDetail) -> bool:
    """Whether somebody who may see the agent may read its instructions: it, its owner, who manages agents."""
    return actor.id == agent.id or _is_own(actor, agent, "update") or is_allowed(actor, _PERMISSIONS["update"])


async def reload_agent(tx: Tx, agent_id: UUID) -> AgentDetail:
    """Return an agent that the transaction has just written, even where the actor gave away the right to see it."""
    return await tx.one(AgentDetail, "select * from agent_details where id = %(id)s", {"id": agent_id})


async def describe_itself(tx: Tx, agent: Actor) -> tuple[AgentShown, UUID | None]:
    """Return the acting agent as it sees itself, and its inbox."""
    found = await access_agent(tx, agent, agent.id)
    return AgentShown(found.id, found.code, found.name, found.status), found.inbox_id


def _is_own(actor: Actor, agent: AgentDetail, verb: Verb) -> bool:
    if actor.type is ActorType.AGENT:
        return verb == "own_credentials" and actor.id == agent.id
    return actor.type is ActorType.USER and actor.id == agent.owner_user_id
