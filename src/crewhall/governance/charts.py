"""Usage as pictures: bars over time, and shares side by side. Pure.

A bar chart is drawn on a plane of ten units for each bar and a hundred high; shares and what is left of a budget are in
thousandths.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

from crewhall.governance.money import in_words
from crewhall.governance.schemas import Budget, UsageRow
from crewhall.governance.vocabulary import UsageSpan

SLOT, GAP, HIGH, LEAST = 10, 2, 100, 2
WHOLE = 1000
SHOWN = {UsageSpan.HOUR: 24, UsageSpan.DAY: 30, UsageSpan.MONTH: 12}
"""How many lengths of time a chart shows."""


class Bar(Struct, frozen=True):
    """One length of time: where it stands, how high it is (0: nothing was used), and what it says."""

    at: int
    height: int
    when: str
    said: str

    @property
    def top(self) -> int:
        """Where it begins, from above."""
        return HIGH - self.height


class Chart(Struct, frozen=True):
    """Bars over time. `said` tells it in a sentence, `most` what the highest bar means, `ticks` what stands below."""

    name: str
    said: str
    most: str
    width: int
    bars: list[Bar]
    ticks: list[str]


class Meter(Struct, frozen=True):
    """What is left of a limit: spent and held, in thousandths of it."""

    said: str
    left: str
    spent: int
    reserved: int
    is_used_up: bool


def slots(span: UsageSpan, now: datetime) -> list[datetime]:
    """The beginnings of the lengths of time that a chart shows, the oldest first, the present one last."""
    now = now.astimezone(UTC)
    at = now.replace(minute=0, second=0, microsecond=0)
    if span is UsageSpan.HOUR:
        return [at - timedelta(hours=back) for back in reversed(range(SHOWN[span]))]
    at = at.replace(hour=0)
    if span is UsageSpan.DAY:
        return [at - timedelta(days=back) for back in reversed(range(SHOWN[span]))]
    months = [divmod(at.year * 12 + at.month - 1 - back, 12) for back in reversed(range(SHOWN[span]))]
    return [at.replace(year=year, month=month + 1, day=1) for year, month in months]


def token_chart(rows: Iterable[UsageRow], span: UsageSpan, now: datetime) -> Chart:
    """Tokens over time, read and written together."""
    taken = {row.begins_at: Decimal(row.input_tokens + row.output_tokens) for row in rows}
    return _chart("Tokens", taken, span, now, lambda amount: f"{int(amount):,} tokens")


def money_charts(rows: Sequence[UsageRow], span: UsageSpan, now: datetime) -> list[Chart]:
    """Money over time, one chart for each currency in which anything was spent."""
    currencies = sorted({name for row in rows for name, amount in row.cost.items() if amount > 0})

    def chart(currency: str) -> Chart:
        spent = {row.begins_at: row.cost.get(currency, Decimal(0)) for row in rows}
        name = "Money" if len(currencies) == 1 else f"Money in {currency}"
        return _chart(name, spent, span, now, lambda amount: in_words(amount, currency))

    return [chart(currency) for currency in currencies]


def meters_of(budget: Budget) -> list[Meter]:
    """What is left of each limit of a budget."""
    stood, found = budget.standing, []
    if budget.money_limit is not None and budget.currency is not None:
        currency = budget.currency
        found.append(
            _meter(stood.spent_money, stood.reserved_money, budget.money_limit, lambda one: in_words(one, currency))
        )
    if budget.token_limit is not None:
        found.append(_meter(stood.spent_tokens, stood.reserved_tokens, budget.token_limit, "{:,}".format, "token"))
    if budget.run_limit is not None:
        found.append(_meter(stood.spent_runs, 0, budget.run_limit, "{:,}".format, "turn"))
    return found


def share(amount: Decimal | int, most: Decimal | int) -> int:
    """How long a bar is beside the longest, in thousandths; what is there at all is seen."""
    return max(round(amount / most * WHOLE), 4) if amount and most else 0


def _meter(spent: Any, reserved: Any, limit: Any, words: Callable[[Any], str], unit: str = "") -> Meter:
    def counted(amount: Any) -> str:
        return words(amount) + (f" {unit}{'s' * (amount != 1)}" if unit else "")

    filled = min(round(spent / limit * WHOLE), WHOLE) if limit else WHOLE
    return Meter(
        said=f"{words(spent)} of {counted(limit)}",
        left=f"{counted(max(limit - spent - reserved, limit * 0))} left",
        spent=filled,
        reserved=min(round(reserved / limit * WHOLE), WHOLE - filled) if limit else 0,
        is_used_up=spent >= limit,
    )


def _chart(
    name: str, amounts: dict[datetime, Decimal], span: UsageSpan, now: datetime, words: Callable[[Decimal], str]
) -> Chart:
    shown = slots(span, now)
    by_slot = {moment.astimezone(UTC): amount for moment, amount in amounts.items()}
    given = [by_slot.get(slot, Decimal(0)) for slot in shown]
    most = max(given)
    bars = [
        Bar(
            at=number * SLOT + GAP // 2,
            height=max(round(amount / most * HIGH), LEAST) if amount else 0,
            when=_when(slot, span),
            said=words(amount),
        )
        for number, (slot, amount) in enumerate(zip(shown, given, strict=True))
    ]
    highest = _when(shown[given.index(most)], span)
    said = f"{words(sum(given, Decimal(0)))} in all; most {_in(span)} {highest}: {words(most)}." if most else "Nothing."
    ticks = [_when(shown[index], span) for index in (0, len(shown) // 2, -1)]
    return Chart(name, said, words(most), len(shown) * SLOT, bars, ticks)


def _when(moment: datetime, span: UsageSpan) -> str:
    if span is UsageSpan.HOUR:
        return f"{moment:%H:00}"
    return f"{moment:%B %Y}" if span is UsageSpan.MONTH else f"{moment.day} {moment:%B}"


def _in(span: UsageSpan) -> str:
    return {UsageSpan.HOUR: "from", UsageSpan.DAY: "on", UsageSpan.MONTH: "in"}[span]
