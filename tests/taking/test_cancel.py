"""Tokens on their way, and stopping them."""

import asyncio

import pytest

from crewhall.conversations import Verb
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CONFLICT, NOT_FOUND, CrewhallError
from crewhall.runtime import queries
from crewhall.runtime.canceling import cancel_run
from crewhall.runtime.runs import access_run
from tests.support.openai import Say, Use
from tests.support.waiting import in_time
from tests.taking.ground import share
from tests.taking.hall import SCRIPTED


async def under_way(hall, asked):
    """Begin to take the turn; returns when its words have begun to come."""
    taking = asyncio.create_task(asked.take())
    while not any(frame.get("text") for frame in hall.frames(asked.run_id)):
        await asyncio.sleep(0.01)
    return taking


async def cancel(hall, asked, actor=None):
    actor = actor or asked.org.owner.actor
    async with hall.db.transaction(actor) as tx:
        return await cancel_run(tx, actor, asked.run_id)


async def test_words_are_seen_while_they_come(hall, org, model):
    model.play(Use([("weather", {"city": "Rome"})], saying="Wait. "), Say("blue sky " * 40, piece=3))
    asked = await hall.ask(org, tools=["weather"])
    await asked.take()
    *frames, done = hall.frames(asked.run_id)
    assert done == {"run": str(asked.run_id), "parent_id": None, "done": True}
    assert len(frames) < 60
    for request, text in ((1, "Wait. "), (2, "blue sky " * 40)):
        shown = [frame for frame in frames if frame["request"] == request]
        assert "".join(frame["text"] for frame in shown) == text
        assert [frame["at"] for frame in shown] == [
            sum(len(before["text"]) for before in shown[:number]) for number in range(len(shown))
        ]


@pytest.mark.rule("C12")
async def test_a_turn_is_stopped_while_its_words_come(hall, org, model):
    model.play(Say("half a sentence", hold=asyncio.Event()))
    asked = await hall.ask(org)
    taking = await under_way(hall, asked)
    shown = await cancel(hall, asked)
    assert shown.status == "running"
    assert shown.cancel_requested_at is not None
    run = await in_time(taking, 10)
    assert (run.status, run.reason, run.canceled_by) == ("canceled", "canceled", org.owner.id)
    assert run.canceled_at == run.completed_at is not None
    assert await asked.answers() == []
    (notice,) = await asked.notices()
    assert notice.startswith(f"**{asked.agent.name} was stopped** by {asked.org.owner.actor.name}.")
    assert f"/runs/{run.id}" in notice
    assert hall.frames(asked.run_id)[-1] == {"run": str(run.id), "parent_id": None, "done": True}
    while model.streaming:
        await asyncio.sleep(0.01)
    with pytest.raises(CrewhallError) as error:
        await cancel(hall, asked)
    assert error.value.kind is CONFLICT


@pytest.mark.rule("C12", "B6")
async def test_who_reads_a_session_along_stops_no_turn_of_it(hall, org):
    agent, reader = await hall.hire(org, model_config=SCRIPTED), await org.add("member")
    alone = await hall.direct(org, agent)
    await share(hall, org.owner, alone, reader)
    await hall.say(org.owner.actor, alone, "what do I owe?")
    asked = await hall.decided(org, alone, agent)
    async with hall.db.transaction(reader.actor) as tx:
        assert (await access_run(tx, reader.actor, asked.run_id)).status == "queued"
    with pytest.raises(CrewhallError) as refused:
        await cancel(hall, asked, reader.actor)
    assert refused.value.kind.status == 403
    assert (await cancel(hall, asked)).status == "canceled"


@pytest.mark.rule("C12")
async def test_a_turn_is_stopped_from_another_process(hall, org, model):
    model.play(Say("half a sentence", hold=asyncio.Event()))
    asked = await hall.ask(org)
    taking = await under_way(hall, asked)
    elsewhere = Database(hall.url, pool_size=2)
    await elsewhere.open()
    async with elsewhere.transaction(org.owner.actor) as tx:
        await cancel_run(tx, org.owner.actor, asked.run_id)
    assert (await in_time(taking, 10)).status == "canceled"
    await elsewhere.close()


@pytest.mark.rule("C12")
async def test_a_turn_that_has_not_begun_never_does(hall, org, model):
    model.play(Say("no"))
    asked = await hall.ask(org)
    assert (await cancel(hall, asked)).status == "canceled"
    assert (await asked.take()).status == "canceled"
    assert (await asked.take()).status == "canceled"
    assert model.requests == []
    (notice,) = await asked.notices()  # whoever takes its job tells, once
    assert notice.startswith(f"**{asked.agent.name} was stopped** by {asked.org.owner.actor.name}.")


@pytest.mark.rule("C12")
async def test_who_stopped_a_turn_may_be_an_agent(hall, org, model):
    model.play(Say("no"))
    agent, colleague = await hall.hire(org, model_config=SCRIPTED), await hall.hire(org)
    circle = await hall.group(org, agent, colleague)
    await hall.say(org.owner.actor, circle, f"@{agent.name}")
    asked = await hall.decided(org, circle, agent)
    await cancel(hall, asked, colleague)
    await asked.take()
    (notice,) = await asked.notices()
    assert f"was stopped** by {colleague.name}." in notice
    async with hall.db.transaction(org.owner.actor) as tx:
        by = (await queries.get_run(tx, org.owner.actor, asked.run_id)).canceled_by
    assert by is not None
    assert (by.type, by.id, by.name) == ("agent", colleague.id, colleague.name)


@pytest.mark.rule("C12")
async def test_a_cancellation_that_nobody_heard_of_holds_when_the_turn_is_taken_over(hall, org, model):
    model.play(Say("no"))
    asked = await hall.ask(org)
    async with hall.everything() as connection:
        await connection.execute(
            "update runs set status = 'running', attempt = 1, cancel_requested_at = now() where id = %(id)s",
            {"id": asked.run_id},
        )
    run = await asked.take()
    assert (run.status, run.attempt, model.requests) == ("canceled", 2, [])


async def test_the_process_that_stops_leaves_its_turn_open(hall, org, model):
    held = asyncio.Event()
    model.play(Say("half", hold=held), Say("whole"))
    asked = await hall.ask(org)
    taking = await under_way(hall, asked)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert (await asked.run()).status == "running"
    run = await asked.take()
    assert (run.status, run.attempt) == ("succeeded", 2)
    assert await asked.answers() == ["whole"]


@pytest.mark.rule("B1")
async def test_only_who_may_post_there_stops_a_turn(hall, org, model):
    asked = await hall.ask(org)
    stranger = (await hall.make_org("Other")).owner.actor
    colleague = (await org.add()).actor
    for actor in (stranger, colleague):
        with pytest.raises(CrewhallError) as error:
            await cancel(hall, asked, actor)
        assert error.value.kind is NOT_FOUND
    async with hall.db.transaction(org.owner.actor) as tx:
        assert (await access_run(tx, org.owner.actor, asked.run_id, Verb.POST)).status == "queued"
