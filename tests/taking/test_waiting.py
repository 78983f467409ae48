"""Turns that wait, and their budgets: what parks or ends a turn holds nothing any more."""

import pytest

from crewhall.governance import Estimate, reserve
from crewhall.kernel.actor import system_actor
from crewhall.kernel.ids import new_id
from crewhall.runtime.approvals import approve
from crewhall.runtime.canceling import cancel_run
from crewhall.runtime.judging import ToolPolicy, Verdict
from crewhall.runtime.outside import end_forsaken
from crewhall.runtime.runs import put_aside
from crewhall.runtime.tool_policies import set_tool_policy
from tests.support.openai import Say, Use
from tests.taking.books import begin, set_budget, standing


@pytest.mark.rule("C9")
async def test_a_turn_that_is_put_aside_counts_once_and_holds_nothing_meanwhile(hall, model, org):
    budget = await set_budget(hall, org, token_limit=1_000_000)
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(tx, org.owner.actor, ToolPolicy(tools={"weather": Verdict.ASK}))
    asked = await hall.ask(org, tools=["weather"])
    model.play(Use([("weather", {"city": "Rome"})], tokens=(100, 50)), Say("Sunny.", tokens=(200, 10)))
    assert (await asked.take()).status == "waiting"
    stood = await standing(hall, budget)
    assert (stood.spent_runs, stood.spent_tokens, stood.reserved_tokens) == (1, 150, 0)
    async with hall.db.transaction(org.owner.actor) as tx:
        approval_id = await tx.value("select id from approvals where run_id = %(run)s", {"run": asked.run_id})
        await approve(tx, org.owner.actor, approval_id, hall.tools)
    run = await asked.take()
    assert (run.status, run.input_tokens, run.output_tokens) == ("succeeded", 300, 60)
    stood = await standing(hall, budget)
    assert (stood.spent_runs, stood.spent_tokens, stood.reserved_tokens) == (1, 360, 0)


@pytest.mark.rule("C9")
@pytest.mark.parametrize("end", ["put aside", "canceled", "forsaken"])
async def test_whatever_parks_or_ends_a_turn_gives_back_what_it_held(hall, org, end):
    budget = await set_budget(hall, org, token_limit=100)
    agent = await hall.hire(org)
    run = await begin(hall, org, agent, await hall.group(org, agent))
    async with hall.db.transaction(system_actor(org.id)) as tx:
        assert not (await reserve(tx, run.id, run.attempt, "1", Estimate("scripted", "x", 60, 40))).is_fenced
        if end == "put aside":
            await put_aside(tx, run)
        else:
            await tx.run("update runs set status = 'waiting', waits = 1 where id = %(id)s", {"id": run.id})
    assert (await standing(hall, budget)).reserved_tokens == (0 if end == "put aside" else 100)
    if end == "canceled":
        async with hall.db.transaction(org.owner.actor) as tx:
            await cancel_run(tx, org.owner.actor, run.id)
    elif end == "forsaken":
        async with hall.db.transaction(system_actor(org.id)) as tx:
            await tx.run(
                "insert into outside_calls (id, org_id, run_id, key, tool, arguments, until)"
                " values (%(id)s, %(org)s, %(run)s, '0/1', 'clock', '{}', now() - interval '1 s')",
                {"id": new_id(), "org": org.id, "run": run.id},
            )
        await end_forsaken(hall.db)
    assert (await standing(hall, budget)).reserved_tokens == 0


@pytest.mark.rule("C9", "X5")
async def test_a_decision_that_no_call_uses_any_more_does_not_wake_a_turn_that_waits_for_another(hall, model, org):
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(
            tx, org.owner.actor, ToolPolicy(tools={"weather": Verdict.ASK, "wire_money": Verdict.ASK})
        )
    asked = await hall.ask(org, tools=["weather", "wire_money"])
    model.play(Use([("weather", {"city": "Rome"}), ("wire_money", {"city": "Rome"})]), Say("Done."))
    assert (await asked.take()).status == "waiting"
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run("update agents set tools = tools - 'weather' where id = %(id)s", {"id": asked.agent.id})
        found = await tx.value(
            "select id from approvals where run_id = %(run)s and tool = 'weather'", {"run": asked.run_id}
        )
        await approve(tx, org.owner.actor, found, hall.tools)
    run = await asked.take()
    assert (run.status, run.waits) == ("waiting", 2)
