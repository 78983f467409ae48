"""Pages of budgets: what is left of each, the forms that set and change them, how often agents are asked."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.agents import KIND_NAMES, AgentKind, list_agents
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.governance import budgets, charts, rates
from crewhall.governance.charts import Meter
from crewhall.governance.reach import list_places
from crewhall.governance.schemas import Budget, BudgetInput, BudgetPatch, RateInput
from crewhall.governance.sentences import LENGTHS
from crewhall.governance.vocabulary import BudgetPeriod, Strictness
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.kernel.paging import MAX_LIMIT
from crewhall.kernel.place_names import place_name

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
STRICTNESSES = [(str(Strictness.HARD), "Stop"), (str(Strictness.SOFT), "Warn once")]
LIMITS = ("money_limit", "currency", "token_limit", "run_limit")


class _RateKind(msgspec.Struct):
    agent_kind: AgentKind


class ShownBudget(msgspec.Struct, frozen=True):
    """A budget with a bar for each of its limits."""

    budget: Budget
    meters: list[Meter]
    until: str


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
        budgets=show_limits(page.items),
        next=page.next,
        may_change=may_change,
        form=form or Form(),
        rate_form=rate_form or Form(),
        rates=limits,
        kinds=[(str(one.agent_kind), KIND_NAMES[one.agent_kind]) for one in limits],
        kind_names=KIND_NAMES,
        asks=asks,
        agents=[("", "Every agent"), *((one.id, f"{one.name} (@{one.code})") for one in agents)],
        places=[("", "Everywhere"), *((one.id, place_name(one)) for one in places)],
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


def show_limits(found: list[Budget]) -> list[ShownBudget]:
    """Budgets as lists show them."""
    return [_shown(one) for one in found]


def _shown(budget: Budget) -> ShownBudget:
    ends = budget.standing.ends_at
    until = f"until {ends.day} {ends:%B} (UTC)" if ends else "for good"
    if budget.period is BudgetPeriod.DAY:
        until = "until midnight (UTC)"
    return ShownBudget(budget, charts.meters_of(budget), until)


def _given(form: Form) -> list[str]:
    """The limits that were filled in; a currency stands with money alone."""
    return [name for name in LIMITS if name != "currency" or form.v("money_limit").strip()]


BUDGETS = [show_budgets, set_budget, show_budget, change_budget, remove_budget, set_rate]
