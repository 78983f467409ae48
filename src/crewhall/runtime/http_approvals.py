"""Approvals over HTTP, and the policy that says when they are asked for."""

from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import MAX_LIMIT, Page
from crewhall.runtime import approval_queries, approval_standings, approvals, tool_policies
from crewhall.runtime.judging import ToolPolicy
from crewhall.runtime.schemas_approvals import ApprovalInput, ApprovalStanding, ApprovalView, RefusalInput
from crewhall.runtime.tools import TOOLS
from crewhall.runtime.vocabulary import ApprovalStatus

Of = Annotated[UUID | None, QueryParameter(description="Only this agent's.")]
Ids = Annotated[
    list[UUID] | None,
    QueryParameter(name="id", max_items=MAX_LIMIT, description="Only these calls; given again for each."),
]
DECIDERS = "Owners and admins decide, and the agent's owner."


@get(
    "/",
    summary="List approvals",
    description="Calls of agents that wait for a person, or waited, newest first: those that the caller decides about "
    f"or asked for. {DECIDERS}",
)
async def list_approvals(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    status: FromQuery[ApprovalStatus | None] = None,
    agent: Of = None,
    conversation: FromQuery[UUID | None] = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[ApprovalView]:
    """List what agents asked for."""
    async with services.db.transaction(actor) as tx:
        return await approval_queries.list_approvals(
            tx, actor, status=status, agent_id=agent, conversation_id=conversation, after=after, limit=limit
        )


@get(
    "/{conversation_id:uuid}/approvals",
    summary="List how calls stand that were asked about",
    description="Calls of agents that a person decides about, asked for in the conversation, newest first: the tool "
    "and what became of it, for whoever reads there.",
)
async def list_standings(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    ids: Ids = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[ApprovalStanding]:
    """List what agents asked to use in a conversation."""
    async with services.db.transaction(actor) as tx:
        return await approval_standings.list_standings(
            tx, actor, conversation_id, ids=ids or (), after=after, limit=limit
        )


@get("/{approval_id:uuid}", summary="Show an approval", description=f"To who asked, and who decides. {DECIDERS}")
async def get_approval(
    approval_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> ApprovalView:
    """Show what would be done, for whom and why."""
    async with services.db.transaction(actor) as tx:
        return await approval_queries.get_approval(tx, actor, approval_id)


@post(
    "/{approval_id:uuid}/approve",
    summary="Approve a call",
    description=f"Its turn goes on and makes it, with other arguments if given; the turn keeps both. {DECIDERS} 409 "
    "when it was decided, has expired, or its turn has ended.",
    status_code=200,
)
async def approve_call(
    approval_id: FromPath[UUID],
    data: JSONBody[ApprovalInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> ApprovalView:
    """Let a call be made."""
    async with services.db.transaction(actor) as tx:
        await approvals.approve(tx, actor, approval_id, TOOLS, arguments=data.arguments)
        return await approval_queries.get_approval(tx, actor, approval_id)


@post(
    "/{approval_id:uuid}/refuse",
    summary="Refuse a call",
    description=f"Its turn goes on; the agent reads the reason as the call's result. {DECIDERS} 409 when it was "
    "decided, has expired, or its turn has ended.",
    status_code=200,
)
async def refuse_call(
    approval_id: FromPath[UUID],
    data: JSONBody[RefusalInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> ApprovalView:
    """Refuse a call, with a reason."""
    async with services.db.transaction(actor) as tx:
        await approvals.refuse(tx, actor, approval_id, data.reason)
        return await approval_queries.get_approval(tx, actor, approval_id)


@get(
    "/",
    summary="Show the policy for tools",
    description="From which trust on calls are made, asked about or refused, by risk and by tool; which hosts `fetch` "
    "may reach.",
)
async def show_tool_policy(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> ToolPolicy:
    """Show what the tools of the organization's agents may do."""
    async with services.db.transaction(actor) as tx:
        return await tool_policies.read_tool_policy(tx, actor)


@put(
    "/",
    summary="Settle the policy for tools",
    description="As a whole: what is left out has its default. It holds for calls from now on.",
)
async def settle_tool_policy(
    data: JSONBody[ToolPolicy], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> ToolPolicy:
    """Settle what the tools of the organization's agents may do."""
    async with services.db.transaction(actor) as tx:
        return await tool_policies.set_tool_policy(tx, actor, data)


ROUTERS = [
    api_router("/approvals", [list_approvals, get_approval, approve_call, refuse_call], tags=["Approvals"]),
    api_router("/conversations", [list_standings], tags=["Approvals"]),
    api_router("/tool-policy", [show_tool_policy, settle_tool_policy], tags=["Approvals"]),
]
