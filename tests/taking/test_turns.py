"""A resident agent's turn, from its run to its answer."""

import asyncio

import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.runtime.queries import get_run, list_together
from crewhall.runtime.triggers import add_trigger
from crewhall.runtime.vocabulary import Cause
from tests.support.openai import Say
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


@pytest.mark.rule("X12")
async def test_what_is_asked_before_a_turn_has_begun_is_answered_with_it_and_named_there(hall, org, model):
    model.play(Say("Blue, and seven."), Say("Yes."))
    agent = await hall.hire(org, model_config=SCRIPTED)
    circle = await hall.group(org, agent)
    asks = [await hall.say(org.owner.actor, circle, f"@{agent.name} {what}?") for what in ("what colour", "or red")]
    asked = await hall.decided(org, circle, agent)
    late = await hall.say(org.owner.actor, circle, f"@{agent.name} how many?")
    await asked.take()
    await hall.settle(circle)
    after = await hall.say(org.owner.actor, circle, f"@{agent.name} sure?")
    alone = await hall.decided(org, circle, agent)
    await alone.take()
    assert [run.id for run in await hall.runs(circle)] == [asked.run_id, alone.run_id]
    first, second = (str(request["messages"][-1]) for request in model.requests)
    assert "whatever else was asked of you" in first
    assert "whatever else was asked of you" not in second
    async with hall.db.transaction(org.owner.actor) as tx:
        runs = [await get_run(tx, org.owner.actor, one.run_id) for one in (asked, alone)]
        assert [await list_together(tx, run) for run in runs] == [
            [*(one.seq for one in asks), late.seq], [after.seq],
        ]  # fmt: skip


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


async def test_an_agent_that_thinks_elsewhere_is_asked_by_messages_alone(hall, org):
    agent = await hall.hire(org, model_config={})
    circle = await hall.group(org, agent)
    with pytest.raises(CrewhallError, match="mention it instead"):
        async with hall.db.transaction(org.owner.actor) as tx:
            await add_trigger(
                tx, org.owner.actor, conversation_id=circle, agent_id=agent.id, cause=Cause.RUN_NOW, prompt="Sum it up."
            )
