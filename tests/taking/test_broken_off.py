"""Calls that a process died over: what must not be done twice is asked about, what cannot be read is not lost."""

import pytest
from psycopg.types.json import Jsonb

from crewhall.kernel.actor import system_actor
from crewhall.runtime.approvals import approve, expire, refuse
from crewhall.runtime.judging import ToolPolicy, Verdict
from crewhall.runtime.tool_policies import set_tool_policy
from tests.support.openai import Say, Use
from tests.taking.deciding import ROME, decide, waiting


@pytest.mark.rule("X3", "X5")
@pytest.mark.parametrize("decision", ["approved", "refused", "expired"])
async def test_a_call_that_must_not_be_repeated_and_was_broken_off_asks_a_person(hall, model, decision):
    org = await hall.make_org()
    model.play(Use([("wire_money", ROME)]), Say("paid"))
    asked = await hall.ask(org, tools=["wire_money"])
    await asked.take()
    called = hall.called.total()
    await asked.break_off(behind=3)
    run = await asked.take()
    assert (run.status, hall.called.total(), await asked.answers()) == ("waiting", called, ["paid"])
    (approval,) = await waiting(asked)
    assert (approval.tool, approval.arguments) == ("wire_money", ROME)
    assert "whether it was done is not known" in approval.why
    assert "`wire_money` again: it had begun and was broken off" in (await asked.notices())[-1]
    if decision == "approved":
        await decide(asked, approve, approval.id, hall.tools)
    elif decision == "refused":
        await decide(asked, refuse, approval.id, "It was paid.")
    else:
        async with hall.everything() as connection:
            await connection.execute("update approvals set expires_at = now() where id = %(id)s", {"id": approval.id})
        async with hall.db.transaction(system_actor(org.id)) as tx:
            assert await expire(tx, org.id, approval.id)
    model.play(Say("so be it"))
    assert (await asked.take()).reason == "answered"
    assert hall.called.total() == called + (decision == "approved")
    told = str(model.requests[-1]["messages"][-1])
    assert {"refused": "It was paid.", "expired": "expired", "approved": "Rome"}[decision] in told
    assert ("not known" in told) == (decision != "approved")


@pytest.mark.rule("X3", "X5")
async def test_what_the_policy_refuses_by_now_is_not_asked_about_again(hall, model):
    org = await hall.make_org()
    model.play(Use([("wire_money", ROME)]), Say("paid"))
    asked = await hall.ask(org, tools=["wire_money"])
    await asked.take()
    called = hall.called.total()
    await asked.break_off(behind=3)
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(tx, org.owner.actor, ToolPolicy(tools={"wire_money": Verdict.REFUSE}))
    model.play(Say("so be it"))
    assert (await asked.take()).reason == "answered"
    assert (hall.called.total(), await waiting(asked)) == (called, [])
    assert "It was not done again" in str(model.requests[-1]["messages"][-1])


@pytest.mark.rule("X3", "X5")
async def test_what_was_approved_once_and_is_broken_off_again_is_asked_about_again(hall, model):
    org = await hall.make_org()
    model.play(Use([("wire_money", ROME)]), Say("paid"))
    asked = await hall.ask(org, tools=["wire_money"])
    await asked.take()
    await asked.break_off(behind=3)
    await asked.take()
    (first,) = await waiting(asked)
    await decide(asked, approve, first.id, hall.tools)
    model.play(Say("paid"))
    await asked.take()
    called = hall.called.total()
    last_call = max(step.ordinal for step in await asked.steps() if step.kind == "call")
    await asked.break_off(behind=last_call)  # died over the call that was approved: that decision is used
    assert ((await asked.take()).status, hall.called.total()) == ("waiting", called)
    again, second = await waiting(asked)
    assert (again.id, again.status, second.status) == (first.id, "approved", "waiting")
    async with hall.db.transaction(org.owner.actor) as tx:  # by now nobody may: there is nothing left to decide
        await set_tool_policy(tx, org.owner.actor, ToolPolicy(tools={"wire_money": Verdict.REFUSE}))
    model.play(Say("so be it"))
    assert ((await asked.take()).reason, hall.called.total()) == ("answered", called)
    assert (await waiting(asked))[1].status == "canceled"


async def test_an_ending_that_only_an_earlier_version_knew_is_still_read(hall, org, model):
    model.play(Say("no"))
    asked = await hall.ask(org)
    body = {"status": "stopped", "reason": "unknown_outcome", "detail": "Ask again."}
    async with hall.everything() as connection:
        await connection.execute(
            "insert into run_steps (run_id, org_id, ordinal, attempt, kind, key, body)"
            " values (%(run)s, %(org)s, 0, 1, 'failure', 'end', %(body)s)",
            {"run": asked.run_id, "org": org.id, "body": Jsonb(body)},
        )
        await connection.execute("update runs set status = 'running', attempt = 1 where id = %s", [asked.run_id])
    run = await asked.take()
    assert (run.status, run.reason, run.detail, model.requests) == ("stopped", "unknown_outcome", "Ask again.", [])
