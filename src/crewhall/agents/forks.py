"""Forks: who was made from whom, and what a fork has come to do otherwise than its parent."""

from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.agents.access import access_agent, may_read_instructions
from crewhall.agents.schemas import AgentDetail, AgentRef
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

COMPARED = (
    "role_title", "description", "instructions", "kind", "model_config", "tools", "capabilities", "rag_enabled",
    "embedding_model", "scheduling_config", "visibility", "settings",
)  # fmt: skip
"""What is compared, in the order in which it is shown. A fork's name, code, keys, owner and version are its own."""


class FieldDifference(msgspec.Struct):
    """A field that differs: what the parent has there now, and what the fork has; both null where not to be read."""

    field: str
    parent: Any
    fork: Any


class ForkDifferences(msgspec.Struct):
    """How a fork differs from its parent as both are now.

    To who may not read the instructions of both it says that these differ, not how.

    `parent` is null where there is none to compare with: the agent is no fork, or its parent is gone or not to be seen.
    """

    parent: AgentRef | None
    differences: list[FieldDifference]


_FORKS: LiteralString = """
select id, code, name, status, presence, visibility from agent_details
where visible and visibility <> 'hidden' and parent_agent_id = %(agent)s and (%(after)s::uuid is null or id > %(after)s)
order by id limit %(limit)s
"""


async def list_forks(
    tx: Tx, actor: Actor, agent_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[AgentRef]:
    """List the forks of an agent that the actor may see, oldest first; hidden ones are left out. Raises NOT_FOUND."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    await access_agent(tx, actor, agent_id)
    values = {"agent": agent_id, "after": key[0] if key else None, "limit": size + 1}
    return page_of(await tx.all(AgentRef, _FORKS, values), size, lambda row: (row.id,))


async def find_parent(tx: Tx, agent: AgentDetail) -> AgentDetail | None:
    """The agent that this one was made from, where it is still there and the transaction's actor may see it."""
    if agent.parent_agent_id is None:
        return None
    return await tx.find(
        AgentDetail, "select * from agent_details where id = %(id)s and visible", {"id": agent.parent_agent_id}
    )


async def compare_with_parent(tx: Tx, actor: Actor, agent_id: UUID) -> ForkDifferences:
    """Return how an agent differs from its parent, if it has one that the actor may see. Raises NOT_FOUND."""
    fork = await access_agent(tx, actor, agent_id)
    parent = await find_parent(tx, fork)
    if parent is None:
        return ForkDifferences(None, [])
    reads = may_read_instructions(actor, fork) and may_read_instructions(actor, parent)
    pairs = [
        FieldDifference(name, getattr(parent, name), getattr(fork, name))
        if name != "instructions" or reads
        else FieldDifference(name, None, None)
        for name in COMPARED
        if getattr(parent, name) != getattr(fork, name)
    ]
    shown = AgentRef(*(getattr(parent, name) for name in AgentRef.__struct_fields__))
    return ForkDifferences(shown, pairs)
