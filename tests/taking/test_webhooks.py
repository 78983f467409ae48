"""Turns of agents that are served elsewhere: asked signed, answered at once or later, and once whatever happens."""

import asyncio

import httpx
import pytest

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.errors import CONFLICT, NOT_FOUND, CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.runtime.answers import RUN_ENDED, take_answer
from crewhall.runtime.canceling import cancel_run
from crewhall.runtime.runtimes import remove_runtime, rotate_secret
from crewhall.runtime.schemas_runtimes import RunAnswer, SecretRotation
from tests.support.waiting import in_time, until
from tests.taking.books import set_budget, standing
from tests.taking.webhooks import Elsewhere, Names, answered, ask, caller_of, calls_of, serve

LATER = answered(202)


def executor_of(hall, elsewhere, names=None, **settings):
    return hall.make_executor(caller=caller_of(hall, elsewhere, names, **settings))


async def bring(hall, asked, content="A heron.", actor=None, **fields):
    actor = actor or asked.agent
    async with hall.db.transaction(actor) as tx:
        await take_answer(tx, actor, asked.run_id, RunAnswer(content=content, **fields))


async def waiting(hall, asked, elsewhere, **settings):
    """Take the turn until it waits for its answer."""
    taking = asyncio.create_task(asked.take(executor_of(hall, elsewhere, **settings)))
    await until(lambda: has_accepted(asked))
    return taking


async def has_accepted(asked):
    return "result" in await asked.kinds()


@pytest.mark.rule("C12")
async def test_a_turn_is_asked_signed_and_answered_at_once(hall, org):
    elsewhere = Elsewhere({"content": "A heron.", "more": 1})
    asked = await ask(hall, org, elsewhere, "hello @{}", instructions="The word is heron.", name="Scout")
    run = await asked.take(executor_of(hall, elsewhere))
    assert (run.status, run.reason, run.is_remote) == ("succeeded", "answered", False)
    assert await asked.answers() == ["A heron."]
    assert await asked.kinds() == ["context", "call", "result", "answer", "post"]
    assert elsewhere.ids == [f"run_{run.id}"]
    (body,) = elsewhere.sent
    data = body["data"]
    assert (body["type"], data["run_id"], data["cause"]) == ("turn", str(run.id), "mention")
    assert data["conversation"]["id"] == str(asked.circle)
    assert "The word is heron." in data["instructions"]
    (said,) = data["messages"]
    assert data["triggers"] == [{"cause": "mention", "message_id": said["id"], "message_seq": said["seq"]}]
    assert data["reply"]["answer_url"] == f"https://hall.test/api/v1/runs/{run.id}/answer"
    assert await calls_of(hall.db, org.owner.actor, run.id) == [(True, 200, None)]


async def test_who_has_nothing_to_say_says_so(hall, org):
    asked = await ask(hall, org, elsewhere := Elsewhere({"silent": True}))
    run = await asked.take(executor_of(hall, elsewhere))
    assert (run.status, run.reason, await asked.answers()) == ("succeeded", "silent", [])


@pytest.mark.rule("X3")
async def test_an_answer_that_comes_later_is_posted_once_and_no_other(hall, org):
    asked = await ask(hall, org, elsewhere := Elsewhere(LATER))
    taking = await waiting(hall, asked, elsewhere)
    stranger = await hall.hire(org)
    for other in (stranger, org.owner.actor, Actor(type=ActorType.USER, id=asked.agent.id, org_id=org.id)):
        with pytest.raises(CrewhallError) as refused:
            await bring(hall, asked, actor=other)
        assert refused.value.kind is NOT_FOUND
    await bring(hall, asked)
    assert (await in_time(taking, 5)).reason == "answered"
    await bring(hall, asked)  # once more, the same: its sender had not heard
    with pytest.raises(CrewhallError) as refused:
        await bring(hall, asked, "A stork.")
    assert refused.value.kind is RUN_ENDED
    assert await asked.answers() == ["A heron."]
    assert len(elsewhere.sent) == 1


async def test_the_first_of_two_answers_counts(hall, org):
    async def both(_body):
        await bring(hall, asked, "First.")
        with pytest.raises(CrewhallError) as refused:
            await bring(hall, asked, "Second.")
        assert refused.value.kind is CONFLICT
        return answered(200, b'{"content": "Third."}')

    asked = await ask(hall, org, elsewhere := Elsewhere(both))
    await asked.take(executor_of(hall, elsewhere))
    assert await asked.answers() == ["First."]


@pytest.mark.rule("X3")
async def test_a_process_that_dies_asks_again_under_the_same_id_or_not_at_all(hall, org):
    async def die(_body):
        raise asyncio.CancelledError

    asked = await ask(hall, org, elsewhere := Elsewhere(die, LATER))
    with pytest.raises(asyncio.CancelledError):  # between the request and its result
        await asked.take(executor_of(hall, elsewhere))
    taking = await waiting(hall, asked, elsewhere)
    assert elsewhere.ids == [f"run_{asked.run_id}"] * 2
    assert elsewhere.raw[0] == elsewhere.raw[1]
    taking.cancel()  # while the answer is waited for
    await asyncio.gather(taking, return_exceptions=True)
    await bring(hall, asked)
    run = await asked.take(executor_of(hall, elsewhere))
    assert (run.reason, run.attempt, len(elsewhere.sent)) == ("answered", 3, 2)
    assert await asked.answers() == ["A heron."]


@pytest.mark.rule("E8")
async def test_what_may_pass_is_tried_again_no_sooner_than_asked_for(hall, org):
    busy = answered(503, retry_after="7")
    asked = await ask(hall, org, elsewhere := Elsewhere(busy, httpx.ConnectError("no"), {"content": "At last."}))
    await asked.take(executor_of(hall, elsewhere))
    assert await asked.answers() == ["At last."]
    assert len(set(elsewhere.ids)) == 1
    assert elsewhere.waits[0] == 7
    assert 0.5 < elsewhere.waits[1] < 1.5
    assert [ok for ok, _, _ in await calls_of(hall.db, org.owner.actor, asked.run_id)] == [False, False, True]


async def test_what_is_to_be_asked_again_too_late_is_not(hall, org):
    asked = await ask(hall, org, elsewhere := Elsewhere(answered(429, retry_after="3600")))
    run = await asked.take(executor_of(hall, elsewhere, webhook_time_s=60))
    assert (run.reason, len(elsewhere.sent), elsewhere.waits) == ("runtime_failed", 1, [])


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (answered(302, location="https://agents.example.org/other"), "redirects are not followed"),
        (answered(404), "404"),
        (answered(410), "410"),
        (answered(200, b"hello"), "no answer"),
        (answered(200, b'{"content": " "}'), "no answer"),
        (answered(200, b'{"content": "a", "silent": true}'), "no answer"),
        (answered(200, b'{"content": "' + b"x" * 20_000 + b'"}'), "larger than 16 KiB"),
    ],
)
async def test_what_is_no_answer_ends_the_turn_with_a_word(hall, org, reply, problem):
    asked = await ask(hall, org, elsewhere := Elsewhere(reply))
    run = await asked.take(executor_of(hall, elsewhere, webhook_kb=16))
    assert (run.status, run.reason, len(elsewhere.sent)) == ("failed", "runtime_failed", 1)
    ((ok, _, error),) = await calls_of(hall.db, org.owner.actor, run.id)
    assert not ok
    assert problem in (error or "")
    (notice,) = await asked.notices()
    assert "could not be asked" in notice
    assert "example.org" not in notice


async def test_an_address_within_is_refused_unless_the_operator_allows_it(hall, org):
    asked = await ask(hall, org, elsewhere := Elsewhere({"content": "Inside."}))
    run = await asked.take(executor_of(hall, elsewhere, Names("10.0.0.7")))
    assert (run.reason, elsewhere.sent) == ("runtime_failed", [])
    await hall.say(org.owner.actor, asked.circle, f"again @{asked.agent.name}")
    again = await hall.decided(org, asked.circle, asked.agent)
    within = executor_of(hall, elsewhere, Names("10.0.0.7"), outbound_private_hosts="agents.example.org")
    assert (await again.take(within)).reason == "answered"
    caller = caller_of(hall, elsewhere, outbound_private_hosts="127.0.0.1:9000")
    caller.check("http://127.0.0.1:9000/hook")
    for url in (
        "http://agents.example.org/",
        "https://agents.example.org:22/",
        "https://u:p@example.org/",
        "https://10.0.0.1/",
        "https://[::1]/",
    ):
        with pytest.raises(CrewhallError):
            caller.check(url)


@pytest.mark.rule("B12")
async def test_a_runtime_that_fails_again_and_again_is_left_alone_for_a_while(hall, org):
    asked = await ask(hall, org, elsewhere := Elsewhere(answered(500)))
    executor = executor_of(hall, elsewhere)
    assert (await asked.take(executor)).reason == "runtime_failed"
    assert len(elsewhere.sent) == 5
    await hall.say(org.owner.actor, asked.circle, f"again @{asked.agent.name}")
    again = await hall.decided(org, asked.circle, asked.agent)
    assert (await again.take(executor)).reason == "runtime_paused"
    assert len(elsewhere.sent) == 5
    assert "left alone for" in (await again.notices())[-1]


@pytest.mark.rule("C12")
async def test_a_turn_that_waits_is_stopped_and_its_late_answer_refused(hall, org):
    asked = await ask(hall, org, elsewhere := Elsewhere(LATER))
    taking = await waiting(hall, asked, elsewhere)
    async with hall.db.transaction(org.owner.actor) as tx:
        await cancel_run(tx, org.owner.actor, asked.run_id)
    run = await in_time(taking, 5)
    assert (run.status, run.reason) == ("canceled", "canceled")
    with pytest.raises(CrewhallError) as refused:
        await bring(hall, asked)
    assert refused.value.kind is RUN_ENDED
    assert await asked.answers() == []


async def test_a_turn_that_takes_too_long_ends_with_a_word(hall, org):
    asked = await ask(hall, org, elsewhere := Elsewhere(LATER))
    run = await asked.take(executor_of(hall, elsewhere, webhook_time_s=0.2))
    assert (run.status, run.reason) == ("failed", "timed_out")
    assert "did not answer within 0.2 s" in (await asked.notices())[0]


async def test_a_secret_is_changed_without_a_gap(hall, org):
    asked = await ask(hall, org, elsewhere := Elsewhere({"content": "Still here."}))
    old = elsewhere.secrets.pop()
    actor = org.owner.actor
    async with hall.db.transaction(actor) as tx:
        rotated = await rotate_secret(tx, actor, asked.agent.id, SecretRotation(60), hall.turn_settings)
    assert rotated.secret != old
    for known in (old, rotated.secret):
        elsewhere.secrets = [known]
        assert (await asked.take(executor_of(hall, elsewhere))).reason == "answered"
        await hall.say(actor, asked.circle, f"again @{asked.agent.name}")
        asked = await hall.decided(org, asked.circle, asked.agent)
    async with hall.db.transaction(actor) as tx:
        newest = await rotate_secret(tx, actor, asked.agent.id, SecretRotation(0), hall.turn_settings)
    elsewhere.secrets = [newest.secret]
    assert (await asked.take(executor_of(hall, elsewhere))).reason == "answered"


async def test_what_was_asked_of_a_runtime_that_is_gone_ends(hall, org):
    asked = await ask(hall, org, elsewhere := Elsewhere({"content": "?"}))
    async with hall.db.transaction(org.owner.actor) as tx:
        await remove_runtime(tx, org.owner.actor, asked.agent.id)
    run = await asked.take(executor_of(hall, elsewhere))
    assert (run.status, run.reason, elsewhere.sent) == ("stopped", "runtime_failed", [])


async def test_a_turn_that_waits_ends_when_its_runtime_is_removed(hall, org):
    async def remove(_body=None):
        async with hall.db.transaction(org.owner.actor) as tx:
            await remove_runtime(tx, org.owner.actor, asked.agent.id)
        return answered(200, b'{"content": "Too late."}')

    asked = await ask(hall, org, elsewhere := Elsewhere(LATER))
    taking = await waiting(hall, asked, elsewhere)
    await remove()
    run = await in_time(taking, 5)
    assert (run.status, run.reason) == ("stopped", "runtime_failed")
    assert "removed meanwhile" in (await asked.notices())[0]
    asked = await ask(hall, org, elsewhere := Elsewhere(remove))
    run = await asked.take(executor_of(hall, elsewhere))
    assert (run.reason, await asked.answers()) == ("runtime_failed", [])


async def test_what_is_too_long_goes_without_the_oldest(hall, org):
    elsewhere = Elsewhere({"silent": True})
    agent = (asked := await ask(hall, org, elsewhere)).agent
    for number in range(12):
        await hall.say(org.owner.actor, asked.circle, f"{number} " + "long " * 800)
    await asked.take(executor_of(hall, elsewhere, webhook_kb=16, turn_context_tokens=100_000))
    (body,) = elsewhere.sent
    kept = [message["seq"] for message in body["data"]["messages"]]
    assert len(elsewhere.raw[0]) <= 16 * 1024
    assert body["data"]["omitted"]
    assert kept[0] == body["data"]["triggers"][0]["message_seq"]
    assert kept[-1] == body["data"]["seen_seq"]
    assert agent.name in body["data"]["messages"][0]["content"]


@pytest.mark.rule("C9")
async def test_turns_that_are_asked_elsewhere_are_counted_and_limited(hall, org):
    asked = await ask(hall, org, elsewhere := Elsewhere({"content": "A heron."}))
    await hall.say(org.owner.actor, other := await hall.group(org, asked.agent), f"hello @{asked.agent.name}")
    second = await hall.decided(org, other, asked.agent)
    budget = await set_budget(hall, org, run_limit=1, agent_id=str(asked.agent.id), period="day")
    assert (await asked.take(executor_of(hall, elsewhere))).reason == "answered"
    assert (await second.take(executor_of(hall, elsewhere))).reason == "budget"
    assert (len(elsewhere.sent), (await standing(hall, budget)).spent_runs) == (1, 1)


@pytest.mark.rule("C2")
async def test_a_burst_is_asked_once_and_agents_do_not_talk_forever(hall, org):
    elsewhere = Elsewhere({"content": "Hello?"})
    asked = await ask(hall, org, elsewhere)
    await hall.say(org.owner.actor, asked.circle, f"and @{asked.agent.name}")
    await hall.say(org.owner.actor, asked.circle, f"again @{asked.agent.name}")
    await hall.settle(asked.circle)
    assert (
        len(await hall.runs(asked.circle)) == 1
    )  # what came meanwhile waits for the end of the turn, or is read by it
    await asked.take(executor_of(hall, elsewhere))
    await hall.settle(asked.circle)
    assert len(await hall.runs(asked.circle)) == 1
    assert [message["content"][:5] for message in elsewhere.sent[0]["data"]["messages"]] == ["hello", "and @", "again"]
    other = await hall.hire(org, model_config={})
    await serve(hall, org, other, elsewhere)
    circle = await hall.group(org, asked.agent, other, agent_cooldown_seconds=0)
    elsewhere.replies = [{"content": f"@{asked.agent.name} @{other.name}"}]
    await hall.say(org.owner.actor, circle, f"@{asked.agent.name}")
    for _ in range(12):
        await hall.settle(circle)
        for run in await hall.runs(circle):
            if run.completed_at is None:
                await executor_of(hall, elsewhere).execute(org.id, run.id)
    assert len(await hall.runs(circle)) in {3, 4}  # two rounds each


async def test_nobody_answers_a_run_that_is_not_there(hall, org):
    agent = await hall.hire(org)
    async with hall.db.transaction(agent) as tx:
        with pytest.raises(CrewhallError) as refused:
            await take_answer(tx, agent, new_id(), RunAnswer(silent=True))
    assert refused.value.kind is NOT_FOUND
