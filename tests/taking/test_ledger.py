"""The ledger against a model of it: whatever is reserved, settled, released, opened and changed in which order."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id
from tests.taking.books import begin, set_price

START = datetime(2026, 3, 31, 20, tzinfo=UTC)
RUNS = 4
PRICED, UNKNOWN = "scripted", "nobody-knows-it"
TOKENS = st.integers(0, 50)


class Budget(NamedTuple):
    """A budget as the model knows it; `whose` is the index of its run's agent, None for the organization."""

    id: UUID
    whose: int | None
    period: str
    is_hard: bool
    money: Decimal | None
    tokens: int | None


class Held(NamedTuple):
    """An open reservation."""

    run: int
    provider: str
    moment: datetime
    input: int
    output: int


RESERVE = st.tuples(
    st.just("reserve"), st.integers(0, RUNS - 1), st.sampled_from([PRICED, PRICED, UNKNOWN]), TOKENS, TOKENS
)
ACTS = st.lists(
    st.one_of(
        RESERVE,
        RESERVE,
        st.tuples(st.just("settle"), st.integers(0, RUNS - 1), TOKENS, TOKENS, TOKENS),
        st.tuples(st.just("release"), st.integers(0, RUNS - 1)),
        st.tuples(st.just("takeover"), st.integers(0, RUNS - 1)),
        st.tuples(st.just("time"), st.integers(1, 9)),
        st.tuples(
            st.just("begin"),
            st.none() | st.integers(0, RUNS - 1),
            st.sampled_from(["day", "month", "total"]),
            st.booleans(),
            st.none() | st.integers(0, 200),
            st.none() | st.integers(0, 200),
        ),
        st.tuples(st.just("close"), st.integers(0, 5)),
    ),
    min_size=8,
    max_size=30,
)


def begins(period: str, moment: datetime) -> datetime:
    day = moment.replace(hour=0)
    return {"day": day, "month": day.replace(day=1), "total": datetime(1970, 1, 1, tzinfo=UTC)}[period]


def cost(provider: str, given: int, cached: int, made: int) -> Decimal | None:
    """1.1 a million read, 0.3 from the cache, 2.2 written; to the millionth, rounded up."""
    if provider == UNKNOWN:
        return None
    tenths = (given - cached) * 11 + cached * 3 + made * 22
    return Decimal(-(-tenths // 10)) / 1_000_000


class Books:
    """The model: what is open and what was spent, summed up anew each time."""

    def __init__(self, tx: Tx, org_id: UUID, runs: list[Any]) -> None:
        self.tx, self.org_id, self.runs = tx, org_id, runs
        self.now = START
        self.attempts = [run.attempt for run in runs]
        self.budgets: list[Budget] = []
        self.open: dict[int, Held] = {}
        self.spent: list[tuple[int, str, datetime, int, Decimal | None]] = []

    async def reserve(self, run: int, provider: str, given: int, made: int) -> None:
        self.open.pop(run, None)  # the same request, made again
        held = Held(run, provider, self.now, given, made)
        outcome, refusing = await self.row(
            "select * from reserve_spending("
            "%(run)s, %(attempt)s, '1', %(provider)s, 'scripted-1', %(i)s, %(o)s, %(at)s)",
            run=self.runs[run].id, attempt=self.attempts[run], provider=provider, i=given, o=made, at=self.now,
        )  # fmt: skip
        refusals = {budget.id for budget in self.budgets if self.concerns(budget, run) and self.lacks(budget, held)}
        assert (outcome == "refused") == bool(refusals)
        assert refusing in refusals or not refusals
        if not refusals:
            self.open[run] = held

    def lacks(self, budget: Budget, held: Held) -> bool:
        money, tokens, held_money, held_tokens = self.sums(budget, self.now)
        more = cost(held.provider, held.input, 0, held.output) or Decimal(0)
        count = held.input + held.output
        if not budget.is_hard:
            return False
        return (budget.money is not None and more > 0 and money + held_money + more > budget.money) or (
            budget.tokens is not None and count > 0 and tokens + held_tokens + count > budget.tokens
        )

    async def settle(self, run: int, given: int, cached: int, made: int) -> None:
        """What was taken is never more than was held: estimates are upper bounds."""
        held = self.open.get(run)
        given, made = (min(given, held.input), min(made, held.output)) if held else (given, made)
        found = await self.row(
            "select * from settle_spending(%(run)s, %(attempt)s, '1', %(i)s, %(c)s, %(o)s)",
            run=self.runs[run].id, attempt=self.attempts[run], i=given, c=cached, o=made,
        )  # fmt: skip
        if held is None:
            assert found is None
            return
        del self.open[run]
        price = cost(held.provider, given, min(cached, given), made)
        assert found[0] == price
        self.spent.append((run, held.provider, held.moment, given + made, price))

    async def release(self, run: int) -> None:
        released = await self.row("select release_spending(%(run)s, null)", run=self.runs[run].id)
        assert released[0] == (run in self.open)
        self.open.pop(run, None)

    async def takeover(self, run: int) -> None:
        """Another attempt: the one before is fenced, what it held goes back by the sweep."""
        stale = self.attempts[run]
        self.attempts[run] += 1
        await self.tx.run("update runs set attempt = attempt + 1 where id = %(id)s", {"id": self.runs[run].id})
        values = {"run": self.runs[run].id, "attempt": stale}
        assert await self.row("select * from settle_spending(%(run)s, %(attempt)s, '1', 1, 0, 1)", **values) is None
        fenced = await self.row(
            "select outcome from reserve_spending(%(run)s, %(attempt)s, '2', 'scripted', 'scripted-1', 1, 1, now())",
            **values,
        )
        assert fenced == ("fenced",)
        strays = await self.tx.values(
            "select run_id from stray_reservations() where org_id = %(o)s", {"o": self.org_id}
        )
        assert (self.runs[run].id in strays) == (run in self.open)
        await self.tx.run("select release_strays(%(run)s)", values)
        self.open.pop(run, None)

    async def begin(self, whose: int | None, period: str, is_hard: bool, money: int | None, tokens: int | None) -> None:
        if money is None and tokens is None:
            return
        made = Budget(new_id(), whose, period, is_hard, None if money is None else Decimal(money) / 1_000_000, tokens)
        await self.tx.run("select hold_ledger(%(org)s, true)", {"org": self.org_id})
        await self.tx.run(
            """
            insert into budgets (id, org_id, agent_id, period, strictness, money_limit, currency, token_limit)
            values (%(id)s, %(org)s, %(agent)s, %(period)s, %(strictness)s, %(money)s, %(currency)s, %(tokens)s)
            """,
            {
                "id": made.id,
                "org": self.org_id,
                "agent": None if whose is None else self.runs[whose].agent_id,
                "period": period,
                "strictness": "hard" if is_hard else "soft",
                "money": made.money,
                "currency": None if money is None else "USD",
                "tokens": tokens,
            },
        )
        await self.tx.run("select open_budget(%(id)s, %(at)s)", {"id": made.id, "at": self.now})
        self.budgets.append(made)

    async def close(self, number: int) -> None:
        if number < len(self.budgets):
            budget = self.budgets.pop(number)
            await self.tx.run("update budgets set deleted_at = now() where id = %(id)s", {"id": budget.id})

    async def time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    # -- what must hold

    def concerns(self, budget: Budget, run: int) -> bool:
        return budget.whose is None or budget.whose == run

    def sums(self, budget: Budget, moment: datetime) -> tuple[Decimal, int, Decimal, int]:
        """Spent and held in the budget's period of that moment: money, tokens, money, tokens."""
        at = begins(budget.period, moment)
        paid = [
            (price, tokens)
            for run, _, when, tokens, price in self.spent
            if self.concerns(budget, run) and begins(budget.period, when) == at
        ]
        held = [
            held for held in self.open.values()
            if self.concerns(budget, held.run) and begins(budget.period, held.moment) == at
        ]  # fmt: skip
        in_money = budget.money is not None
        return (
            sum((price for price, _ in paid if price is not None and in_money), Decimal(0)),
            sum(tokens for _, tokens in paid),
            sum(((cost(one.provider, one.input, 0, one.output) or Decimal(0)) for one in held if in_money), Decimal(0)),
            sum(one.input + one.output for one in held),
        )

    async def check(self) -> None:
        for budget in self.budgets:
            row = await self.row(
                "select spent_money, spent_tokens, reserved_money, reserved_tokens from budget_periods"
                " where budget_id = %(id)s and begins_at = %(at)s",
                id=budget.id, at=begins(budget.period, self.now),
            )  # fmt: skip
            assert (row or (0, 0, 0, 0)) == self.sums(budget, self.now)
        metered: dict[str, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        for _, provider, _, tokens, price in self.spent:
            currency = "" if provider == UNKNOWN else "USD"
            before = metered[currency]
            metered[currency] = before[0] + tokens, before[1] + (price or 0)
        for span in ("hour", "day", "month"):
            found = await self.tx.connection.execute(
                "select currency, sum(input_tokens + output_tokens), sum(cost) from usage_buckets"
                " where org_id = %(org)s and span = %(span)s and requests > 0 group by currency",
                {"org": self.org_id, "span": span},
            )
            assert {name: (tokens, money) for name, tokens, money in await found.fetchall()} == metered

    async def row(self, sql: Any, **values: Any) -> Any:
        return await (await self.tx.connection.execute(sql, values)).fetchone()


@pytest.fixture(scope="module")
async def scene(hall):
    """Runs of four agents, in an organization that knows one price."""
    org = await hall.make_org()
    await set_price(
        hall, org, input_price="1.1", cached_price="0.3", output_price="2.2", valid_from="2026-01-01T00:00:00Z"
    )
    agents = [await hall.hire(org) for _ in range(RUNS)]
    circle = await hall.group(org, *agents)
    return org, [await begin(hall, org, agent, circle) for agent in agents]


@pytest.mark.rule("C9")
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=ACTS, money=st.integers(20, 150), tokens=st.integers(20, 150))
async def test_the_ledger_adds_up_and_never_passes_a_hard_limit(hall, scene, acts, money, tokens):
    """From the first act on there are two hard budgets, so narrow that few requests fit in side by side."""
    org, runs = scene
    async with hall.db.transaction(system_actor(org.id)) as tx:
        books = Books(tx, org.id, runs)
        await books.begin(None, "month", True, money, None)
        await books.begin(None, "day", True, None, tokens)
        for what, *rest in acts:
            await getattr(books, what)(*rest)
            await books.check()
        await tx.connection.execute("rollback")
        await tx.connection.execute("begin")


def test_the_model_rounds_up():
    assert cost(PRICED, 1, 0, 0) == Decimal("0.000002")
    assert cost(PRICED, 10, 0, 0) == Decimal("0.000011")
    assert msgspec.to_builtins(cost(PRICED, 0, 0, 5)) == "0.000011"
