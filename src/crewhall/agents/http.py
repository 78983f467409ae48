"""Agents over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.agents import access, actions, queries
from crewhall.agents.http_credentials import HANDLERS as CREDENTIALS
from crewhall.agents.http_grants import OF_AGENTS
from crewhall.agents.http_grants import ROUTER as GRANTS
from crewhall.agents.http_quick_tasks import HANDLERS as QUICK_TASKS
from crewhall.agents.http_states import HANDLERS as STATES
from crewhall.agents.http_versions import HANDLERS as VERSIONS
from crewhall.agents.lifecycle import AgentParts
from crewhall.agents.schemas import (
    Agent,
    AgentDetail,
    AgentInput,
    AgentPatch,
    AgentTemplate,
    Capability,
    ForkInput,
    Heartbeat,
    HeartbeatInput,
)
from crewhall.agents.vocabulary import AgentKind, AgentStatus, Presence, Visibility
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import FORBIDDEN
from crewhall.kernel.paging import Page

Words = Annotated[
    str | None,
    QueryParameter(description="Words, or their beginnings, in name, code, role, description; or a capability."),
]


@get(
    "/",
    summary="List agents",
    description="Hidden agents are shown only with `visibility=hidden`, to who may see them.",
)
async def list_agents(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Words = None,
    capability: FromQuery[str | None] = None,
    status: FromQuery[AgentStatus | None] = None,
    kind: FromQuery[AgentKind | None] = None,
    presence: FromQuery[Presence | None] = None,
    visibility: FromQuery[Visibility | None] = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Agent]:
    """List the agents that the caller may see, oldest first."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_agents(
            tx,
            actor,
            q=q,
            capability=capability,
            status=status,
            kind=kind,
            presence=presence,
            visibility=visibility,
            after=after,
            limit=limit,
        )


@post("/", summary="Create an agent", description="From a template if one is named; the code is made from the name.")
async def create_agent(
    data: JSONBody[AgentInput], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> AgentDetail:
    """Create an agent."""
    async with services.db.transaction(actor) as tx:
        return await actions.create_agent(tx, actor, data)


@get("/templates", summary="List agent templates")
async def list_templates(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[AgentTemplate]:
    """List what a new agent may start from."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_templates(tx, after=after, limit=limit)


@get(
    "/capabilities",
    summary="List what agents can do",
    description="Each capability with how many agents have it, the most frequent first; 200 at most, 50 unless asked.",
)
async def list_capabilities(
    services: NamedDependency[Services], actor: NamedDependency[Actor], limit: FromQuery[int | None] = None
) -> Page[Capability]:
    """List the capabilities of the agents that the caller may see."""
    async with services.db.transaction(actor) as tx:
        return Page(await queries.list_capabilities(tx, actor, limit=limit))


@get(
    "/{agent_id:uuid}",
    summary="Show an agent",
    description="`instructions` are null for whoever neither manages agents nor owns this one, nor is it.",
)
async def show_agent(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> AgentDetail:
    """Show an agent with all that makes it up."""
    async with services.db.transaction(actor) as tx:
        return await access.show_agent(tx, actor, agent_id)


@patch("/{agent_id:uuid}", summary="Change an agent", description="Only what is given changes.")
async def update_agent(
    agent_id: FromPath[UUID],
    data: JSONBody[AgentPatch],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> AgentDetail:
    """Change an agent."""
    async with services.db.transaction(actor) as tx:
        return await actions.update_agent(tx, actor, agent_id, data)


@delete("/{agent_id:uuid}", summary="Delete an agent", description="Softly: its keys stop, its inbox retires.")
async def delete_agent(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Delete an agent."""
    async with services.db.transaction(actor) as tx:
        await actions.delete_agent(tx, actor, agent_id)


@post("/{agent_id:uuid}/fork", summary="Fork an agent", description="A copy that remembers its origin.")
async def fork_agent(
    agent_id: FromPath[UUID],
    data: JSONBody[ForkInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> AgentDetail:
    """Copy an agent under a name of its own."""
    async with services.db.transaction(actor) as tx:
        return await actions.fork_agent(tx, actor, agent_id, data)


@post(
    "/{agent_id:uuid}/heartbeat",
    summary="Keep an agent present",
    description="Sent by the agent itself, at least once in `good_for_s` seconds; then it is offline. "
    "Without a body: online.",
    status_code=200,
)
async def beat(
    agent_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    data: JSONBody[HeartbeatInput | None] = None,
) -> Heartbeat:
    """Note that the agent is there."""
    if actor.id != agent_id:
        raise FORBIDDEN("Only the agent itself sends its heartbeat.")
    watch, presence = services.part(AgentParts).presence, Presence((data or HeartbeatInput()).presence)
    await watch.touch(actor, presence)
    return Heartbeat(presence, watch.timeout_s)


HANDLERS = [
    list_agents,
    create_agent,
    list_templates,
    list_capabilities,
    show_agent,
    update_agent,
    delete_agent,
    fork_agent,
    beat,
]

ROUTERS = [
    api_router("/agents", [*HANDLERS, *VERSIONS, *OF_AGENTS, *CREDENTIALS, *STATES, *QUICK_TASKS], tags=["Agents"]),
    GRANTS,
]
