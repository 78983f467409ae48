"""Tools of the caller: a call suspends the run until the caller brings the result; then the same run goes on."""

import asyncio
import json
from typing import Any
from uuid import UUID

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion

from crewhall.faces.openai.requests import CONVERSATION
from crewhall.runtime import RuntimeParts
from crewhall.runtime.outside import end_forsaken
from crewhall.runtime.runs import go_on
from tests.identity.hall import Org
from tests.support.openai import Say, ScriptedModel, Use
from tests.support.server import AgentClient, Server
from tests.support.waiting import until
from tests.wire.conftest import SCRIPTED, Visit, messages_of, place_of

HELLO: Any = [{"role": "user", "content": "How warm is it?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [
    {"type": "function", "function": {"name": "weather", "description": "Tell the weather.", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "clock"}},
]
BERLIN = Use([("weather", {"city": "Berlin"})], saying="Let me look.")


def results(completion: ChatCompletion, *contents: str) -> Any:
    """The whole conversation so far, with the results of the calls."""
    message = completion.choices[0].message
    calls = message.tool_calls or []
    told = [
        {"role": "tool", "tool_call_id": call.id, "content": content}
        for call, content in zip(calls, contents, strict=False)
    ]
    return [*HELLO, message.model_dump(exclude_none=True), *told]


async def run_of(org: Org, completion: ChatCompletion) -> dict[str, Any]:
    assert completion.metadata is not None
    found: dict[str, Any] = (await org.owner.api.get(f"/runs/{completion.metadata['run_id']}")).json()
    return found


@pytest.mark.rule("X4", "X3")
async def test_a_call_suspends_the_run_and_its_result_continues_it(
    client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    model.play(BERLIN, Say("It is 20 degrees."))
    first = await client.chat.completions.create(model=agent.code, messages=HELLO, tools=TOOLS)
    (choice,) = first.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Let me look.")
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Berlin"})
    assert {tool["function"]["name"] for tool in model.requests[0]["tools"]} == {"weather", "clock"}
    waiting = await run_of(org, first)
    assert waiting["status"] == "waiting"
    assert await messages_of(org.owner, place_of(first)) == [("user", "How warm is it?")]

    # The ids of the calls lead back, without the header.
    second = await client.chat.completions.create(model=agent.code, messages=results(first, "20 degrees"), tools=TOOLS)
    assert (second.choices[0].finish_reason, second.choices[0].message.content) == ("stop", "It is 20 degrees.")
    assert place_of(second) == place_of(first)
    ended = await run_of(org, second)
    assert (ended["id"], ended["status"], ended["waits"]) == (waiting["id"], "succeeded", 1)
    said = await messages_of(org.owner, place_of(first))
    assert said == [("user", "How warm is it?"), ("agent", "It is 20 degrees.")]
    assert [message["role"] for message in model.requests[1]["messages"]][-2:] == ["assistant", "tool"]
    assert model.requests[1]["messages"][-1]["content"] == "20 degrees"
    assert second.usage is not None
    assert (second.usage.prompt_tokens, second.usage.completion_tokens) == (11, 7), "of this request alone"

    # Brought once more, as after a lost connection, it is the same answer, and nothing is asked of the model.
    again = await client.chat.completions.create(model=agent.code, messages=results(first, "20 degrees"), tools=TOOLS)
    assert again.choices[0].message.content == "It is 20 degrees."
    assert len(model.requests) == 2
    with pytest.raises(openai.ConflictError):
        await client.chat.completions.create(model=agent.code, messages=results(first, "30 degrees"), tools=TOOLS)


@pytest.mark.rule("X4", "X3")
async def test_calls_stream_and_come_beside_the_agents_own_again_and_again(
    server: Server, client: AsyncOpenAI, org: Org, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
):
    # The limit of requests begins anew with each round of the caller: a coding assistant has many.
    thinker = await server.services.part(RuntimeParts).executor.wake_thinker()
    monkeypatch.setattr(thinker, "_settings", thinker._settings.model_copy(update={"turn_requests": 2}))
    agent = await server.hire(org, model_config=SCRIPTED, tools=["list_people"])
    model.play(
        Use([("list_people", {}), ("weather", {"city": "Berlin"}), ("clock", {})]),
        Use([("weather", {"city": "Rome"})]),
        Say("Done."),
    )

    async def stream(messages: Any) -> tuple[Any, list[Any]]:
        chunks = [
            chunk
            async for chunk in await client.chat.completions.create(
                model=agent.code, messages=messages, tools=TOOLS, stream=True
            )
        ]
        calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
        return chunks, calls

    def carried(calls: list[Any], *contents: str) -> Any:
        named = [{"id": call.id, "type": "function", "function": call.function.model_dump()} for call in calls]
        told = [
            {"role": "tool", "tool_call_id": call.id, "content": content}
            for call, content in zip(calls, contents, strict=True)
        ]
        return [*HELLO, {"role": "assistant", "content": None, "tool_calls": named}, *told]

    chunks, calls = await stream(HELLO)
    assert [(call.index, call.function.name) for call in calls] == [(0, "weather"), (1, "clock")]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    _, more = await stream(carried(calls, "mild", "noon"))
    assert [json.loads(call.function.arguments) for call in more] == [{"city": "Rome"}]
    last, _ = await stream(carried(more, "warm"))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in last) == "Done."
    told = [message for message in model.requests[2]["messages"] if message["role"] == "tool"]
    assert [message["content"] for message in told][1:] == ["mild", "noon", "warm"]
    assert org.owner.email in told[0]["content"] or "people" in told[0]["content"]
    assert len(model.requests) == 3


@pytest.mark.rule("X11", "B1")
async def test_nobody_else_brings_results(
    client: AsyncOpenAI,
    visit: Visit,
    server: Server,
    org: Org,
    other_org: Org,
    agent: AgentClient,
    model: ScriptedModel,
):
    """Not even who may write where it was asked."""
    model.play(BERLIN, Say("never said"))
    here = {CONVERSATION: await server.general(org)}
    first = await client.chat.completions.create(model=agent.code, messages=HELLO, tools=TOOLS, extra_headers=here)
    for who in (await org.add("admin"), other_org.owner):
        with pytest.raises(openai.NotFoundError):
            await visit(who).chat.completions.create(model=agent.code, messages=results(first, "20"), tools=TOOLS)
    assert (await run_of(org, first))["status"] == "waiting"
    assert len(model.requests) == 1


async def test_what_is_missing_mixed_or_unknown_is_refused(
    client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    model.play(Use([("weather", {"city": "Berlin"}), ("clock", {})]), Say("Done."))
    first = await client.chat.completions.create(model=agent.code, messages=HELLO, tools=TOOLS)
    half, whole = results(first, "mild"), results(first, "mild", "noon")
    unknown = [*half[:-1], {**half[-1], "tool_call_id": "call_" + "0" * 32}]
    mixed = [*whole, {"role": "user", "content": "and Rome?"}]
    for messages, kind, word in (
        (half, openai.BadRequestError, "missing: clock"),
        (mixed, openai.BadRequestError, "alone"),
        (unknown, openai.NotFoundError, "no such tool call"),
        ([*half[:-1], {**half[-1], "tool_call_id": "mine"}], openai.BadRequestError, "no id of a tool call"),
    ):
        with pytest.raises(kind, match=word):
            await client.chat.completions.create(model=agent.code, messages=messages, tools=TOOLS)
    assert (await run_of(org, first))["status"] == "waiting"
    answer = await client.chat.completions.create(model=agent.code, messages=whole, tools=TOOLS)
    assert answer.choices[0].message.content == "Done."


@pytest.mark.rule("C12")
async def test_going_on_to_something_else_cancels_what_waits(
    client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    model.play(BERLIN, Say("Never mind."))
    first = await client.chat.completions.create(model=agent.code, messages=HELLO, tools=TOOLS)
    other: Any = [{"role": "user", "content": "Forget it."}]
    answer = await client.chat.completions.create(
        model=agent.code, messages=other, extra_headers={CONVERSATION: place_of(first)}
    )
    assert answer.choices[0].message.content == "Never mind."
    assert (await run_of(org, first))["status"] == "canceled"
    with pytest.raises(openai.ConflictError, match="its turn has ended"):
        await client.chat.completions.create(model=agent.code, messages=results(first, "20"), tools=TOOLS)


@pytest.mark.rule("C12")
async def test_others_are_answered_meanwhile_and_who_never_comes_back_is_given_up(
    server: Server, client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    model.play(BERLIN, Say("Good evening."))
    first = await client.chat.completions.create(model=agent.code, messages=HELLO, tools=TOOLS)
    path = f"/conversations/{place_of(first)}/messages"
    (await org.owner.api.post(path, json={"content": "Good evening"})).raise_for_status()

    async def answered() -> bool:
        return len(await messages_of(org.owner, place_of(first))) == 3

    await until(answered)
    assert (await messages_of(org.owner, place_of(first)))[-1] == ("agent", "Good evening.")
    assert (await run_of(org, first))["status"] == "waiting"
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run("update outside_calls set until = now() - interval '1 second' where result is null")
    await end_forsaken(server.db)
    run = await run_of(org, first)
    assert (run["status"], run["reason"]) == ("stopped", "forsaken")


@pytest.mark.rule("C12")
async def test_hanging_up_after_the_results_cancels_too_and_long_results_are_cut(
    client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    model.play(BERLIN, Say("Very long", piece=4, hold=asyncio.Event()))
    first = await client.chat.completions.create(model=agent.code, messages=HELLO, tools=TOOLS)
    stream = await client.chat.completions.create(
        model=agent.code, messages=results(first, "long " * 20_000), tools=TOOLS, stream=True
    )
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()

    async def is_canceled() -> bool:
        return str((await run_of(org, first))["status"]) == "canceled"

    await until(is_canceled)
    told = model.requests[1]["messages"][-1]["content"]
    assert told.endswith("(the rest is cut off)")
    assert len(told) < 70_000


@pytest.mark.rule("X3")
async def test_a_run_that_is_taken_over_while_it_waits_asks_nothing_again(
    server: Server, client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    model.play(BERLIN, Say("It is 20 degrees."))
    first = await client.chat.completions.create(model=agent.code, messages=HELLO, tools=TOOLS)
    run = await run_of(org, first)
    async with server.db.transaction(org.owner.actor) as tx:
        await go_on(tx, UUID(run["id"]))  # as a process would that died before it had put the run aside

    async def is_put_aside_again() -> bool:
        found = await run_of(org, first)
        return (found["status"], found["attempt"]) == ("waiting", run["attempt"] + 1)

    await until(is_put_aside_again)
    assert len(model.requests) == 1
    second = await client.chat.completions.create(model=agent.code, messages=results(first, "20"), tools=TOOLS)
    assert second.choices[0].message.content == "It is 20 degrees."
    steps = (await org.owner.api.get(f"/runs/{run['id']}/steps")).json()["items"]
    kinds = [step["kind"] for step in steps]
    assert kinds == ["context", "request", "answer", "call", "result", "request", "answer", "post"]


async def test_tools_that_cannot_be_are_refused(
    server: Server, client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    own = await server.hire(org, model_config=SCRIPTED, tools=["list_people"])
    remote = await server.hire(org)
    taken: Any = [{"type": "function", "function": {"name": "list_people"}}]
    for name, tools in ((own.code, taken), (remote.code, TOOLS), (agent.code, [*TOOLS, *TOOLS])):
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(model=name, messages=HELLO, tools=tools)
        assert (refused.value.code, (refused.value.param or "").partition("[")[0]) == ("invalid", "tools")
    model.play(Say("No tools."))
    answer = await client.chat.completions.create(model=agent.code, messages=HELLO, tools=TOOLS, tool_choice="none")
    assert answer.choices[0].message.content == "No tools."
    assert "tools" not in model.requests[0]


@pytest.mark.rule("X11")
async def test_programs_that_ask_at_once_have_a_turn_each_with_their_own_tools(
    visit: Visit, org: Org, agent: AgentClient, model: ScriptedModel
):
    found = (await org.owner.api.get("/conversations", params={"q": "general"})).json()["items"]
    here = {CONVERSATION: found[0]["id"]}
    hold = asyncio.Event()
    model.play(Say("Busy.", piece=2, hold=hold), BERLIN, Say("Nothing to look at."))

    async def waits(many: int) -> None:
        async def are_there() -> bool:
            runtime = (await org.owner.api.get(f"/conversations/{found[0]['id']}/runtime")).json()
            return (runtime["open_runs"], runtime["waiting_triggers"]) == (1, many)

        await until(are_there)

    asking: list[asyncio.Task[ChatCompletion]] = []
    for at, (who, tools) in enumerate(
        ((org.owner, []), (await org.add("member"), TOOLS), (await org.add("admin"), []))
    ):
        client = visit(who, **here)
        asked: Any = {"tools": tools} if tools else {}
        asking.append(asyncio.create_task(client.chat.completions.create(model=agent.code, messages=HELLO, **asked)))
        await waits(at)
    hold.set()
    first, second, third = [(await one).choices[0] for one in asking]
    assert (first.message.content, first.finish_reason) == ("Busy.", "stop")
    assert (second.finish_reason, [call.type for call in second.message.tool_calls or []]) == (
        "tool_calls",
        ["function"],
    )
    assert (third.message.content, third.finish_reason) == ("Nothing to look at.", "stop")
    assert ["tools" in request for request in model.requests] == [False, True, False]


async def test_calls_under_one_id_are_each_done(client: openai.AsyncOpenAI, agent: AgentClient, model: ScriptedModel):
    both = Use([("weather", {"city": "Berlin"}), ("weather", {"city": "Oslo"})], same_id="call")
    model.play(both, Say("20 and 10."))
    first = await client.chat.completions.create(model=agent.code, messages=HELLO, tools=TOOLS)
    asked = first.choices[0].message.model_dump()["tool_calls"]
    assert [json.loads(call["function"]["arguments"])["city"] for call in asked] == ["Berlin", "Oslo"]
    await client.chat.completions.create(model=agent.code, messages=results(first, "20", "10"), tools=TOOLS)
    assert [said["content"] for said in model.requests[1]["messages"] if said["role"] == "tool"] == ["20", "10"]


async def test_halves_of_a_character_are_put_together_on_the_stream(
    client: openai.AsyncOpenAI, agent: AgentClient, model: ScriptedModel
):
    model.play(Say("Hi \ud83d\ude00 there \ud83d", piece=4))
    answer = await client.chat.completions.create(model=agent.code, messages=HELLO)
    assert answer.choices[0].message.content == "Hi 😀 there \ufffd"
