"""What agents may spend and what they spent: budgets, prices, usage."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.messages import find_place
from crewhall.faces.cli.output import say, say_json, say_list

if TYPE_CHECKING:
    from crewhall.faces.sdk import Budget, Client, Price, RateLimit, UsageRow

budget = typer.Typer(name="budget", help="Budgets and prices: what agents may spend.", no_args_is_help=True)
BudgetId = Annotated[str, typer.Argument(help="The budget's id (`crewhall budget list`).")]
Agent = Annotated[str | None, typer.Option("--agent", help="Of this agent, by code.")]
Where = Annotated[str | None, typer.Option("--in", help="In this conversation: a channel, @handle, @code or id.")]
Money = Annotated[str | None, typer.Option("--money", help="Limit of money, such as 12.50.")]
Currency = Annotated[str | None, typer.Option("--currency", help="Its currency; USD unless said.")]
Tokens = Annotated[int | None, typer.Option("--tokens", min=0, help="Limit of tokens, read and written.")]
Runs = Annotated[int | None, typer.Option("--runs", min=0, help="Limit of turns.")]
SPANS = {"hour": timedelta(days=1), "day": timedelta(days=30), "month": timedelta(days=366)}


@budget.command("list")
def list_budgets(context: typer.Context, agent: Agent = None, place: Where = None, as_json: Json = False) -> None:
    """List budgets with what is left of them."""

    async def work(client: "Client") -> list["Budget"]:
        agent_id, conversation_id = await _whose(client, agent, place)
        return [one async for one in client.budgets.list(agent_id=agent_id, conversation_id=conversation_id)]

    found = act(context, work)
    say_list(
        found,
        ("Budget", "At its limit", "Spent", "", "Id"),
        lambda one: [one.label, one.strictness, _spent(one), "used up" if one.is_used_up else "", one.id],
        "No budgets: nothing is limited.",
        as_json=wants_json(context, as_json),
    )


@budget.command("set")
def set_budget(
    context: typer.Context,
    agent: Agent = None,
    place: Where = None,
    per: Annotated[str, typer.Option("--per", help="day, month or total.")] = "month",
    soft: Annotated[bool, typer.Option("--soft", help="Warn at the limit, and go on.")] = False,
    money: Money = None,
    currency: Currency = None,
    tokens: Tokens = None,
    runs: Runs = None,
    as_json: Json = False,
) -> None:
    """Set a budget: of an agent, in a conversation, of both, or of the whole organization."""

    async def work(client: "Client") -> "Budget":
        agent_id, conversation_id = await _whose(client, agent, place)
        return await client.budgets.set(
            agent_id=agent_id, conversation_id=conversation_id, period=per, strictness="soft" if soft else "hard",
            money_limit=money, currency=currency, token_limit=tokens, run_limit=runs,
        )  # fmt: skip

    _report(context, as_json, act(context, work))


@budget.command("change")
def change_budget(
    context: typer.Context,
    budget_id: BudgetId,
    money: Money = None,
    currency: Currency = None,
    tokens: Tokens = None,
    runs: Runs = None,
    hard: Annotated[bool | None, typer.Option("--hard/--soft", help="Refuse at the limit, or only warn.")] = None,
    as_json: Json = False,
) -> None:
    """Change the limits of a budget; what is not named stays."""
    given = {"money_limit": money, "currency": currency, "token_limit": tokens, "run_limit": runs}
    changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if hard is not None:
        changes["strictness"] = "hard" if hard else "soft"
    _report(context, as_json, act(context, lambda client: client.budgets.change(budget_id, **changes)))


@budget.command("remove")
def remove_budget(context: typer.Context, budget_id: BudgetId) -> None:
    """Take a budget away."""
    act(context, lambda client: client.budgets.remove(budget_id))
    say("Taken away: it limits nothing any more.")


@budget.command("prices")
def list_prices(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="Part of provider:model.")] = None,
    own: Annotated[bool, typer.Option("--own", help="Leave out what came with Crewhall.")] = False,
    as_json: Json = False,
) -> None:
    """List what models cost per million tokens; the organization's own prices go before."""

    async def work(client: "Client") -> list["Price"]:
        return [one async for one in client.budgets.prices(text=text, own=own)]

    found = act(context, work)
    say_list(
        found,
        ("Model", "Read", "Cached", "Written", "", "From", "Source", "Id"),
        lambda one: [
            f"{one.provider}:{one.model}",
            *(f"{amount.normalize():f}" for amount in _amounts(one)),
            one.currency,
            one.valid_from.date().isoformat(),
            one.source or ("" if one.is_shipped else "own"),
            one.id,
        ],
        "No price is known.",
        as_json=wants_json(context, as_json),
    )


@budget.command("price")
def set_price(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="provider:model; * stands for anything.")],
    read: Annotated[str, typer.Option("--read", help="For a million tokens read.")],
    written: Annotated[str, typer.Option("--written", help="For a million tokens written.")],
    cached: Annotated[str | None, typer.Option("--cached", help="For a million read from the cache.")] = None,
    currency: Annotated[str, typer.Option("--currency", help="Their currency.")] = "USD",
    since: Annotated[datetime | None, typer.Option("--from", help="From when on; now unless said.")] = None,
    as_json: Json = False,
) -> None:
    """Set what a model costs."""
    provider, _, name = model.partition(":")
    made = act(
        context,
        lambda client: client.budgets.set_price(
            provider, name, input_price=read, output_price=written, cached_price=cached, currency=currency,
            valid_from=since.replace(tzinfo=UTC) if since else None,
        ),
    )  # fmt: skip
    if wants_json(context, as_json):
        say_json(made)
    else:
        say(f"{made.provider}:{made.model} costs {made.input_price} and {made.output_price} {made.currency} a million.")


@budget.command("withdraw-price")
def withdraw_price(
    context: typer.Context,
    price_id: Annotated[str, typer.Argument(help="The price's id (`crewhall budget prices --own`).")],
) -> None:
    """Let a price of the organization's own count no more."""
    act(context, lambda client: client.budgets.withdraw_price(price_id))
    say("Withdrawn.")


@budget.command("rates")
def list_rates(context: typer.Context, as_json: Json = False) -> None:
    """Say how many turns agents of each kind begin at most."""

    async def work(client: "Client") -> tuple[list["RateLimit"], dict[str, str]]:
        names = {one.kind: one.name async for one in client.agents.templates()}
        return [one async for one in client.budgets.rates()], names

    found, names = act(context, work)
    say_list(
        found,
        ("Kind", "As in New agent", "A minute", "At once", "An hour", "A day", ""),
        lambda one: [
            one.agent_kind,
            names.get(one.agent_kind),
            one.per_minute,
            one.burst,
            one.per_hour,
            one.per_day,
            "" if one.is_default else "own",
        ],
        as_json=wants_json(context, as_json),
    )


@budget.command("rate")
def set_rate(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="The kind of agent (`crewhall budget rates`).")],
    minute: Annotated[int, typer.Option("--minute", min=1, help="Turns a minute.")] = 600,
    burst: Annotated[int, typer.Option("--burst", min=1, help="Turns at once.")] = 300,
    hour: Annotated[int, typer.Option("--hour", min=1, help="Turns an hour.")] = 12_000,
    day: Annotated[int, typer.Option("--day", min=1, help="Turns a day.")] = 100_000,
    reset: Annotated[bool, typer.Option("--reset", help="As it comes with Crewhall.")] = False,
) -> None:
    """Limit how many turns agents of a kind begin; what is over it waits."""

    async def work(client: "Client") -> None:
        if reset:
            await client.budgets.reset_rate(kind)
        else:
            await client.budgets.set_rate(kind, per_minute=minute, per_hour=hour, per_day=day, burst=burst)

    act(context, work)
    say("As it comes with Crewhall." if reset else f"{kind}: {minute} a minute, {hour} an hour, {day} a day.")


def usage(
    context: typer.Context,
    agent: Agent = None,
    place: Where = None,
    by: Annotated[str, typer.Option("--by", help="total, agent or conversation.")] = "total",
    span: Annotated[str, typer.Option("--span", help="hour (the last day), day (30 days) or month (a year).")] = "day",
    as_json: Json = False,
) -> None:
    """Say what turns took: tokens and money, by time."""

    async def work(client: "Client") -> list["UsageRow"]:
        agent_id, conversation_id = await _whose(client, agent, place)
        since = datetime.now(UTC) - SPANS.get(span, SPANS["day"])
        found = client.budgets.usage(
            span=span, group=by, agent_id=agent_id, conversation_id=conversation_id, since=since
        )
        return [row async for row in found]

    found = act(context, work)
    say_list(
        found,
        ("From (UTC)", "Of", "Turns", "Read", "Written", "Cost"),
        lambda row: [_begin(row), _of(row), row.runs, row.input_tokens, row.output_tokens, _cost(row)],
        "Nothing was used.",
        as_json=wants_json(context, as_json),
    )


async def _whose(client: "Client", agent: str | None, place: str | None) -> tuple[str | None, str | None]:
    who = await client.agents.find(agent) if agent else None
    where = await find_place(client, place) if place else None
    return who.id if who else None, where.id if where else None


def _report(context: typer.Context, as_json: bool, made: "Budget") -> None:
    if wants_json(context, as_json):
        say_json(made)
    else:
        say(f"{made.label}: {_spent(made)} spent, {made.strictness}. {made.id}")


def _spent(one: "Budget") -> str:
    """What is spent of each limit."""
    said = []
    if one.money_limit is not None:
        said.append(f"{_money(one.standing.spent_money)} of {_money(one.money_limit)} {one.currency}")
    if one.token_limit is not None:
        said.append(f"{one.standing.spent_tokens:,} of {_counted(one.token_limit, 'token')}")
    if one.run_limit is not None:
        said.append(f"{one.standing.spent_runs:,} of {_counted(one.run_limit, 'turn')}")
    return ", ".join(said)


def _money(amount: Decimal) -> str:
    """To the cent; a small amount with as many decimals as it takes."""
    return f"{amount:,.2f}" if amount == round(amount, 2) else _plain(amount)


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'s' * (number != 1)}"


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():,f}"


def _amounts(price: "Price") -> tuple[Decimal, Decimal, Decimal]:
    return price.input_price, price.cached_price, price.output_price


def _begin(row: "UsageRow") -> str:
    shown = row.begins_at.astimezone(UTC)
    return {"hour": f"{shown:%Y-%m-%d %H:00}", "month": f"{shown:%Y-%m}"}.get(row.span, f"{shown:%Y-%m-%d}")


def _of(row: "UsageRow") -> str:
    if row.agent:
        return f"@{row.agent.code}"
    if row.conversation:
        return row.conversation.label
    return "other conversations" if row.group == "conversation" else "all"


def _cost(row: "UsageRow") -> str:
    known = ", ".join(f"{_plain(amount)} {currency}" for currency, amount in sorted(row.cost.items()))
    return known + (" and unknown" if known and row.unpriced_tokens else "unknown" if row.unpriced_tokens else "")
