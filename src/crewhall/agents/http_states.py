"""What an agent remembers of the caller, over HTTP."""

from uuid import UUID

from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from crewhall.agents.states import AgentState, AgentStateChange, get_state, set_state
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor


@get(
    "/{agent_id:uuid}/state",
    summary="Show what an agent remembers",
    description="Of the caller, a person; nobody else sees it. Version 0: nothing was kept yet.",
)
async def show_state(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> AgentState:
    """Show what an agent remembers of the caller."""
    async with services.db.transaction(actor) as tx:
        return await get_state(tx, actor, agent_id)


@put(
    "/{agent_id:uuid}/state",
    summary="Change what an agent remembers",
    description="Of the caller, as a whole. 409 `stale_state`, with the present state and version, when it is another "
    "version by now.",
)
async def change_state(
    agent_id: FromPath[UUID],
    data: JSONBody[AgentStateChange],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> AgentState:
    """Change what an agent remembers of the caller."""
    async with services.db.transaction(actor) as tx:
        return await set_state(tx, actor, agent_id, data)


HANDLERS = [show_state, change_state]
