"""SIGKILL at every step: the turn finishes once, no recorded call is repeated, the answer appears once."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from crewhall.governance import Estimate, reserve
from crewhall.kernel.actor import system_actor
from crewhall.runtime.runs import Run
from crewhall.runtime.worker import _release_strays
from tests.support.openai import Say, Use
from tests.taking.books import begin, set_budget, standing
from tests.taking.dying import Mortals

ANSWER = "It is blue in Rome and in Oslo."
KINDS = ["context", "request", "answer", "call", "result", "call", "result", "request", "answer", "post"]


def script(request):
    """The same answers whoever asks, however often."""
    used = any(message["role"] == "tool" for message in request["messages"])
    return Say(ANSWER) if used else Use([("weather", {"city": "Rome"}), ("weather", {"city": "Oslo"})])


@pytest.fixture
async def mortals(hall, model, tmp_path):
    model.script = script
    async with Mortals(hall.url, model.url, tmp_path / "called") as program:
        yield program


async def has_happened_once(mortals, asked, deaths):
    run, steps = await asked.run(), await asked.steps()
    assert (run.status, run.reason) == ("succeeded", "answered")
    assert run.attempt <= deaths + 1
    assert await asked.answers() == [ANSWER]
    assert await asked.notices() == []
    once = Counter((step.kind, step.key) for step in steps if step.kind in {"context", "answer", "result", "post"})
    assert set(once.values()) == {1}
    assert len(once) == 6
    made, recorded = Counter(mortals.calls(run.id)), Counter(step.key for step in steps if step.kind == "call")
    assert set(made) == set(recorded)
    assert all(made[key] <= recorded[key] for key in made)  # none is made before it is recorded
    assert made.total() <= 2 + deaths
    return run


async def kill_at_moments(hall, org, mortals, stride):
    """Kill at every so manieth moment, each in a turn of its own, until a turn has no further moment."""
    moment = 1
    while True:
        asked = await hall.ask(org, tools=["weather"])
        ended = await mortals.take(org.id, asked.run_id, moment)
        if ended == "done":
            break
        assert ended == "killed"
        assert await mortals.take(org.id, asked.run_id, 0) == "done"
        await has_happened_once(mortals, asked, 1)
        moment += stride
    assert [step.kind for step in await asked.steps()] == KINDS
    assert moment > 2 * len(KINDS)


@pytest.mark.rule("X3")
@pytest.mark.timeout(120)
async def test_a_turn_survives_a_kill_at_some_of_its_steps(hall, org, mortals):
    await kill_at_moments(hall, org, mortals, 7)


@pytest.mark.rule("X3")
@pytest.mark.slow
@pytest.mark.timeout(360)
async def test_a_turn_survives_a_kill_at_each_of_its_steps(hall, org, mortals):
    await kill_at_moments(hall, org, mortals, 1)


@pytest.mark.rule("X3")
@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_turn_survives_kill_upon_kill(hall, org, mortals):
    chance = random.Random(4)
    asked = await hall.ask(org, tools=["weather"])
    deaths = 0
    while deaths < 8 and await mortals.take(org.id, asked.run_id, chance.randint(2, 12)) == "killed":
        deaths += 1
    if deaths == 8:
        assert await mortals.take(org.id, asked.run_id, 0) == "done"
    await has_happened_once(mortals, asked, deaths)
    assert deaths > 2


@pytest.mark.rule("X3")
@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_turn_that_kills_whoever_takes_it_is_given_up(hall, org, mortals):
    asked = await hall.ask(org, tools=["weather"])
    for _ in range(10):
        assert await mortals.take(org.id, asked.run_id, 2) == "killed"
    assert await mortals.take(org.id, asked.run_id, 0) == "done"
    run = await asked.run()
    assert (run.status, run.reason) == ("failed", "crashed")
    assert len(await asked.notices()) == 1


@pytest.mark.rule("C9")
async def test_a_try_that_died_with_its_process_is_ended_and_holds_nothing(hall, org):
    budget = await set_budget(hall, org, token_limit=100)
    agent = await hall.hire(org)
    run = await begin(hall, org, agent, await hall.group(org, agent))
    async with hall.db.transaction(system_actor(org.id)) as tx:
        await reserve(tx, run.id, 1, "1", Estimate("scripted", "x", 60, 40))
    for minutes, status, held in ((9, "running", 100), (11, "failed", 0)):
        async with hall.everything() as eye:
            sql = "update runs set cause = 'try', updated_at = now() - %(ago)s where id = %(id)s"
            await eye.execute(sql, {"id": run.id, "ago": timedelta(minutes=minutes)})
        async with hall.db.transaction(None) as tx:
            await _release_strays(hall.db, tx)
        (found,) = await hall.rows(Run, "select * from runs where id = %(id)s", id=run.id)
        assert (found.status, (await standing(hall, budget)).reserved_tokens) == (status, held)
