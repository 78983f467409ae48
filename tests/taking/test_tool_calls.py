"""The tools that a turn calls: each call recorded, within the agent's reach, and not for ever."""

import pytest

from crewhall.agents import AgentPatch
from crewhall.agents.actions import update_agent
from crewhall.runtime.approvals import approve
from crewhall.runtime.judging import ToolPolicy, Verdict
from crewhall.runtime.tool_policies import set_tool_policy
from tests.support.openai import Say, Use
from tests.taking.deciding import ROME, decide, waiting
from tests.taking.hall import SCRIPTED


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


async def test_calls_that_are_wrong_are_answered_and_may_be_mended(hall, org, model):
    model.play(
        Use([("weather", "{"), ("unheard_of", {}), ("weather", '["Rome"]')]),
        Use([("weather", "no JSON"), ("weather", {"city": "Rome"})]),
        Use([("weather", {"city": "Rome"})]),
        Use([("unheard_of", {})]),
        Say("Blue."),
    )
    asked = await hall.ask(org, tools=["weather"])
    run = await asked.take()
    assert (run.reason, run.requests, await asked.answers()) == ("answered", 5, ["Blue."])
    told = [message["content"] for message in model.requests[1]["messages"] if message["role"] == "tool"]
    assert ["JSON" in told[0], "There are: weather" in told[1], "JSON" in told[2]] == [True] * 3
    results = [step.body for step in await asked.steps() if step.kind == "result"]
    assert [body["code"] if "error" in body else body["result"]["sky"] for body in results] == [
        "unreadable_arguments", "unknown_tool", "unreadable_arguments", "unreadable_arguments", "blue", "blue",
        "unknown_tool",
    ]  # fmt: skip


async def test_a_model_that_calls_wrongly_again_and_again_is_left(hall, org, model):
    model.play(*[Use([("unheard_of", {})])] * 4)
    asked = await hall.ask(org, tools=["weather"])
    run = await asked.take()
    assert (run.status, run.reason, run.requests) == ("failed", "model_failed", 3)
    (notice,) = await asked.notices()
    assert "wrongly" in notice


async def test_calls_under_one_id_are_each_made(hall, org, model):
    model.play(Use([("weather", {"city": "Rome"}), ("weather", {"city": "Oslo"})], same_id="call"), Say("Blue."))
    asked = await hall.ask(org, tools=["weather"])
    await asked.take()
    results = {step.key: step.body["result"]["city"] for step in await asked.steps() if step.kind == "result"}
    assert results == {"1:call": "Rome", "1:call#1": "Oslo"}


@pytest.mark.parametrize("said", ["", " \n "])
async def test_a_model_that_says_nothing_is_silent(hall, org, model, said):
    model.play(Say(said))
    asked = await hall.ask(org)
    run = await asked.take()
    assert (run.status, run.reason, run.requests) == ("succeeded", "silent", 1)
    assert await asked.answers() == []


async def test_an_answer_that_is_cut_off_within_a_call_ends_at_once(hall, org, model):
    model.play(Use([("weather", '{"city": "Ro')], finish="length"))
    asked = await hall.ask(org, tools=["weather"])
    run = await asked.take()
    assert (run.status, run.reason, run.requests) == ("failed", "model_failed", 1)
    (notice,) = await asked.notices()
    assert "cut off" in notice


@pytest.mark.parametrize("number", ["1e999", "NaN", "99999999999999999999999999"])
async def test_numbers_beyond_json_are_wrong_arguments_and_big_ones_are_not(hall, org, model, number):
    model.play(Use([("weather", f'{{"city": "Rome", "n": {number}}}')]), Say("Blue."))
    asked = await hall.ask(org, tools=["weather"])
    run = await asked.take()
    assert (run.reason, run.attempt) == ("answered", 1)


async def test_half_characters_and_nul_are_mended_before_they_are_used(hall, org, model):
    model.play(
        Use([("weather", {"city": "R\ud83dome"})], "Hm \ud83d", same_id="a\0b"),
        Say("Hi \ud83d\ude00 there, \ud83d\0.", piece=4),
    )
    asked = await hall.ask(org, tools=["weather"])
    run = await asked.take()
    assert (run.reason, run.attempt) == ("answered", 1)
    assert await asked.answers() == ["Hi 😀 there, \ufffd\ufffd."]


async def test_a_tool_that_is_taken_away_keeps_what_it_gave(hall, org, model):
    async with hall.db.transaction(org.owner.actor) as tx:
        policy = ToolPolicy(tools={"weather": Verdict.ALLOW, "wire_money": Verdict.ASK})
        await set_tool_policy(tx, org.owner.actor, policy)
    model.play(Use([("weather", ROME), ("later", ROME)]), Use([("wire_money", ROME)]), Say("Done."))
    asked = await hall.ask(org, tools=["weather", "wire_money"])
    assert (await asked.take()).status == "waiting"
    async with hall.db.transaction(org.owner.actor) as tx:
        await update_agent(tx, org.owner.actor, asked.agent.id, AgentPatch(tools=["wire_money"]))
    (one,) = await waiting(asked)
    await decide(asked, approve, one.id, hall.tools)
    assert (await asked.take()).reason == "answered"


async def test_its_own_words_in_a_row_are_one_message_to_the_model(hall, org, model):
    agent = await hall.hire(org, model_config=SCRIPTED)
    circle = await hall.group(org, agent)
    await hall.say(org.owner.actor, circle, "hello all")
    for word in ("one", "two"):
        await hall.say(agent, circle, word)
    model.play(Say("Yes."))
    await hall.say(org.owner.actor, circle, f"@{agent.name}?")
    asked = await hall.decided(org, circle, agent)
    await asked.take()
    told = model.requests[0]["messages"]
    assert [message["role"] for message in told] == ["system", "user", "assistant", "user"]
    assert told[2]["content"] == "one\n\ntwo"


@pytest.mark.parametrize(("finish", "words"), [("length", "cut off"), ("content_filter", "filter")])
async def test_an_answer_that_ended_before_it_said_anything_is_told(hall, org, model, finish, words):
    model.play(Say("", finish=finish))
    asked = await hall.ask(org)
    run = await asked.take()
    assert (run.status, run.reason) == ("failed", "model_failed")
    (notice,) = await asked.notices()
    assert words in notice
