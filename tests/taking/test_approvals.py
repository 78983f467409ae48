"""Calls that wait for a person: the turn is put aside, goes on with the decision, uses it once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from crewhall.kernel.actor import system_actor
from crewhall.kernel.errors import CrewhallError
from crewhall.runtime import concluding
from crewhall.runtime.approvals import Approval, approve, expire, refuse, use_approval
from crewhall.runtime.canceling import cancel_run
from crewhall.runtime.judging import ToolPolicy, Verdict
from crewhall.runtime.tool_policies import set_tool_policy
from crewhall.runtime.toolset import JournaledToolset
from tests.support.openai import Say, Use
from tests.taking.deciding import OSLO, ROME, decide, jobs, waiting
from tests.taking.hall import Asked, TakingHall

ASKS = ToolPolicy(tools={"weather": Verdict.ASK, "wire_money": Verdict.ASK})


@pytest.fixture
async def org(hall: TakingHall):
    """An organization that wants to be asked about the weather."""
    made = await hall.make_org()
    async with hall.db.transaction(made.owner.actor) as tx:
        await set_tool_policy(tx, made.owner.actor, ASKS)
    return made


async def asked_for(hall: TakingHall, org: Any, model: Any, *replies: Any, **fields: Any) -> tuple[Asked, Approval]:
    """A turn that was put aside, and the first thing that it asks for."""
    model.play(*(replies or (Use([("weather", ROME)]), Say("Blue."))))
    asked = await hall.ask(org, **({"tools": ["weather", "read_messages", "wire_money"]} | fields))
    run = await asked.take()
    assert run.status == "waiting"
    first, *_ = await waiting(asked)
    return asked, first


@pytest.mark.rule("X5", "X3")
async def test_a_call_above_trust_waits_and_goes_on_once_it_is_approved(hall, org, model):
    asked, approval = await asked_for(hall, org, model, Use([("weather", ROME), ("read_messages", {})]), Say("Blue."))
    kinds = ["context", "request", "answer", "approval", "call", "result"]
    assert await asked.kinds() == kinds  # only that step waits: the other call was made
    assert (approval.status, approval.arguments, approval.tool) == ("waiting", ROME, "weather")
    assert len(await asked.notices()) == 1
    assert f"/approvals/{approval.id}" in (await asked.notices())[0]
    assert (await asked.take()).status == "waiting"  # a stray attempt finds it as it was, and asks nothing anew
    assert (await asked.kinds(), len(await waiting(asked)), len(await asked.notices())) == (kinds, 1, 1)
    before, called = await jobs(asked), hall.called.total()
    await decide(asked, approve, approval.id, hall.tools)
    assert await jobs(asked) == before + 1
    run = await asked.take()
    assert (run.status, run.reason, hall.called.total()) == ("succeeded", "answered", called + 1)
    assert await asked.answers() == ["Blue."]
    assert await asked.kinds() == [*kinds, "call", "result", "request", "answer", "post"]
    assert "blue" in str(model.requests[1]["messages"])
    (used,) = await waiting(asked)
    assert used.used_at is not None
    async with hall.db.transaction(system_actor(org.id)) as tx:
        with pytest.raises(CrewhallError) as twice:
            await use_approval(tx, used)
    assert twice.value.code == "conflict"


@pytest.mark.rule("X5")
async def test_what_is_approved_with_changes_is_done_so_and_both_are_kept(hall, org, model):
    asked, approval = await asked_for(hall, org, model)
    with pytest.raises(CrewhallError) as refused:
        await decide(asked, approve, approval.id, hall.tools, arguments={"town": "Oslo"})
    assert refused.value.code == "invalid"
    await decide(asked, approve, approval.id, hall.tools, arguments=OSLO)
    assert (await asked.take()).reason == "answered"
    bodies = {str(step.kind): step.body for step in await asked.steps()}
    assert bodies["approval"]["arguments"] == bodies["call"]["asked"] == ROME
    assert bodies["call"]["arguments"] == bodies["result"]["approved"] == OSLO
    assert bodies["result"]["result"]["city"] == "Oslo"
    assert "a_person_changed_the_arguments_to" in str(model.requests[1]["messages"])


@pytest.mark.rule("X5")
async def test_the_agent_reads_why_it_was_refused(hall, org, model):
    asked, approval = await asked_for(hall, org, model, Use([("weather", ROME)]), Say("I am sorry."))
    called = hall.called.total()
    await decide(asked, refuse, approval.id, "Rome is closed.")
    assert (await asked.take()).reason == "answered"
    assert hall.called.total() == called
    assert "Rome is closed." in str(model.requests[1]["messages"])
    assert "call" not in await asked.kinds()


@pytest.mark.rule("X5")
async def test_what_nobody_decides_counts_as_refused(hall, org, model):
    asked, approval = await asked_for(hall, org, model, Use([("weather", ROME)]), Say("Nobody said."))
    async with hall.db.transaction(org.owner.actor) as tx:
        assert not await expire(tx, org.id, approval.id)
        await tx.run("update approvals set expires_at = now() where id = %(id)s", {"id": approval.id})
    with pytest.raises(CrewhallError) as late:
        await decide(asked, approve, approval.id, hall.tools)
    assert late.value.code == "conflict"
    async with hall.db.transaction(org.owner.actor) as tx:
        assert await expire(tx, org.id, approval.id)
        assert not await expire(tx, org.id, approval.id)
    assert (await asked.take()).reason == "answered"
    assert "expired" in str(model.requests[1]["messages"])


@pytest.mark.rule("X5")
async def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(hall, org, model):
    asked, approval = await asked_for(hall, org, model)
    admin = (await org.add("admin")).actor
    before = await jobs(asked)
    outcomes = await asyncio.gather(
        *(decide(asked, approve, approval.id, hall.tools, who=who) for who in [org.owner.actor, admin] * 2),
        *(decide(asked, refuse, approval.id, "no", who=who) for who in [org.owner.actor, admin]),
        return_exceptions=True,
    )
    won = [one for one in outcomes if isinstance(one, Approval)]
    lost = [one.code for one in outcomes if isinstance(one, CrewhallError)]
    assert (len(won), lost) == (1, ["conflict"] * 5)
    assert await jobs(asked) == before + 1
    acts = await hall.rows(dict, "select action from audit_log where resource_id = %(id)s", id=str(approval.id))
    assert acts == [{"action": f"approval.{won[0].status}"}]
    assert (await asked.take()).reason == "answered"


@pytest.mark.rule("X5", "E1")
async def test_neither_members_nor_who_asked_nor_agents_decide_but_its_owner_does(hall, org, model):
    asker, other = await org.add("member"), await org.add("member")
    asked, approval = await asked_for(hall, org, model)
    await _behalf(hall, asked.run_id, [asker.id])
    for who in (asker.actor, other.actor, asked.agent):
        for act, args in ((approve, (hall.tools,)), (refuse, ("no",))):
            with pytest.raises(CrewhallError) as refused:
                await decide(asked, act, approval.id, *args, who=who)
            assert refused.value.code == "forbidden"
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run(
            "update agents set owner_user_id = %(who)s where id = %(id)s", {"who": other.id, "id": asked.agent.id}
        )
    assert (await decide(asked, approve, approval.id, hall.tools, who=other.actor)).status == "approved"
    assert (await asked.take()).reason == "answered"


async def _behalf(hall: TakingHall, run_id: UUID, who: list[UUID]) -> None:
    async with hall.everything() as connection:
        await connection.execute("update runs set behalf_of = %(who)s where id = %(id)s", {"who": who, "id": run_id})


@pytest.mark.rule("X5", "X3")
async def test_each_decision_lets_the_turn_go_on_as_far_as_it_can(hall, org, model):
    asked, first = await asked_for(hall, org, model, Use([("weather", ROME), ("wire_money", OSLO)]), Say("Done."))
    _, second = await waiting(asked)
    await decide(asked, approve, second.id, hall.tools)
    assert ((await asked.take()).status, (await asked.kinds())[-2:]) == ("waiting", ["call", "result"])
    await decide(asked, refuse, first.id, "no")
    run = await asked.take()
    assert (run.reason, run.waits, run.requests) == ("answered", 2, 2)
    assert len(await asked.notices()) == 2


@pytest.mark.rule("X5")
async def test_a_decision_that_comes_before_the_turn_is_put_aside_is_not_lost(hall, org, model):
    hold = asyncio.Event()

    async def slow(caller: Any, asked_for: Any) -> dict[str, Any]:
        await hold.wait()
        return {}

    tool = hall.tools["weather"]
    hall.tools["slow"] = type(tool)("slow", "Slow.", tool.takes, slow, is_repeatable=True)
    model.play(Use([("weather", ROME), ("slow", ROME)]), Say("Blue."))
    asked = await hall.ask(org, tools=["weather", "slow"])
    taking = asyncio.create_task(asked.take())
    while not await waiting(asked):
        await asyncio.sleep(0.01)
    (approval,) = await waiting(asked)
    before = await jobs(asked)
    await decide(asked, approve, approval.id, hall.tools)
    assert await jobs(asked) == before
    hold.set()
    assert ((await taking).status, await jobs(asked)) == ("queued", before + 1)
    assert (await asked.take()).reason == "answered"


@pytest.mark.rule("X5", "X3")
async def test_a_process_that_dies_around_a_decision_loses_and_doubles_nothing(hall, org, model, monkeypatch):
    class Died(Exception):
        """As if the process were killed there: nothing is written after it."""

    async def die(*_: Any, **__: Any) -> None:
        raise Died

    model.play(Use([("weather", ROME)]), Say("Blue."))
    asked = await hall.ask(org, tools=["weather"])
    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(concluding, "put_aside", die)  # asked for, not yet put aside
        await asked.take()
    assert ((await asked.run()).status, len(await waiting(asked))) == ("running", 1)
    assert (await asked.take()).status == "waiting"
    (approval,) = await waiting(asked)
    await decide(asked, approve, approval.id, hall.tools, arguments=OSLO)
    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(JournaledToolset, "_make", die)  # the decision is used, the call begun, its outcome unknown
        await asked.take()
    (used,) = await waiting(asked)
    assert used.used_at is not None
    run = await asked.take()
    assert (run.reason, len(await waiting(asked)), len(await asked.notices())) == ("answered", 1, 1)
    bodies = [step.body for step in await asked.steps() if step.kind == "call"]
    assert [body["arguments"] for body in bodies] == [OSLO, OSLO]
    assert "Oslo" in str(model.requests[1]["messages"])


@pytest.mark.rule("X5", "C12")
async def test_other_turns_go_on_meanwhile_and_cancelling_closes_what_waits(hall, org, model):
    asked, approval = await asked_for(hall, org, model)
    model.play(Say("Here I am."))
    await hall.say(org.owner.actor, asked.circle, f"@{asked.agent.name} are you there?")
    other = await hall.decided(org, asked.circle, asked.agent)
    assert other.run_id != asked.run_id
    assert (await other.take()).reason == "answered"
    before = await jobs(asked)
    await decide(asked, cancel_run, asked.run_id)
    assert ((await asked.run()).status, (await waiting(asked))[0].status) == ("canceled", "canceled")
    assert await jobs(asked) == before + 1  # whoever takes it tells the conversation that nobody waits any more
    assert (await asked.take()).status == "canceled"
    assert "was stopped** by" in (await asked.notices())[-1]
    with pytest.raises(CrewhallError) as late:
        await decide(asked, approve, approval.id, hall.tools)
    assert late.value.code == "conflict"


@pytest.mark.rule("X5")
async def test_what_the_policy_has_come_to_refuse_is_not_made_though_it_was_approved(hall, org, model):
    asked, approval = await asked_for(hall, org, model, Use([("weather", ROME), ("wire_money", ROME)]), Say("No."))
    _, other = await waiting(asked)
    await decide(asked, approve, approval.id, hall.tools)
    closed = ToolPolicy(tools={"weather": Verdict.REFUSE, "wire_money": Verdict.ASK})
    await decide(asked, set_tool_policy, closed)
    called = hall.called.total()
    assert ((await asked.take()).status, hall.called.total()) == ("waiting", called)
    await decide(asked, refuse, other.id, "no")
    assert (await asked.take()).reason == "answered"
    assert hall.called.total() == called


@pytest.mark.rule("X5")
async def test_what_the_policy_refuses_is_not_even_asked_about(hall, org, model):
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(tx, org.owner.actor, ToolPolicy(tools={"weather": Verdict.REFUSE}))
    model.play(Use([("weather", ROME)]), Say("No."))
    asked = await hall.ask(org, tools=["weather"])
    called = hall.called.total()
    assert (await asked.take()).reason == "answered"
    assert (await waiting(asked), hall.called.total()) == ([], called)
    (result,) = [step.body for step in await asked.steps() if step.kind == "result"]
    assert result["code"] == "refused"
    member = (await org.add("member")).actor
    for who in (member, asked.agent):
        with pytest.raises(CrewhallError) as refused:
            await decide(asked, set_tool_policy, ToolPolicy(), who=who)
        assert refused.value.code == "forbidden"
