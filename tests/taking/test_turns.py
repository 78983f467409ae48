"""A resident agent's turn, from its run to its answer."""

import asyncio
import re

import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.runtime.triggers import add_trigger
from crewhall.runtime.vocabulary import Cause
from tests.support.openai import BreakOff, Fail, Say, Use
from tests.taking.hall import SCRIPTED


@pytest.mark.rule("C12", "X12")
async def test_an_agent_answers_what_it_was_asked(hall, org, model):
    model.play(Say("Good morning, everybody."))
    asked = await hall.ask(org, "good morning @{}")
    run = await asked.take()
    assert (run.status, run.reason, run.attempt) == ("succeeded", "answered", 1)
    assert await asked.answers() == ["Good morning, everybody."]
    (said,) = [said for said in await hall.said(asked.circle) if said.author_id == asked.agent.id]
    assert (said.id, said.role, said.metadata) == (run.answer_id, "assistant", {"run_id": str(run.id)})
    assert (run.requests, run.input_tokens, run.output_tokens) == (1, 11, 7)
    assert run.model == "scripted:scripted-1"
    assert await asked.kinds() == ["context", "request", "answer", "post"]


@pytest.mark.rule("X12")
async def test_what_it_saw_can_be_opened_afterwards(hall, org, model):
    model.play(Say("Yes."))
    agent = await hall.hire(org, model_config=SCRIPTED | {"temperature": 0.3, "max_tokens": 50}, instructions="Be dry.")
    circle = await hall.group(org, agent)
    await hall.say(org.owner.actor, circle, "before")
    await hall.say(agent, circle, "my own word")
    question = await hall.say(org.owner.actor, circle, f"@{agent.name} after?")
    asked = await hall.decided(org, circle, agent)
    run = await asked.take()
    context, request, answer, post = await asked.steps()
    assert [(line["name"], line["content"]) for line in context.body["lines"]] == [
        ("Ada Lovelace", "before"), (agent.name, "my own word"), ("Ada Lovelace", f"@{agent.name} after?"),
    ]  # fmt: skip
    assert run.seen_seq == context.body["seen_seq"] == question.seq
    assert "Be dry." in context.body["instructions"]
    assert request.body["settings"]["temperature"] == 0.3
    assert answer.body["response"]["parts"][0]["content"] == "Yes."
    assert post.body == {"message_id": str(run.answer_id), "seq": question.seq + 1}
    (sent,) = model.requests
    assert (sent["temperature"], sent.get("max_tokens") or sent["max_completion_tokens"]) == (0.3, 50)
    roles = [message["role"] for message in sent["messages"]]
    assert roles in (["system", "user", "assistant", "user"], ["developer", "user", "assistant", "user"])
    assert sent["messages"][0]["content"] == context.body["instructions"]
    assert sent["messages"][2]["content"] == "my own word"
    assert f"You were mentioned in #{question.seq}." in str(sent["messages"][3]["content"])
    assert model.keys[-1] == "sk-test"


@pytest.mark.parametrize("text", ["[silent]", "Stay silent", ""])
async def test_whoever_has_nothing_to_say_posts_nothing(hall, org, model, text):
    model.play(*[Say(text)] * 4)
    asked = await hall.ask(org)
    run = await asked.take()
    assert (run.status, run.reason, run.answer_id) == ("succeeded", "silent", None)
    assert await asked.answers() == await asked.notices() == []


async def test_a_question_in_a_thread_is_answered_there_with_the_thread_in_view(hall, org, model):
    executor = hall.make_executor(turn_summary_tokens=0)
    model.play(Say("Blue."))
    agent = await hall.hire(org, model_config=SCRIPTED)
    circle = await hall.group(org, agent)
    root = await hall.say(org.owner.actor, circle, "which colour?")
    for number in range(30):
        await hall.say(org.owner.actor, circle, f"{number} " + "noise " * 400)
    await hall.say(org.owner.actor, circle, f"@{agent.name}?", parent_id=root.id)
    asked = await hall.decided(org, circle, agent)
    run = await asked.take(executor)
    await executor.close()
    (said,) = [said for said in await hall.said(circle) if said.author_id == agent.id]
    assert (said.content, said.parent_id) == ("Blue.", root.id)
    (context, *_) = await asked.steps()
    seen = [line["seq"] for line in context.body["lines"]]
    assert seen[0] == root.seq
    assert seen[-1] == run.message_seq
    assert len(seen) < 30
    assert context.body["omitted"] is True
    assert context.body["tokens"] <= hall.turn_settings.turn_context_tokens


async def test_a_thread_whose_root_is_gone_is_answered_in_the_conversation(hall, org, model):
    held = asyncio.Event()
    model.play(Say("late", hold=held))
    agent = await hall.hire(org, model_config=SCRIPTED)
    circle = await hall.group(org, agent)
    root = await hall.say(org.owner.actor, circle, "a thread")
    await hall.say(org.owner.actor, circle, f"@{agent.name}", parent_id=root.id)
    asked = await hall.decided(org, circle, agent)
    taking = asyncio.create_task(asked.take())
    while not any(frame.get("text") for frame in hall.frames(asked.run_id)):
        await asyncio.sleep(0.01)
    async with hall.db.transaction(org.owner.actor) as tx:
        await tx.run(
            "insert into message_overlays (message_id, conversation_id, org_id, deleted_at, last_seq)"
            " values (%(id)s, %(circle)s, %(org)s, now(), 9)"
            " on conflict (message_id) do update set deleted_at = now()",
            {"id": root.id, "circle": circle, "org": org.id},
        )
    held.set()
    run = await taking
    assert run.reason == "answered"
    (said,) = [said for said in await hall.said(circle) if said.author_id == agent.id]
    assert said.parent_id is None


async def test_a_prompt_alone_is_a_task(hall, org, model):
    model.play(Say("Three points."))
    agent = await hall.hire(org, model_config=SCRIPTED)
    circle = await hall.group(org, agent)
    async with hall.db.transaction(org.owner.actor) as tx:
        await add_trigger(
            tx, org.owner.actor, conversation_id=circle, agent_id=agent.id, cause=Cause.RUN_NOW, prompt="Sum it up."
        )
    asked = await hall.decided(org, circle, agent)
    assert (await asked.take()).reason == "answered"
    assert str(model.requests[0]["messages"][-1]["content"]).endswith("Sum it up.")


async def test_what_is_too_long_for_a_message_is_cut(hall, org, model):
    model.play(Say("long " * 10_000, piece=5000))
    asked = await hall.ask(org)
    assert (await asked.take()).reason == "answered"
    (answer,) = await asked.answers()
    assert len(answer) == 40_000
    assert answer.endswith("longer than a message may be)")


# -- tools


@pytest.mark.rule("X3", "X12")
async def test_tools_are_called_once_each_call_recorded_before_it_is_made(hall, org, model):
    model.play(
        Use(
            [("weather", {"city": "Rome"}), ("weather", {"city": "nowhere"}), ("weather", {"town": "x"})], "Let me see."
        ),
        Use([("read_messages", {}), ("weather", {"city": "long"})]),
        Say("Blue."),
    )
    asked = await hall.ask(org, tools=["weather", "read_messages", "unheard_of"])
    run = await asked.take()
    assert (run.reason, run.requests) == ("answered", 3)
    assert await asked.answers() == ["Blue."]
    assert await asked.kinds() == [
        "context", "request", "answer", *["call", "result"] * 3, "request", "answer", *["call", "result"] * 2,
        "request", "answer", "post",
    ]  # fmt: skip
    results = {step.key: step.body for step in await asked.steps() if step.kind == "result"}
    rome, nowhere, wrong, read, long = results.values()
    assert rome == {"tool": "weather", "result": {"city": "Rome", "sky": "blue"}}
    assert "error" in nowhere
    assert "not valid" in wrong["error"]
    assert [message["author"]["name"] for message in read["result"]["messages"]] == ["Ada Lovelace"]
    assert 64 * 1024 <= len(long["result"]) < 64 * 1024 + 100
    assert [tool["function"]["name"] for tool in model.requests[0]["tools"]] == ["weather", "read_messages"]
    assert "blue" in str(model.requests[1]["messages"])


@pytest.mark.rule("B1")
async def test_tools_reach_no_further_than_their_agent(hall, org, model):
    stranger = await hall.hire(org)
    other = await hall.group(org, stranger)
    await hall.say(org.owner.actor, other, "the secret word is plum")
    asked_elsewhere = {"conversation_id": str(other)}
    model.play(
        Use([("read_messages", asked_elsewhere), ("post_message", asked_elsewhere | {"content": "plum"}),
             ("search_messages", {"query": "plum"})]),
        Say("No."),
    )  # fmt: skip
    asked = await hall.ask(org, tools=["read_messages", "post_message", "search_messages"])
    await asked.take()
    read, posted, found = [step.body for step in await asked.steps() if step.kind == "result"]
    assert (read["code"], posted["code"], found["result"]["hits"]) == ("not_found", "not_found", [])
    assert "plum" not in str(model.requests[1]["messages"][-3:]).replace('{"conversation_id"', "").split("content")[0]
    assert [said.content for said in await hall.said(other)] == ["the secret word is plum"]


async def test_a_tool_posts_where_its_agent_may(hall, org, model):
    agent = await hall.hire(org, model_config=SCRIPTED, tools=["post_message"])
    there, here = await hall.group(org, agent), await hall.group(org, agent)
    model.play(Use([("post_message", {"conversation_id": str(there), "content": "news"})]), Say("Done."))
    await hall.say(org.owner.actor, here, f"@{agent.name}")
    asked = await hall.decided(org, here, agent)
    await asked.take()
    (said,) = await hall.said(there)
    assert (said.content, said.author_id) == ("news", agent.id)
    assert said.client_id.startswith(f"run:{asked.run_id}:")


@pytest.mark.rule("C2")
async def test_a_model_that_never_comes_to_an_answer_is_stopped(hall, org, model):
    model.play(*[Use([("weather", {"city": "Rome"})])] * 20)
    asked = await hall.ask(org, tools=["weather"])
    executor = hall.make_executor(turn_requests=3)
    run = await asked.take(executor)
    await executor.close()
    assert (run.status, run.reason, run.requests) == ("failed", "too_many_requests", 3)
    (notice,) = await asked.notices()
    assert "3 times" in notice


# -- what goes wrong


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
        ({"provider": "crewhall", "model": "sage"}, "guide and scribe"),
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


async def test_an_agent_that_thinks_elsewhere_is_asked_by_messages_alone(hall, org):
    agent = await hall.hire(org, model_config={})
    circle = await hall.group(org, agent)
    with pytest.raises(CrewhallError, match="mention it instead"):
        async with hall.db.transaction(org.owner.actor) as tx:
            await add_trigger(
                tx, org.owner.actor, conversation_id=circle, agent_id=agent.id, cause=Cause.RUN_NOW, prompt="Sum it up."
            )
