"""Prices, budgets and usage over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.agents import AgentKind
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.governance import budgets, prices, rates, storage, usage
from crewhall.governance.schemas import (
    Budget,
    BudgetInput,
    BudgetPatch,
    Price,
    PriceInput,
    RateInput,
    RateLimit,
    StorageRow,
    UsageRow,
)
from crewhall.governance.vocabulary import UsageGroup, UsageSpan
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page

PartOfName = Annotated[str | None, QueryParameter(description="Part of `provider:model`.", max_length=300)]
Own = Annotated[bool, QueryParameter(description="Leave out what came with Crewhall.")]
OfAgent = Annotated[UUID | None, QueryParameter(description="Only this agent's.")]
There = Annotated[UUID | None, QueryParameter(description="Only in this conversation.")]
Since = Annotated[datetime | None, QueryParameter(description="From the length of time on that holds this moment.")]
Until = Annotated[datetime | None, QueryParameter(description="Only what begins before this moment.")]


@get("/", summary="List prices", description="Those that count or will; the organization's own first.")
async def list_prices(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: PartOfName = None,
    own: Own = False,  # noqa: FBT002 - a query parameter
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Price]:
    """List what models cost."""
    async with services.db.transaction(actor) as tx:
        return await prices.list_prices(tx, q=q, own=own, after=after, limit=limit)


@get("/{price_id:uuid}", summary="Show a price", description="Withdrawn ones too: a run keeps the price of its time.")
async def get_price(
    price_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Price:
    """Show a price."""
    async with services.db.transaction(actor) as tx:
        return await prices.get_price(tx, price_id)


@post(
    "/",
    summary="Add a price",
    description="By owners and admins. The organization's own go before those that came with Crewhall, an exact name "
    "before a pattern, a longer pattern before a shorter one, the newer one before the older.",
)
async def add_price(
    data: JSONBody[PriceInput], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Price:
    """Add a price of the organization's own."""
    async with services.db.transaction(actor) as tx:
        return await prices.add_price(tx, actor, data)


@delete(
    "/{price_id:uuid}",
    summary="Withdraw a price",
    description="By owners and admins. It counts no more; runs that were costed with it keep it. 409 for a price that "
    "came with Crewhall.",
)
async def withdraw_price(
    price_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Withdraw a price of the organization's own."""
    async with services.db.transaction(actor) as tx:
        await prices.withdraw_price(tx, actor, price_id)


@get(
    "/",
    summary="List budgets",
    description="With how they stand. To owners and admins all, to others those of conversations that they may read.",
)
async def list_budgets(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent: OfAgent = None,
    conversation: There = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Budget]:
    """List budgets, the newest first."""
    async with services.db.transaction(actor) as tx:
        return await budgets.list_budgets(
            tx, actor, agent_id=agent, conversation_id=conversation, after=after, limit=limit
        )


@get("/{budget_id:uuid}", summary="Show a budget")
async def get_budget(
    budget_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Budget:
    """Show a budget with how it stands."""
    async with services.db.transaction(actor) as tx:
        return await budgets.get_budget(tx, actor, budget_id)


@post("/", summary="Set a budget", description="By owners and admins. What its period has seen already counts.")
async def open_budget(
    data: JSONBody[BudgetInput], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Budget:
    """Set a limit for an agent, a conversation, an agent in a conversation, or the organization."""
    async with services.db.transaction(actor) as tx:
        return await budgets.open_budget(tx, actor, data)


@patch("/{budget_id:uuid}", summary="Change a budget", description="By owners and admins; it holds at once.")
async def change_budget(
    budget_id: FromPath[UUID],
    data: JSONBody[BudgetPatch],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Budget:
    """Change the limits of a budget, or how strict it is."""
    async with services.db.transaction(actor) as tx:
        return await budgets.change_budget(tx, actor, budget_id, data)


@delete("/{budget_id:uuid}", summary="Take a budget away", description="By owners and admins.")
async def close_budget(
    budget_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Take a budget away."""
    async with services.db.transaction(actor) as tx:
        await budgets.close_budget(tx, actor, budget_id)


@get(
    "/",
    summary="List usage",
    description="What turns took by hour, day or month (UTC), newest first, of everybody, each agent or each "
    "conversation. Owners and admins have it of the whole organization, others of conversations that they may read.",
)
async def list_usage(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    span: FromQuery[UsageSpan] = UsageSpan.DAY,
    group: FromQuery[UsageGroup] = UsageGroup.TOTAL,
    agent: OfAgent = None,
    conversation: There = None,
    since: Since = None,
    until: Until = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[UsageRow]:
    """List what was used."""
    async with services.db.transaction(actor) as tx:
        return await usage.list_usage(
            tx,
            actor,
            span=span,
            group=group,
            agent_id=agent,
            conversation_id=conversation,
            since=since,
            until=until,
            after=after,
            limit=limit,
        )


@get("/", summary="List how often agents are asked", description="The limit of every kind of agent.")
async def list_rates(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page[RateLimit]:
    """List how many turns agents of each kind begin at most."""
    async with services.db.transaction(actor) as tx:
        return Page(await rates.list_rates(tx, actor))


@put("/{agent_kind:str}", summary="Limit a kind of agent", description="By owners and admins; what is over it waits.")
async def set_rate(
    agent_kind: FromPath[AgentKind],
    data: JSONBody[RateInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> RateLimit:
    """Say how many turns agents of a kind begin at most."""
    async with services.db.transaction(actor) as tx:
        return await rates.set_rate(tx, actor, agent_kind, data)


@delete(
    "/{agent_kind:str}",
    summary="Take a limit back",
    description="By owners and admins; the one that comes with Crewhall holds again.",
)
async def reset_rate(
    agent_kind: FromPath[AgentKind], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Let the limit that comes with Crewhall hold again."""
    async with services.db.transaction(actor) as tx:
        await rates.reset_rate(tx, actor, agent_kind)


@get(
    "/storage",
    summary="List storage",
    description="What files take, who stores most first; `since` bounds what counts as added, by the day (UTC).",
)
async def list_storage(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    group: FromQuery[UsageGroup] = UsageGroup.TOTAL,
    agent: OfAgent = None,
    conversation: There = None,
    since: Since = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[StorageRow]:
    """List what files take."""
    async with services.db.transaction(actor) as tx:
        return await storage.list_storage(
            tx, actor, group=group, agent_id=agent, conversation_id=conversation, since=since, after=after, limit=limit
        )


ROUTERS = [
    api_router("/rate-limits", [list_rates, set_rate, reset_rate], tags=["Budgets"]),
    api_router("/prices", [list_prices, get_price, add_price, withdraw_price], tags=["Budgets"]),
    api_router("/budgets", [list_budgets, get_budget, open_budget, change_budget, close_budget], tags=["Budgets"]),
    api_router("/usage", [list_usage, list_storage], tags=["Budgets"]),
]
