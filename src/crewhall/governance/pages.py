"""Pages of money: what was used as pictures, budgets with what is left, the price list."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from crewhall.agents import AgentKind, access_agent, list_agents
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.governance import budgets, charts, prices, rates, usage
from crewhall.governance.charts import Meter
from crewhall.governance.money import in_words
from crewhall.governance.reach import access_place, list_places
from crewhall.governance.schemas import Budget, BudgetInput, BudgetPatch, PriceInput, RateInput, UsageRow
from crewhall.governance.sentences import LENGTHS, name_place
from crewhall.governance.vocabulary import BudgetPeriod, Strictness, UsageGroup, UsageSpan
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.kernel.paging import MAX_LIMIT

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
SPANS = {UsageSpan.HOUR: "24 hours", UsageSpan.DAY: "30 days", UsageSpan.MONTH: "12 months"}
STRICTNESSES = [(str(Strictness.HARD), "Stop"), (str(Strictness.SOFT), "Warn once")]
LIMITS = ("money_limit", "currency", "token_limit", "run_limit")
SHARES = 12
"""Most agents, and most conversations, that are shown side by side."""


class _RateKind(msgspec.Struct):
    agent_kind: AgentKind


class Share(msgspec.Struct, frozen=True):
    """What one agent or one conversation used, beside the others."""

    name: str
    link: str | None
    said: str
    cost: str
    width: int


class ShownBudget(msgspec.Struct, frozen=True):
    """A budget with a bar for each of its limits."""

    budget: Budget
    meters: list[Meter]
    until: str


class Total(msgspec.Struct):
    """What some rows of usage add up to."""

    runs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unpriced_tokens: int = 0
    cost: dict[str, Decimal] = {}

    @property
    def money(self) -> str:
        """The cost in words, every currency of it; what nobody knows the price of is said."""
        known = " + ".join(in_words(amount, currency) for currency, amount in sorted(self.cost.items()) if amount)
        if self.unpriced_tokens:
            return f"{known} and unknown" if known else "unknown"
        return known or "nothing"


def total_of(rows: list[UsageRow]) -> Total:
    """Add rows up."""
    cost: dict[str, Decimal] = {}
    for row in rows:
        for currency, amount in row.cost.items():
            cost[currency] = cost.get(currency, Decimal(0)) + amount
    names = ("runs", "input_tokens", "output_tokens", "unpriced_tokens")
    return Total(**{name: sum(getattr(row, name) for row in rows) for name in names}, cost=cost)


@get("/usage")
async def show_usage(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    span: FromQuery[UsageSpan] = UsageSpan.DAY,
    agent: FromQuery[UUID | None] = None,
    conversation: FromQuery[UUID | None] = None,
) -> Page:
    """What turns took, over time, by agent and by conversation."""
    now = datetime.now(UTC)
    whose: dict[str, Any] = {"agent_id": agent, "conversation_id": conversation}
    async with services.db.transaction(actor) as tx:
        of = await access_agent(tx, actor, agent) if agent else None
        place = await access_place(tx, actor, conversation) if conversation else None
        since = charts.slots(span, now)[0]
        rows = await _all_usage(tx, actor, span=span, since=since, **whose)
        asked = {"span": span, "since": since, "most": SHARES, **whose}
        by_agent = [] if agent else await usage.sum_usage(tx, actor, group=UsageGroup.AGENT, **asked)
        by_place = [] if conversation else await usage.sum_usage(tx, actor, group=UsageGroup.CONVERSATION, **asked)
        limits = (await budgets.list_budgets(tx, actor, agent_id=agent, conversation_id=conversation)).items
    return await render_in_hall(
        "usage.html",
        request,
        services,
        actor,
        of=of,
        place=name_place(place) if place else None,
        conversation=conversation,
        spans=SPANS,
        span=span,
        kept="".join(f"{name}={value}&" for name, value in (("agent", agent), ("conversation", conversation)) if value),
        total=total_of(rows),
        charts=[*charts.money_charts(rows, span, now), charts.token_chart(rows, span, now)] if rows else [],
        agents=_shares(by_agent, span),
        places_used=_shares(by_place, span),
        limits=[_shown(one) for one in limits],
    )


@get("/budgets")
async def show_budgets(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """Budgets, and what is left of them."""
    return await _budgets_page(request, services, actor, after=after)


@post("/budgets")
async def set_budget(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Set a budget; one that would stop agents at once only when that was confirmed."""
    form = await read_form(request)
    try:
        data = form.read(BudgetInput, "agent_id", "conversation_id", "period", "strictness", *_given(form))
        async with services.db.transaction(actor) as tx:
            made = await budgets.open_budget(tx, actor, data)
            stops_at_once = made.strictness is Strictness.HARD and made.is_used_up
            if stops_at_once and form.v("confirmed") != "yes":
                raise INVALID(
                    "This is used up already: agents would stop at once. Set it again to confirm.", field="confirmed"
                )
    except CrewhallError as error:
        form.refuse(error)
        asks = error.fields.get("field") == "confirmed"
        return await _budgets_page(request, services, actor, form=form, asks=asks, status=error.kind.status)
    return go("/budgets", "The budget is set.")


@get("/budgets/{budget_id:uuid}")
async def show_budget(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    budget_id: FromPath[UUID],
) -> Page:
    """One budget: what is left, and the form that changes it."""
    return await _budget_page(request, services, actor, budget_id)


@post("/budgets/{budget_id:uuid}")
async def change_budget(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    budget_id: FromPath[UUID],
) -> Page:
    """Change a budget; a limit left empty is taken away."""
    form = await read_form(request)
    try:
        data = form.read_all(BudgetPatch, *_given(form), "strictness")
        async with services.db.transaction(actor) as tx:
            await budgets.change_budget(tx, actor, budget_id, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _budget_page(request, services, actor, budget_id, form=form, status=error.kind.status)
    return go("/budgets", "Changed.")


@post("/budgets/{budget_id:uuid}/remove")
async def remove_budget(
    services: NamedDependency[Services], actor: NamedDependency[Actor], budget_id: FromPath[UUID]
) -> Redirect:
    """Take a budget away."""
    async with services.db.transaction(actor) as tx:
        await budgets.close_budget(tx, actor, budget_id)
    return go("/budgets", "The budget is taken away.")


@post("/rates")
async def set_rate(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Limit how often agents of a kind are asked."""
    form = await read_form(request)
    try:
        data = form.read(RateInput, "per_minute", "burst", "per_hour", "per_day")
        kind = form.read(_RateKind, "agent_kind").agent_kind
        async with services.db.transaction(actor) as tx:
            await rates.set_rate(tx, actor, kind, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _budgets_page(request, services, actor, rate_form=form, status=error.kind.status)
    return go("/budgets", f"Turns of {kind.replace('_', ' ')} agents are limited.")


@get("/prices")
async def show_prices(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Annotated[str | None, QueryParameter(max_length=300)] = None,
    after: FromQuery[str | None] = None,
) -> Page:
    """What models cost."""
    return await _prices_page(request, services, actor, q=q, after=after)


@post("/prices")
async def add_price(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Set a price of the organization's own."""
    form = await read_form(request)
    try:
        names = ("provider", "model", "input_price", "output_price", "cached_price", "currency", "source")
        data = form.read(PriceInput, *names)
        async with services.db.transaction(actor) as tx:
            made = await prices.add_price(tx, actor, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _prices_page(request, services, actor, form=form, status=error.kind.status)
    return go("/prices", f"{made.provider}:{made.model} has a price.")


@post("/prices/{price_id:uuid}/withdraw")
async def withdraw_price(
    services: NamedDependency[Services], actor: NamedDependency[Actor], price_id: FromPath[UUID]
) -> Redirect:
    """Let a price count no more."""
    async with services.db.transaction(actor) as tx:
        await prices.withdraw_price(tx, actor, price_id)
    return go("/prices", "Withdrawn.")


async def _budgets_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    *,
    form: Form | None = None,
    rate_form: Form | None = None,
    asks: bool = False,
    after: str | None = None,
    status: int = 200,
) -> Response[str]:
    may_change = budgets.may_change(actor)
    async with services.db.transaction(actor) as tx:
        page = await budgets.list_budgets(tx, actor, after=after)
        agents = (await list_agents(tx, actor, limit=MAX_LIMIT)).items if may_change else []
        places = await list_places(tx, actor, MAX_LIMIT) if may_change else []
        limits = await rates.list_rates(tx, actor)
    return await render_in_hall(
        "budgets.html",
        request,
        services,
        actor,
        status=status,
        budgets=[_shown(one) for one in page.items],
        next=page.next,
        may_change=may_change,
        form=form or Form(),
        rate_form=rate_form or Form(),
        rates=limits,
        kinds=[(str(one.agent_kind), one.agent_kind.replace("_", " ")) for one in limits],
        asks=asks,
        agents=[("", "Every agent"), *((one.id, f"{one.name} (@{one.code})") for one in agents)],
        places=[("", "Everywhere"), *((one.id, name_place(one)) for one in places)],
        periods=[(str(one), words.capitalize()) for one, words in LENGTHS.items()],
        strictnesses=STRICTNESSES,
    )


async def _budget_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    budget_id: UUID,
    *,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        found = await budgets.get_budget(tx, actor, budget_id)
    return await render_in_hall(
        "budget.html",
        request,
        services,
        actor,
        status=status,
        shown=_shown(found),
        may_change=budgets.may_change(actor),
        form=form or Form(),
        strictnesses=STRICTNESSES,
    )


async def _prices_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    *,
    q: str | None = None,
    after: str | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        page = await prices.list_prices(tx, q=q or None, after=after)
    return await render_in_hall(
        "prices.html",
        request,
        services,
        actor,
        status=status,
        prices=page.items,
        next=page.next,
        q=q or "",
        form=form or Form(),
        may_change=budgets.may_change(actor),
        now=datetime.now(UTC),
        plain=_plain,
    )


async def _all_usage(tx: Tx, actor: Actor, **asked: Any) -> list[UsageRow]:
    found: list[UsageRow] = []
    after: str | None = None
    while True:
        page = await usage.list_usage(tx, actor, after=after, limit=MAX_LIMIT, **asked)
        found += page.items
        after = page.next
        if after is None:
            return found


def _shares(rows: list[UsageRow], span: UsageSpan) -> list[Share]:
    """Who used how many tokens, beside whoever used most; what they cost."""
    most = max((row.input_tokens + row.output_tokens for row in rows), default=0)
    return [
        Share(
            name=_name(row),
            link=_link(row, span),
            said=f"{row.runs:,} turn{'' if row.runs == 1 else 's'}, {row.input_tokens + row.output_tokens:,} tokens",
            cost=total_of([row]).money,
            width=charts.share(row.input_tokens + row.output_tokens, most),
        )
        for row in rows
    ]


def _name(row: UsageRow) -> str:
    if row.agent:
        return row.agent.name
    return name_place(row.conversation) if row.conversation else "Conversations that you are not in"


def _link(row: UsageRow, span: UsageSpan) -> str | None:
    if row.agent:
        return f"/usage?agent={row.agent.id}&span={span}"
    return f"/usage?conversation={row.conversation.id}&span={span}" if row.conversation else None


def _shown(budget: Budget) -> ShownBudget:
    ends = budget.standing.ends_at
    until = f"until {ends.day} {ends:%B} (UTC)" if ends else "for good"
    if budget.period is BudgetPeriod.DAY:
        until = "until midnight (UTC)"
    return ShownBudget(budget, charts.meters_of(budget), until)


def _given(form: Form) -> list[str]:
    """The limits that were filled in; a currency stands with money alone."""
    return [name for name in LIMITS if name != "currency" or form.v("money_limit").strip()]


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


PAGES = page_router([
    show_usage, show_budgets, set_budget, show_budget, change_budget, remove_budget, set_rate,
    show_prices, add_price, withdraw_price,
])  # fmt: skip
