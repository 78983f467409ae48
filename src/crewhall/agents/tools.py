"""What agents, and whoever comes through MCP, can learn about agents."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from crewhall.agents import queries
from crewhall.agents.tools_memory import MEMORY
from crewhall.agents.vocabulary import AgentKind, AgentStatus, Presence
from crewhall.kernel.tools import Caller, Risk, Tool, described

__all__ = ["MEMORY", "TOOLS"]


class ShownAgent(Struct, kw_only=True):
    """An agent. Its `code` mentions it, as in @code."""

    id: UUID
    code: str
    name: str
    description: str | None
    role_title: str | None
    kind: AgentKind
    status: AgentStatus
    presence: Presence
    capabilities: list[str]


class Agents(Struct):
    """A page of agents, oldest first. `next` is given back as `after`."""

    agents: list[ShownAgent]
    next: str | None = None


class ListAgents(Struct, forbid_unknown_fields=True, kw_only=True):
    """List the agents of the organization that you may see, or find them by words or capability."""

    text: Annotated[str, Meta(description="Words, or their beginnings, in name, code, role, description.")] | None = (
        None
    )
    capability: str | None = None
    status: AgentStatus | None = None
    after: Annotated[str, Meta(description="The `next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 50


async def list_agents(caller: Caller, asked: ListAgents) -> Agents:
    """A page of the agents that the caller may see."""
    async with caller.db.transaction(caller.actor) as tx:
        page = await queries.list_agents(
            tx, caller.actor, q=asked.text, capability=asked.capability, status=asked.status,
            after=asked.after, limit=asked.limit,
        )  # fmt: skip
    return Agents([msgspec.convert(item, ShownAgent, from_attributes=True) for item in page.items], page.next)


TOOLS = (
    Tool(
        "list_agents", described(ListAgents), ListAgents, list_agents,
        is_repeatable=True, gives=Agents, title="List agents", risk=Risk.READ,
    ),
)  # fmt: skip
