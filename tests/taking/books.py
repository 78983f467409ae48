"""Short ways to budgets, prices and the ledger's rows."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from crewhall.governance.budgets import open_budget
from crewhall.governance.prices import add_price
from crewhall.governance.schemas import Budget, BudgetInput, Price, PriceInput
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.ids import new_id
from crewhall.runtime.runs import NewRun, Run, begin_run, insert_run
from crewhall.runtime.vocabulary import Cause
from tests.identity.hall import Org
from tests.support.openai import MODEL
from tests.turns.hall import TurnHall


class Period(msgspec.Struct):
    """How a budget stands in one period, as it is kept."""

    spent_money: Decimal
    spent_tokens: int
    spent_runs: int
    reserved_money: Decimal
    reserved_tokens: int


class Used(msgspec.Struct):
    """A bucket of usage, as it is kept."""

    span: str
    currency: str
    runs: int
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: Decimal


async def set_budget(hall: TurnHall, org: Org, **data: Any) -> Budget:
    """Open a budget as the owner."""
    async with hall.db.transaction(org.owner.actor) as tx:
        return await open_budget(tx, org.owner.actor, msgspec.convert(data, BudgetInput, strict=False))


async def set_price(hall: TurnHall, org: Org, **data: Any) -> Price:
    """Set what the scripted model costs, as the owner: a dollar per million read, two per million written."""
    given = {"provider": "scripted", "model": MODEL, "input_price": "1", "output_price": "2", **data}
    async with hall.db.transaction(org.owner.actor) as tx:
        return await add_price(tx, org.owner.actor, msgspec.convert(given, PriceInput, strict=False))


async def begin(hall: TurnHall, org: Org, agent: Actor, circle: UUID) -> Run:
    """A run of the agent there, claimed."""
    new = NewRun(
        org_id=org.id, conversation_id=circle, agent_id=agent.id, cause=Cause.API, author_type=org.owner.actor.type,
        author_id=org.owner.id, exchange_id=new_id(), prompt="go",
    )  # fmt: skip
    async with hall.db.transaction(system_actor(org.id)) as tx:
        run_id = await insert_run(tx, new)
        assert run_id is not None
        run = await begin_run(tx, run_id)
        assert run is not None
        return run


async def standing(hall: TurnHall, budget: Budget) -> Period:
    """How the newest period of a budget stands."""
    found = await hall.rows(
        Period,
        "select spent_money, spent_tokens, spent_runs, reserved_money, reserved_tokens from budget_periods"
        " where budget_id = %(id)s order by begins_at desc limit 1",
        id=budget.id,
    )
    return found[0] if found else Period(Decimal(0), 0, 0, Decimal(0), 0)


async def usage(hall: TurnHall, org: Org, span: str = "month") -> list[Used]:
    """What an organization used."""
    return await hall.rows(
        Used,
        "select span, currency, sum(runs)::int as runs, sum(requests)::int as requests,"
        " sum(input_tokens)::int as input_tokens, sum(cached_tokens)::int as cached_tokens,"
        " sum(output_tokens)::int as output_tokens, sum(cost) as cost"
        " from usage_buckets where org_id = %(org)s and span = %(span)s group by span, currency order by currency",
        org=org.id,
        span=span,
    )
