"""SIGKILL around what a person decides: a decision is used once, money is never wired twice unless somebody says so."""

import pytest

from crewhall.runtime.approvals import Approval, approve, refuse
from crewhall.runtime.judging import ToolPolicy, Verdict
from crewhall.runtime.tool_policies import set_tool_policy
from tests.support.openai import Say, Use
from tests.taking.dying import Mortals

pytestmark = [pytest.mark.rule("X3", "X5"), pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
async def mortals(hall, model, tmp_path):
    async with Mortals(hall.url, model.url, tmp_path / "called") as program:
        yield program


def play(model, tool):
    """The same answers whoever asks, however often."""

    def script(request):
        used = any(message["role"] == "tool" for message in request["messages"])
        return Say("Done.") if used else Use([(tool, {"city": "Rome"})])

    model.script = script


async def approvals(hall, asked):
    sql = "select * from approvals where run_id = %(id)s order by id"
    return await hall.rows(Approval, sql, id=asked.run_id)


async def decide(hall, asked, is_approved):
    """Decide about what waits."""
    *_, waiting = await approvals(hall, asked)
    assert waiting.status == "waiting"
    actor = asked.org.owner.actor
    async with hall.db.transaction(actor) as tx:
        if is_approved:
            await approve(tx, actor, waiting.id, hall.tools)
        else:
            await refuse(tx, actor, waiting.id, "It was done.")


async def has_ended(asked):
    run = await asked.run()
    assert (run.status, run.reason) == ("succeeded", "answered")
    assert await asked.answers() == ["Done."]


async def test_a_decision_survives_a_kill_at_each_step_that_follows(hall, org, model, mortals):
    play(model, "weather")
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(tx, org.owner.actor, ToolPolicy(tools={"weather": Verdict.ASK}))
    moment, ended = 1, "killed"
    while ended == "killed":
        asked = await hall.ask(org, tools=["weather"])
        assert await mortals.take(org.id, asked.run_id, 0) == "done"
        assert mortals.calls(asked.run_id) == []
        await decide(hall, asked, is_approved=True)
        ended = await mortals.take(org.id, asked.run_id, moment)
        if ended == "killed":
            assert await mortals.take(org.id, asked.run_id, 0) == "done"
        await has_ended(asked)
        (used,) = await approvals(hall, asked)
        assert (used.status, used.used_at is None) == ("approved", False)
        assert 1 <= len(mortals.calls(asked.run_id)) <= 1 + (ended == "killed")
        moment += 2
    assert moment > 8


async def test_asking_survives_a_kill_at_each_step_before(hall, org, model, mortals):
    play(model, "weather")
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(tx, org.owner.actor, ToolPolicy(tools={"weather": Verdict.ASK}))
    moment, ended = 1, "killed"
    while ended == "killed":
        asked = await hall.ask(org, tools=["weather"])
        ended = await mortals.take(org.id, asked.run_id, moment)
        if ended == "killed":
            assert await mortals.take(org.id, asked.run_id, 0) == "done"
        assert len(await approvals(hall, asked)) == 1
        assert len(await asked.notices()) == 1
        await decide(hall, asked, is_approved=False)
        assert await mortals.take(org.id, asked.run_id, 0) == "done"
        await has_ended(asked)
        assert mortals.calls(asked.run_id) == []
        moment += 2
    assert moment > 6


async def test_what_must_not_be_repeated_is_not_repeated_by_a_kill(hall, org, model, mortals):
    play(model, "wire_money")
    moment, ended, broken_off = 1, "killed", 0
    while ended == "killed":
        asked = await hall.ask(org, tools=["wire_money"])
        ended = await mortals.take(org.id, asked.run_id, moment)
        if ended == "killed":
            assert await mortals.take(org.id, asked.run_id, 0) == "done"
        made = len(mortals.calls(asked.run_id))
        assert made <= 1
        if (await asked.run()).status == "waiting":
            is_approved = moment % 4 == 1
            await decide(hall, asked, is_approved)
            assert await mortals.take(org.id, asked.run_id, 0) == "done"
            assert len(mortals.calls(asked.run_id)) == made + is_approved
            broken_off += 1
        else:
            assert made == 1
        await has_ended(asked)
        moment += 2
    assert broken_off
