"""Lending agents over HTTP: offered, accepted, changed, ended."""

from uuid import UUID

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from crewhall.agents import grant_queries, lending
from crewhall.agents.grant_schemas import AgentGrant, GrantAcceptance, GrantInput, GrantOffered, GrantPatch
from crewhall.agents.schemas import AgentDetail
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page


@post(
    "/{agent_id:uuid}/grants",
    summary="Offer to lend an agent",
    description="The answer has a code, shown this once and good for seven days: who may create agents in another "
    "organization accepts with it. What is given here overrides the agent's own there.",
)
async def offer_agent(
    agent_id: FromPath[UUID],
    data: JSONBody[GrantInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> GrantOffered:
    """Offer to lend an agent to another organization."""
    async with services.db.transaction(actor) as tx:
        return await lending.offer_agent(tx, actor, agent_id, data)


@get(
    "/",
    summary="List grants",
    description="By which agents of the organization are lent to others, and by which it borrows some; newest first.",
)
async def list_grants(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent: FromQuery[UUID | None] = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[AgentGrant]:
    """List what is lent and borrowed."""
    async with services.db.transaction(actor) as tx:
        return await grant_queries.list_grants(tx, actor, agent_id=agent, after=after, limit=limit)


@post("/accept", summary="Borrow an agent", description="It gets a name here, and follows what its lender changes.")
async def accept_grant(
    data: JSONBody[GrantAcceptance], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> AgentDetail:
    """Borrow the agent that a code lends."""
    async with services.db.transaction(actor) as tx:
        return await lending.accept_grant(tx, actor, data)


@get("/{grant_id:uuid}", summary="Show a grant")
async def show_grant(
    grant_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> AgentGrant:
    """Show a grant as the caller's side sees it."""
    async with services.db.transaction(actor) as tx:
        return await grant_queries.show_grant(tx, actor, grant_id)


@patch("/{grant_id:uuid}", summary="Change what a grant overrides", description="Either side may; both are told.")
async def change_grant(
    grant_id: FromPath[UUID],
    data: JSONBody[GrantPatch],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> AgentGrant:
    """Change what is overridden where the agent is lent to."""
    async with services.db.transaction(actor) as tx:
        return await lending.change_grant(tx, actor, grant_id, data)


@delete(
    "/{grant_id:uuid}",
    summary="End a grant",
    description="Either side may. The agent leaves the organization that borrowed it; what it wrote there stays.",
)
async def end_grant(
    grant_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """End the lending of an agent."""
    async with services.db.transaction(actor) as tx:
        await lending.end_grant(tx, actor, grant_id)


OF_AGENTS = [offer_agent]
ROUTER = api_router("/grants", [list_grants, accept_grant, show_grant, change_grant, end_grant], tags=["Agents"])
