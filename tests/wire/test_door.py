"""Agents as models, with OpenAI's own client: plain and streamed answers, continued conversations, hanging up."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import openai
import pytest
from openai import AsyncOpenAI

from crewhall.faces.openai.requests import CONVERSATION
from crewhall.ports.message_log import Record
from crewhall.runtime import TurnSettings
from tests.identity.hall import Org
from tests.support.openai import Fail, Say, ScriptedModel, Use
from tests.support.server import AgentClient, Server
from tests.support.waiting import until
from tests.wire.conftest import SCRIPTED, messages_of, place_of

HELLO: Any = [{"role": "user", "content": "hello"}]


@pytest.mark.rule("X4", "C12", "X12")
async def test_a_plain_answer_stands_in_a_new_direct_conversation(
    client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    model.play(Say("Good morning."))
    answer = await client.chat.completions.with_raw_response.create(model=agent.code, messages=HELLO)
    completion = answer.parse()
    (choice,) = completion.choices
    assert (choice.message.content, choice.finish_reason) == ("Good morning.", "stop")
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (11, 7)
    conversation = answer.headers[CONVERSATION]
    assert place_of(completion) == conversation
    assert await messages_of(org.owner, conversation) == [("user", "hello"), ("agent", "Good morning.")]
    shown = (await org.owner.api.get(f"/conversations/{conversation}")).json()
    assert shown["unread"] == 0, "what one was given is read"
    assert "hello" not in (await org.owner.api.get("/audit")).text
    assert (shown["kind"], shown["title"], shown["partner"]["id"]) == ("direct", "hello", agent.id)
    run = (await org.owner.api.get(f"/runs/{answer.headers['x-crewhall-run']}")).json()
    assert (run["cause"], run["status"]) == ("api", "succeeded")
    assert completion.metadata is not None
    assert run["answer_id"] == completion.metadata["message_id"]


async def test_what_programs_open_does_not_push_out_what_people_write_themselves(
    client: AsyncOpenAI, server: Server, org: Org, agent: AgentClient, model: ScriptedModel
):
    body = {"kind": "direct", "members": [{"member_type": "agent", "member_id": agent.id}]}
    own = (await org.owner.api.post("/conversations", json=body)).json()["id"]
    model.play(Say("Good morning."))
    theirs = place_of(await client.chat.completions.create(model=agent.code, messages=HELLO))
    browser, _ = await server.browse(org.owner)
    await browser.post(f"{server.address}/organizations/{org.id}/switch", headers={"origin": server.address})
    sidebar, page = [(await browser.get(f"{server.address}{path}")).text for path in ("/sidebar", "/c/direct")]
    main = page[page.index("<main") :]
    for conversation, is_in_sidebar in ((own, True), (theirs, False)):
        assert (f"/c/{conversation}" in sidebar) == is_in_sidebar
        assert f"/c/{conversation}" in main
    assert (await browser.get(f"{server.address}/c/{theirs}")).status_code == 200


@pytest.mark.rule("X4")
async def test_an_answer_streams_token_by_token(
    client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    hold = asyncio.Event()
    model.play(Say("Good morning, everybody.", piece=4, hold=hold))
    stream = await client.chat.completions.create(
        model=agent.code, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks: list[Any] = []
    async for chunk in stream:
        chunks.append(chunk)
        if chunk.choices and chunk.choices[0].delta.content == "Good":
            hold.set()
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert hold.is_set(), "the first words came while the model was still writing"
    assert "".join(words) == "Good morning, everybody."
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 18
    assert len({chunk.id for chunk in chunks}) == 1
    conversation = chunks[0].metadata["conversation_id"]
    assert await messages_of(org.owner, conversation) == [("user", "hello"), ("agent", "Good morning, everybody.")]


@pytest.mark.rule("X4", "X1")
async def test_a_conversation_is_continued_and_nothing_is_posted_twice(
    client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    model.play(Say("one"), Say("two"))
    first = await client.chat.completions.create(model=agent.code, messages=HELLO)
    conversation = place_of(first)
    whole: Any = [
        {"role": "system", "content": "Be brief."},
        *HELLO,
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "and then?"},
    ]
    second = await client.chat.completions.create(
        model=agent.code, messages=whole, extra_headers={CONVERSATION: conversation}
    )
    assert place_of(second) == conversation
    assert await messages_of(org.owner, conversation) == [
        ("user", "hello"), ("agent", "one"), ("user", "and then?"), ("agent", "two"),
    ]  # fmt: skip
    told = str(model.requests[-1]["messages"])
    assert "Be brief." in told
    assert told.count("hello") == 1


async def test_what_was_said_elsewhere_is_told_and_not_posted(
    client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel
):
    model.play(Say("Blue."))
    whole: Any = [
        {"role": "user", "content": "My colour is blue."},
        {"role": "assistant", "content": "Noted."},
        {"role": "user", "content": "Which is it?"},
    ]
    answer = await client.chat.completions.create(model=f"{org.slug}/{agent.code}", messages=whole)
    assert "My colour is blue." in str(model.requests[0]["messages"])
    said = await messages_of(org.owner, place_of(answer))
    assert said == [("user", "Which is it?"), ("agent", "Blue.")]


@pytest.mark.rule("C12")
@pytest.mark.parametrize("is_streamed", [True, False])
async def test_hanging_up_cancels_the_turn(
    client: AsyncOpenAI, org: Org, agent: AgentClient, model: ScriptedModel, is_streamed
):
    model.play(Say("Very long", piece=4, hold=asyncio.Event()))

    async def writes() -> bool:
        return model.streaming > 0

    async def ended() -> list[str]:
        found = (await org.owner.api.get("/runs", params={"agent": agent.id})).json()["items"]
        return [run["status"] for run in found if run["completed_at"]]

    asking = asyncio.create_task(client.chat.completions.create(model=agent.code, messages=HELLO, stream=is_streamed))
    await until(writes)
    if is_streamed:
        await (await asking).close()
    else:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert await until(ended) == ["canceled"]
    assert not await writes()


async def test_an_error_in_the_middle_of_a_stream_is_its_last_event(
    server: Server, client: AsyncOpenAI, org: Org, model: ScriptedModel
):
    agent = await server.hire(org, model_config=SCRIPTED, tools=["list_people"])
    model.play(Use([("list_people", {})], saying="Let me see who is here."), Fail(401, {"message": "no"}))
    words = []
    with pytest.raises(openai.APIError, match="refused our key"):
        async for chunk in await client.chat.completions.create(model=agent.code, messages=HELLO, stream=True):
            words.append(chunk.choices[0].delta.content or "")  # noqa: PERF401 - what came before it broke off
    assert "".join(words) == "Let me see who is here."


async def test_what_no_client_sends_is_refused_in_openais_shape(server: Server, org: Org):
    api = org.owner.api
    address = f"{server.address}/v1"
    large = b" " * (server.services.settings.body_limit_kb * 1024 + 1)
    for answer, status, code in (
        (await api.get(f"{address}/chat/completions"), 405, "method_not_allowed"),
        (await api.post(f"{address}/models"), 405, "method_not_allowed"),
        (await api.post(f"{address}/embeddings", json={}), 404, "not_found"),
        (await api.post(f"{address}/chat/completions", content=b"{"), 400, "malformed"),
        (await api.post(f"{address}/chat/completions", content=b"a=b", headers={"content-type": "text/plain"}), 415,
         "unsupported_media_type"),
        (await api.post(f"{address}/chat/completions", content=large), 413, "too_large"),
        (await server.client().get(f"{address}/models"), 401, "unauthenticated"),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
        assert set(answer.json()["error"]) >= {"message", "type", "param", "code", "request_id"}


async def test_a_failing_model_is_an_error_with_the_reason(
    client: AsyncOpenAI, agent: AgentClient, model: ScriptedModel
):
    model.play(Fail(401, {"message": "no", "code": "invalid_api_key"}))
    with pytest.raises(openai.InternalServerError) as refused:
        await client.chat.completions.create(model=agent.code, messages=HELLO)
    assert (refused.value.status_code, refused.value.code) == (502, "turn_failed")
    assert "refused our key" in refused.value.message
    assert refused.value.response.headers["x-should-retry"] == "false"


@pytest.mark.rule("B1", "B2", "A5")
async def test_models_are_the_agents_that_one_may_ask(
    server: Server, visit, org: Org, other_org: Org, agent: AgentClient
):
    hidden = await server.hire(org, visibility="hidden")
    asleep = await server.hire(org)
    (await org.owner.api.patch(f"/agents/{asleep.id}", json={"status": "inactive"})).raise_for_status()
    foreign = await server.hire(other_org)
    member = visit(await org.add("member"))
    names = [one.id async for one in member.models.list()]
    assert agent.code in names
    assert not {hidden.code, asleep.code, foreign.code} & set(names)
    assert (await member.models.retrieve(agent.code)).owned_by == org.slug
    told = set()
    wrong = (hidden.code, asleep.code, foreign.code, f"{other_org.slug}/{foreign.code}", f"nowhere/{agent.code}", "x")
    for name in wrong:
        for attempt in (
            member.models.retrieve(name),
            member.chat.completions.create(model=name, messages=HELLO),
        ):
            with pytest.raises(openai.NotFoundError) as refused:
                await attempt
            assert (refused.value.code, refused.value.type) == ("model_not_found", "invalid_request_error")
            told.add(refused.value.message.replace(name, "NAME"))
    assert len(told) == 1, "what is not there and what is not shown are told in the same words"


@pytest.mark.rule("B1", "X11")
async def test_a_foreign_conversation_is_not_continued(visit, org: Org, other_org: Org, agent, model: ScriptedModel):
    model.play(Say("one"))
    first = await visit(org.owner).chat.completions.create(model=agent.code, messages=HELLO)
    conversation = place_of(first)
    stranger = await org.add("member")
    for who in (stranger, other_org.owner):
        with pytest.raises(openai.NotFoundError) as refused:
            await visit(who).chat.completions.create(
                model=agent.code, messages=HELLO, extra_headers={CONVERSATION: conversation}
            )
        assert refused.value.code in {"not_found", "model_not_found"}
    for unknown, kind in ((str(uuid4()), openai.NotFoundError), ("nonsense", openai.BadRequestError)):
        with pytest.raises(kind):
            await visit(org.owner).chat.completions.create(
                model=agent.code, messages=HELLO, extra_headers={CONVERSATION: unknown}
            )
    assert len(model.requests) == 1


@pytest.mark.rule("E2", "D10")
async def test_keys_that_are_revoked_expired_or_none_are_refused(server: Server, visit, org: Org, agent: AgentClient):
    made = (await org.owner.api.post("/me/tokens", json={"name": "editor"})).json()
    expired = (await org.owner.api.post("/me/tokens", json={"name": "old"})).json()
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run("update logins set expires_at = now() where id = %(id)s", {"id": expired["id"]})
    client = visit(made["token"])
    assert agent.code in [one.id async for one in client.models.list()]
    (await org.owner.api.delete(f"/me/tokens/{made['id']}")).raise_for_status()
    for key in (made["token"], expired["token"], "sk-nonsense", agent.key + "x"):
        with pytest.raises(openai.AuthenticationError) as refused:
            await visit(key).chat.completions.create(model=agent.code, messages=HELLO)
        assert (refused.value.code, refused.value.type) == ("unauthenticated", "authentication_error")
        assert ("crewhall token create" in refused.value.message) == key.startswith("cwp_"), refused.value.message
    _, session = await server.browse(org.owner)
    browser = server.client(cookie=session)
    refused_page = await browser.get(f"{server.address}/v1/models")
    assert (refused_page.status_code, refused_page.json()["error"]["code"]) == (401, "unauthenticated")


@pytest.mark.rule("X4", "C2")
async def test_agents_ask_agents_within_the_policy(server: Server, visit, org: Org, agent, model: ScriptedModel):
    asking = await server.hire(org)
    client = visit(asking.key)
    assert asking.code not in [one.id async for one in client.models.list()]
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(model=asking.code, messages=HELLO)
    model.play(Say("one"))
    first = await client.chat.completions.create(model=agent.code, messages=HELLO)
    assert first.choices[0].message.content == "one"
    alone = {"agent_policy": {"multi_agent_enabled": False}}
    path = f"/conversations/{place_of(first)}"
    (await asking.api.patch(path, json=alone)).raise_for_status()
    with pytest.raises(openai.ConflictError) as refused:
        await client.chat.completions.create(
            model=agent.code, messages=HELLO, extra_headers={CONVERSATION: place_of(first)}
        )
    assert refused.value.code == "turn_refused"
    assert "the policy says so" in refused.value.message
    assert len(model.requests) == 1


@pytest.mark.rule("X4")
async def test_an_agent_that_thinks_elsewhere_answers_too(server: Server, visit, org: Org):
    remote = await server.hire(org)
    asking = asyncio.create_task(visit(org.owner).chat.completions.create(model=remote.code, messages=HELLO))

    async def deliveries() -> list[Record]:
        return await server.services.log.read(org.id, UUID(remote.inbox_id), after=0, limit=10)

    (record,) = await until(deliveries)
    assert record.metadata is not None
    assert record.metadata["reason"] == "message"
    place, message = record.metadata["message"]["conversation_id"], record.metadata["message"]["id"]
    answer = {"content": "From afar.", "client_id": f"answer:{message}"}
    (await remote.api.post(f"/conversations/{place}/messages", json=answer)).raise_for_status()
    assert (await asking).choices[0].message.content == "From afar."
    assert len(await deliveries()) == 1


async def test_an_agent_that_does_not_answer_in_time_is_an_error(server: Server, visit, org: Org, monkeypatch):
    settings = server.services.settings_of(TurnSettings).model_copy(update={"openai_time_s": 0.3})
    monkeypatch.setitem(server.services.packages, TurnSettings, settings)
    remote = await server.hire(org)
    with pytest.raises(openai.InternalServerError) as refused:
        await visit(org.owner).chat.completions.create(model=remote.code, messages=HELLO)
    assert (refused.value.status_code, refused.value.code) == (504, "no_answer")
