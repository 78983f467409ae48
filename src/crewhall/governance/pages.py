"""Pages of usage: what was used, as pictures."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from crewhall.agents import access_agent
from crewhall.faces.plumbing.pages import render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.governance import budgets, charts, storage, usage
from crewhall.governance.money import in_words
from crewhall.governance.pages_budgets import BUDGETS, show_limits
from crewhall.governance.pages_prices import PRICES
from crewhall.governance.reach import access_place
from crewhall.governance.schemas import UsageRow
from crewhall.governance.vocabulary import UsageGroup, UsageSpan
from crewhall.kernel.actor import Actor
from crewhall.kernel.counting import size_in_words
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import MAX_LIMIT
from crewhall.kernel.place_names import place_name

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
SPANS = {UsageSpan.HOUR: "24 hours", UsageSpan.DAY: "30 days", UsageSpan.MONTH: "12 months"}
SHARES = 12
"""Most agents, and most conversations, that are shown side by side."""


class Share(msgspec.Struct, frozen=True):
    """What one agent or one conversation used, beside the others."""

    name: str
    link: str | None
    said: str
    cost: str
    width: int


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
            return f"{known}, and some of unknown price" if known else "unknown"
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
        stored = (await storage.list_storage(tx, actor, **whose)).items
        limits = (await budgets.list_budgets(tx, actor, agent_id=agent, conversation_id=conversation)).items
    return await render_in_hall(
        "usage.html",
        request,
        services,
        actor,
        of=of,
        place=place_name(place) if place else None,
        conversation=conversation,
        spans=SPANS,
        span=span,
        kept="".join(f"{name}={value}&" for name, value in (("agent", agent), ("conversation", conversation)) if value),
        total=total_of(rows),
        may_change=budgets.may_change(actor),
        stored=size_in_words(stored[0].bytes) if stored else None,
        stored_files=stored[0].files if stored else 0,
        charts=[*charts.money_charts(rows, span, now), charts.token_chart(rows, span, now)] if rows else [],
        agents=_shares(by_agent, span),
        places_used=_shares(by_place, span),
        limits=show_limits(limits),
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
    return place_name(row.conversation) if row.conversation else "Conversations that you are not in"


def _link(row: UsageRow, span: UsageSpan) -> str | None:
    if row.agent:
        return f"/usage?agent={row.agent.id}&span={span}"
    return f"/usage?conversation={row.conversation.id}&span={span}" if row.conversation else None


PAGES = page_router([show_usage, *BUDGETS, *PRICES])
