"""What goes wrong in a turn: outlasted where it passes, said once where it stays, silent where nothing may be said."""

import asyncio
import re

import pytest

from tests.support.openai import BreakOff, Fail, Garble, Say


@pytest.mark.rule("B12")
@pytest.mark.parametrize(
    "failure", [Fail(500), Fail(503), Fail(429), Fail(429, headers={"retry-after": "1"}), BreakOff("half")]
)
async def test_a_failure_that_passes_is_outlasted(hall, org, model, failure):
    model.play(failure, Say("whole"))
    asked = await hall.ask(org)
    run = await asked.take()
    assert (run.status, run.reason, run.requests) == ("succeeded", "answered", 1)
    assert await asked.answers() == ["whole"]
    assert await asked.kinds() == ["context", "request", "failure", "request", "answer", "post"]
    steps = await asked.steps()
    waited = (steps[3].created_at - steps[2].created_at).total_seconds()
    assert waited >= (1 if getattr(failure, "headers", None) else 0.3)
    if isinstance(failure, BreakOff):
        frames = [frame for frame in hall.frames(run.id) if "text" in frame]
        assert [frame["at"] for frame in frames if frame["text"].startswith(("half", "whole"))] == [0, 0]


@pytest.mark.rule("B12", "C12")
@pytest.mark.parametrize(
    ("failure", "tries", "words"),
    [
        (Fail(500), 3, "failed"),
        (Fail(401), 1, "refused our key"),
        (Fail(404, {"message": "no such model", "code": "model_not_found"}), 1, "knows no model"),
        (Fail(400, {"message": "bad words"}), 1, "bad words"),
        (Fail(429, {"message": "slow", "code": "rate_limit_exceeded"}, {"retry-after": "300"}), 1, "wait 300 s"),
        (Fail(429, {"message": "no money", "code": "insufficient_quota"}), 1, "used up"),
    ],
)
async def test_a_failure_that_stays_is_said_once(hall, org, model, failure, tries, words):
    model.play(*[failure] * tries)
    asked = await hall.ask(org)
    executor = hall.make_executor()
    run = await asked.take(executor)
    await executor.close()
    assert (run.status, run.reason) == ("failed", "model_failed")
    assert words in run.detail
    (notice,) = await asked.notices()
    assert words in notice
    assert asked.agent.name in notice
    assert await asked.answers() == []
    assert len(model.requests) == tries
    await hall.settle(asked.circle)
    assert len(await hall.runs(asked.circle)) == 1


@pytest.mark.rule("B12", "C12")
@pytest.mark.parametrize("chunks", [[], [None], [{"choices": "x"}]], ids=["nothing", "null", "words"])
async def test_an_answer_that_no_model_gives_is_said_at_once(hall, org, model, chunks):
    model.play(Garble(chunks))
    asked = await hall.ask(org)
    run = await asked.take()
    assert (run.status, run.reason, run.attempt) == ("failed", "model_failed", 1)
    (notice,) = await asked.notices()
    assert "answered with something that cannot be read" in notice


@pytest.mark.rule("C12")
async def test_a_turn_that_breaks_off_is_logged_with_its_cause(hall, org, monkeypatch, caplog):
    async def broken(*_: object) -> None:
        raise KeyError("lost")

    asked = await hall.ask(org)
    executor = hall.make_executor()
    monkeypatch.setattr(executor, "_go", broken)
    with pytest.raises(KeyError):
        await asked.take(executor)
    await executor.close()
    (told,) = [one for one in caplog.records if one.name == "crewhall.runtime.executor"]
    assert (told.levelname, told.run) == ("WARNING", str(asked.run_id))
    assert told.exc_info is not None


@pytest.mark.rule("B12")
async def test_a_provider_that_fails_again_and_again_is_left_alone(hall, org, model):
    model.play(*[Fail(500)] * 6, Say("back"))
    executor = hall.make_executor(model_tries=1)
    for _ in range(5):
        assert (await (await hall.ask(org)).take(executor)).reason == "model_failed"
    asked = await hall.ask(org)
    run = await asked.take(executor)
    assert (run.status, run.reason, len(model.requests)) == ("failed", "provider_paused", 5)
    (notice,) = await asked.notices()
    assert "scripted" in notice
    assert re.search(r"another (60|5\d) s", notice)
    await executor.close()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"provider": "nobody", "model": "x"}, "nobody"),
        ({"provider": "crewhall", "model": "sage"}, "guide, librarian, scribe"),
        ({"provider": "scripted"}, "no model"),
        ({"provider": "anthropic", "model": "claude-x"}, "anthropic"),
    ],
)
async def test_a_model_that_is_not_there_is_said_so(hall, org, config, words):
    asked = await hall.ask(org, model_config=config)
    run = await asked.take()
    assert (run.status, run.reason) == ("failed", "model_unavailable")
    (notice,) = await asked.notices()
    assert words in notice


async def test_a_turn_has_an_end(hall, org, model):
    model.play(Say("never said", hold=asyncio.Event()))
    asked = await hall.ask(org)
    executor = hall.make_executor(turn_time_s=0.3)
    run = await asked.take(executor)
    await executor.close()
    assert (run.status, run.reason) == ("failed", "timed_out")
    assert await asked.answers() == []
    assert len(await asked.notices()) == 1


@pytest.mark.rule("A5", "C4")
@pytest.mark.parametrize("change", ["status = 'inactive'", "deleted_at = now()"])
async def test_who_takes_no_turns_any_more_says_nothing(hall, org, model, change):
    model.play(Say("too late"))
    asked = await hall.ask(org)
    async with hall.everything() as connection:
        await connection.execute(f"update agents set {change} where id = %(id)s", {"id": asked.agent.id})
    run = await asked.take()
    assert (run.status, run.reason, model.requests) == ("stopped", "inactive", [])
    assert await asked.answers() == await asked.notices() == []


@pytest.mark.rule("B1")
async def test_who_was_taken_out_meanwhile_sees_and_says_nothing(hall, org, model):
    model.play(Say("too late"))
    asked = await hall.ask(org)
    async with hall.everything() as connection:
        await connection.execute("delete from conversation_members where member_id = %(id)s", {"id": asked.agent.id})
    run = await asked.take()
    assert (run.status, run.reason, model.requests) == ("stopped", "refused", [])
    assert await asked.answers() == []
