"""Turns and their budgets: what they cost, what stops them, what is told, what is given back."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from crewhall.governance.budgets import change_budget, close_budget
from crewhall.governance.schemas import BudgetPatch
from crewhall.governance.warnings import BudgetWarner
from crewhall.kernel.actor import system_actor
from crewhall.runtime.concluding import Conclusion
from crewhall.runtime.preview import preview_message
from crewhall.runtime.runs import begin_run
from crewhall.runtime.schemas import MessageDraft
from crewhall.runtime.worker import _release_strays
from tests.support.openai import MODEL, BreakOff, Fail, Say, Use
from tests.support.waiting import until
from tests.taking.books import begin, set_budget, set_price, standing, usage
from tests.taking.hall import SCRIPTED

PARALLEL, ROOM = 32, 10
MOST = 4096
"""Tokens that an answer is held to; two dollars a million: 0.008192 a request."""


@pytest.mark.rule("C9")
async def test_runs_side_by_side_overshoot_a_budget_by_nothing(hall, model, org):
    """32 turns at once where there is room for ten: ten answer, the others are told why, once each."""
    await set_price(hall, org, input_price="0")
    agents = [await hall.hire(org, model_config=SCRIPTED) for _ in range(PARALLEL)]
    circle = await hall.group(org, *agents)
    budget = await set_budget(hall, org, money_limit=str(ROOM * MOST * Decimal("0.000002")))
    await hall.say(org.owner.actor, circle, " ".join(f"@{agent.name}" for agent in agents))
    await hall.settle(circle)
    held = asyncio.Event()
    model.script = lambda _request: Say("Yes.", piece=1, hold=held, tokens=(11, MOST))
    taking = [asyncio.create_task(hall.executor.execute(org.id, run.id)) for run in await hall.runs(circle)]

    async def is_full() -> bool:
        return model.streaming == ROOM and sum(task.done() for task in taking) == PARALLEL - ROOM

    await until(is_full)
    full = await standing(hall, budget)
    held.set()
    await asyncio.gather(*taking)
    ended = [(str(run.status), run.reason) for run in await hall.runs(circle)]
    assert sorted(ended) == [("stopped", "budget")] * (PARALLEL - ROOM) + [("succeeded", "answered")] * ROOM
    after = await standing(hall, budget)
    assert [full.spent_money, full.reserved_money] == [0, budget.money_limit]
    assert [after.spent_money, after.reserved_money] == [budget.money_limit, 0]
    notices = [said for said in await hall.said(circle) if said.author_type == "system"]
    assert len(notices) == len({notice.client_id for notice in notices}) == PARALLEL - ROOM
    assert all("The budget of the organization for this month has no room" in notice.content for notice in notices)


@pytest.mark.rule("C9")
async def test_connections_side_by_side_take_the_last_of_three_budgets(hall, org):
    """On connections of their own, all at once, in budgets of the agent, the conversation and the organization."""
    agents = [await hall.hire(org, model_config=SCRIPTED) for _ in range(PARALLEL)]
    circle = await hall.group(org, *agents)
    budgets = [
        await set_budget(hall, org, token_limit=ROOM * 100, period="day"),
        await set_budget(hall, org, token_limit=(ROOM - 1) * 100, conversation_id=str(circle), period="total"),
        await set_budget(hall, org, token_limit=100, agent_id=str(agents[0].id)),
    ]
    runs = [await begin(hall, org, agent, circle) for agent in agents]
    connections = [await psycopg.AsyncConnection.connect(hall.url) for _ in range(PARALLEL)]

    async def reserve(number: int, connection: psycopg.AsyncConnection) -> str:
        await connection.execute("select set_config('crewhall.orgs', %s, true)", [f"{{{org.id}}}"])
        row = await connection.execute(
            "select outcome from reserve_spending(%s, 1, '1', 'scripted', 'x', 60, 40, now())", [runs[number].id]
        )
        found = await row.fetchone()
        assert found is not None
        await connection.commit()
        return str(found[0])

    try:
        outcomes = await asyncio.gather(*(reserve(*pair) for pair in enumerate(connections)))
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
    assert sorted(outcomes) == ["refused"] * (PARALLEL - ROOM + 1) + ["reserved"] * (ROOM - 1)
    stood = [await standing(hall, budget) for budget in budgets]
    assert [one.reserved_tokens for one in stood[:2]] == [(ROOM - 1) * 100] * 2


@pytest.mark.rule("X9")
@pytest.mark.rule("C9")
async def test_every_request_is_costed_in_its_step_its_run_and_in_usage(hall, model, org):
    price = await set_price(hall, org, input_price="1", output_price="2", cached_price="0.5")
    asked = await hall.ask(org, model_config=SCRIPTED, tools=["weather"])
    model.play(Use([("weather", {"city": "Rome"})], tokens=(100, 50)), Say("Sunny.", tokens=(200, 10), cached=120))
    run = await asked.take()
    assert (run.input_tokens, run.output_tokens, run.cost, run.currency) == (300, 60, Decimal("0.00036"), "USD")
    assert run.price_id == price.id
    costs = await hall.rows(
        dict, "select cost::text, currency, price_id::text from run_steps where run_id = %(id)s and cost is not null"
        " order by ordinal", id=run.id,
    )  # fmt: skip
    assert [step["cost"] for step in costs] == ["0.000200", "0.000160"]
    assert {step["price_id"] for step in costs} == {str(price.id)}
    for span in ("hour", "day", "month"):
        counted, paid = await usage(hall, org, span)
        assert (counted.runs, counted.currency, counted.requests) == (1, "", 0)
        assert (paid.requests, paid.input_tokens, paid.output_tokens, paid.cost) == (2, 300, 60, Decimal("0.00036"))
        assert paid.cached_tokens == 120


@pytest.mark.rule("C9")
async def test_what_nobody_knows_the_price_of_is_counted_in_tokens_alone(hall, model, org):
    money = await set_budget(hall, org, money_limit="0.000001")
    tokens = await set_budget(hall, org, token_limit=1_000_000)
    asked = await hall.ask(org)
    model.play(Say("Hello.", tokens=(30, 7)))
    run = await asked.take()
    assert (str(run.status), run.cost, run.price_id) == ("succeeded", None, None)
    assert (await standing(hall, money)).spent_money == 0
    assert (await standing(hall, tokens)).spent_tokens == 37
    counted = (await usage(hall, org))[0]
    assert (counted.currency, counted.input_tokens, counted.cost) == ("", 30, Decimal(0))


@pytest.mark.rule("C9")
async def test_a_run_keeps_the_price_that_it_began_with(hall, model, org):
    old = await set_price(hall, org)
    asked = await hall.ask(org, tools=["weather"])
    held = asyncio.Event()
    model.play(Use([("weather", {"city": "Rome"})], tokens=(100, 0)), Say("ab", piece=1, hold=held, tokens=(100, 0)))
    taking = asyncio.create_task(asked.take())

    async def answers() -> bool:
        return model.streaming == 1 and len(model.requests) == 2

    await until(answers)
    await set_price(hall, org, input_price="1000")
    held.set()
    run = await taking
    assert (run.cost, run.price_id) == (Decimal("0.0002"), old.id)
    model.play(Say("Hello.", tokens=(1, 0)))
    again = await hall.ask(org)
    assert (await again.take()).cost == Decimal("0.001")


@pytest.mark.rule("C9")
@pytest.mark.rule("C12")
async def test_a_used_up_budget_is_told_where_it_was_asked_and_before_by_the_preview(hall, model, org):
    await set_price(hall, org)
    asked = await hall.ask(org)
    budget = await set_budget(hall, org, money_limit="0.01", agent_id=str(asked.agent.id))
    model.play(Say("Hello.", tokens=(1000, 4500)))
    assert str((await asked.take()).status) == "succeeded"
    assert (await standing(hall, budget)).spent_money == Decimal("0.01")
    told = MessageDraft(content=f"again, @{asked.agent.name}?")
    (woken,) = (await preview_message(hall.db, hall.posting, org.owner.actor, asked.circle, told)).agents
    assert (str(woken.outcome), str(woken.reason)) == ("silent", "budget")
    assert "budget" in woken.explanation
    await hall.say(org.owner.actor, asked.circle, told.content)
    again = await hall.decided(org, asked.circle, asked.agent)
    requests = len(model.requests)
    run = await again.take()
    assert (str(run.status), str(run.reason), len(model.requests)) == ("stopped", "budget", requests)
    async with hall.db.transaction(org.owner.actor) as tx:
        said = await tx.values(
            "select content from messages where conversation_id = %(id)s and author_type = 'system' order by seq",
            {"id": asked.circle},
        )
    assert "did not answer" in said[-1]
    assert "budget" in said[-1]
    async with hall.db.transaction(org.owner.actor) as tx:
        await close_budget(tx, org.owner.actor, budget.id)
    await hall.say(org.owner.actor, asked.circle, told.content)
    assert [one.outcome for one in await hall.settle(asked.circle)][-1] == "speak"


async def test_what_costs_nothing_is_not_held_up_by_money(hall, org):
    """The built-in models are free, and a program that thinks elsewhere spends nothing here."""
    await set_budget(hall, org, money_limit="0")
    for config in ({"provider": "crewhall", "model": "scribe"}, {}):
        agent = await hall.hire(org, model_config=config)
        circle = await hall.group(org, agent)
        await hall.say(org.owner.actor, circle, f"@{agent.name}")
        assert [one.outcome for one in await hall.settle(circle)] == ["speak"]
        (run,) = await hall.runs(circle)
        await hall.executor.execute(org.id, run.id)
        assert str((await hall.runs(circle))[0].status) == "succeeded"


@pytest.mark.rule("C9")
async def test_a_price_counts_from_its_day_the_organizations_before_the_shipped_the_exact_before_the_pattern(hall, org):
    day = timedelta(days=1)
    now = datetime.now(UTC)
    await set_price(hall, org, model="*", input_price="9", valid_from=(now - 9 * day).isoformat())
    await set_price(hall, org, input_price="1", valid_from=(now - 3 * day).isoformat())
    await set_price(hall, org, input_price="2", valid_from=(now - day).isoformat())
    await set_price(hall, org, input_price="3", valid_from=(now + day).isoformat())
    await set_price(hall, org, provider="openai", model="gpt-4o", input_price="77")

    async def costs(moment, provider="scripted", model=MODEL):
        async with hall.db.transaction(org.owner.actor) as tx:
            return await tx.value(
                "select input_price from price_of(%(provider)s, %(model)s, %(moment)s)",
                {"provider": provider, "model": model, "moment": moment},
            )

    assert await costs(now - 10 * day) is None
    assert [await costs(now + days * day) for days in (-5, -2, 0, 2)] == [9, 1, 2, 3]
    assert await costs(now + day, "openai", "gpt-4o") == 77


@pytest.mark.rule("C9")
async def test_runs_are_limited_as_well_those_of_remote_agents_too(hall, org):
    agent = await hall.hire(org, model_config={})
    budget = await set_budget(hall, org, run_limit=1, agent_id=str(agent.id), period="day")
    circles = [await hall.group(org, agent) for _ in range(2)]
    for circle in circles:
        await hall.say(org.owner.actor, circle, f"@{agent.name}")
    for circle in circles:
        await hall.settle(circle)
    runs = [(await hall.runs(circle))[0] for circle in circles]
    for run in runs:
        await hall.executor.execute(org.id, run.id)
    ended = [(str(run.status), run.reason) for circle in circles for run in await hall.runs(circle)]
    assert ended == [("succeeded", "delivered"), ("stopped", "budget")]
    assert (await standing(hall, budget)).spent_runs == 1


@pytest.mark.rule("C9", "X3")
async def test_a_turn_that_a_budget_refused_is_refused_to_who_takes_it_over(hall, org, monkeypatch):
    agent = await hall.hire(org, model_config={})
    circle = await hall.group(org, agent)
    await hall.say(org.owner.actor, circle, f"@{agent.name}")
    await hall.settle(circle)
    (run,) = await hall.runs(circle)
    budget = await set_budget(hall, org, run_limit=0)
    with monkeypatch.context() as killed, pytest.raises(ZeroDivisionError):

        async def die(*_):
            raise ZeroDivisionError

        killed.setattr(Conclusion, "end", die)
        await hall.executor.execute(org.id, run.id)
    await hall.executor.execute(org.id, run.id)
    (run,) = await hall.runs(circle)
    assert (str(run.status), run.reason, run.attempt) == ("stopped", "budget", 2)
    assert (await standing(hall, budget)).spent_runs == 0


@pytest.mark.rule("C9")
async def test_a_soft_budget_warns_once_in_its_conversation_or_in_alerts(hall, model, org):
    await set_price(hall, org)
    asked = await hall.ask(org)
    here = await set_budget(
        hall, org, money_limit="0.000001", strictness="soft", conversation_id=str(asked.circle), period="day"
    )
    await set_budget(hall, org, run_limit=1, strictness="soft", agent_id=str(asked.agent.id))
    warner = BudgetWarner(hall.db, hall.posting, hall.signals)
    model.play(Say("One."), Say("Two."))
    await asked.take()
    assert await warner.tell(org.id) == 2
    assert await warner.tell(org.id) == 0
    await hall.say(org.owner.actor, asked.circle, f"more, @{asked.agent.name}")
    more = await hall.decided(org, asked.circle, asked.agent)
    assert str((await more.take()).status) == "succeeded"
    assert await warner.tell(org.id) == 0
    (notice,) = await asked.notices()
    assert "The budget of this conversation for today is used up" in notice
    (alert,) = await hall.rows(
        dict, "select r.content from message_records r join conversations c on c.id = r.conversation_id"
        " where c.org_id = %(org)s and c.name = 'alerts' and r.author_type = 'system' and r.content like '%%budget%%'",
        org=org.id,
    )  # fmt: skip
    assert f"of {asked.agent.name} for this month is used up**: 1 of 1 turn" in alert["content"]
    async with hall.db.transaction(org.owner.actor) as tx:
        changed = await change_budget(tx, org.owner.actor, here.id, BudgetPatch(money_limit=Decimal("0.00001")))
    assert changed.is_used_up


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    "reply", [Fail(400), BreakOff("Well"), Say("Hello.", tokens=(5, 5))], ids=["refused", "broken off", "answered"]
)
async def test_nothing_stays_reserved_however_a_request_ends(hall, model, org, reply):
    budget = await set_budget(hall, org, token_limit=1_000_000)
    asked = await hall.ask(org)
    model.script = lambda _request: reply
    await asked.take(hall.make_executor(model_tries=1))
    stood = await standing(hall, budget)
    assert stood.reserved_tokens == 0
    assert stood.spent_tokens == (10 if isinstance(reply, Say) else 0)


@pytest.mark.rule("C9")
async def test_what_a_dead_process_held_is_given_back(hall, org):
    """By the attempt that takes the run over; of a run that was ended otherwise, by the sweep."""
    budget = await set_budget(hall, org, token_limit=100)
    agent = await hall.hire(org)
    run = await begin(hall, org, agent, await hall.group(org, agent))
    sql = "select outcome from reserve_spending(%(run)s, %(attempt)s, '1', 'scripted', 'x', 60, 40, now())"
    async with hall.db.transaction(system_actor(org.id)) as tx:
        assert await tx.value(sql, {"run": run.id, "attempt": 1}) == "reserved"
    async with hall.db.transaction(system_actor(org.id)) as tx:
        await begin_run(tx, run.id)
        assert await tx.value(sql, {"run": run.id, "attempt": 1}) == "fenced"
    assert (await standing(hall, budget)).reserved_tokens == 100
    async with hall.db.transaction(None) as tx:
        await _release_strays(hall.db, tx)
    assert (await standing(hall, budget)).reserved_tokens == 0
    async with hall.db.transaction(system_actor(org.id)) as tx:
        assert await tx.value(sql, {"run": run.id, "attempt": 2}) == "reserved"
        await tx.run("update runs set status = 'canceled', completed_at = now() where id = %(id)s", {"id": run.id})
    async with hall.db.transaction(None) as tx:
        await _release_strays(hall.db, tx)
    assert (await standing(hall, budget)).reserved_tokens == 0
