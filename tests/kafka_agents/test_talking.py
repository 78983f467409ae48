"""An agent that knows nothing but Kafka talks in conversations, with its rights and no others."""

from typing import Any

import pytest

from tests.conversations.ways import group, post
from tests.identity.hall import Org
from tests.kafka_agents.conftest import POSTS_PER_SECOND
from tests.kafka_agents.program import Programs, on_kafka, when
from tests.support.server import Server
from tests.support.waiting import until


async def said(org: Org, conversation: str, count: int) -> list[dict[str, Any]]:
    """The messages of a conversation, once there are so many."""

    async def look() -> list[dict[str, Any]] | None:
        found = await org.owner.api.get(f"/conversations/{conversation}/messages", params={"limit": 100})
        items = found.raise_for_status().json()["items"]
        return items if len(items) >= count else None

    return await until(look)


@pytest.mark.rule("X4")
async def test_an_agent_hears_what_is_for_it_and_answers(server: Server, org: Org, programs: Programs) -> None:
    agent = await server.hire(org)
    circle = await group(org.owner, agent)
    before = await post(org.owner, circle, f"while you were away, @{agent.code}")
    topics = await on_kafka(server, org, agent)
    program = programs.start(topics)
    first = await program.next()
    assert (first["reason"], first["message"], first["agent_id"]) == ("mention", before, agent.id)
    assert first["headers"]["crewhall-version"] == b"1"
    assert first["key"] == circle.encode()
    await program.say(circle, "here I am", client_id=f"answer:{before['id']}")
    *_, answer = await said(org, circle, 2)
    assert (answer["content"], answer["author"]["id"]) == ("here I am", agent.id)
    await post(org.owner, circle, "that concerns nobody")
    again = await post(org.owner, circle, f"and now, @{agent.code}")
    assert (await program.next())["message"]["id"] == again["id"]
    shown = (await org.owner.api.get("/runtimes")).json()["items"]
    (mine,) = [one for one in shown if one["agent"]["id"] == agent.id]
    assert (mine["way"], mine["health"]) == ("kafka", "healthy")


async def test_what_is_said_twice_under_one_client_id_is_one_message(
    server: Server, org: Org, programs: Programs
) -> None:
    agent = await server.hire(org)
    circle = await group(org.owner, agent)
    program = programs.start(await on_kafka(server, org, agent))
    for words in ("once", "once", "another time"):
        await program.say(circle, words, client_id="mine")
    refused = await program.next("refused")
    assert (refused["code"], refused["status"], refused["headers"]["crewhall-code"]) == (
        "client_id_reused", 409, b"client_id_reused",
    )  # fmt: skip
    await program.say(circle, "the end")
    assert [message["content"] for message in await said(org, circle, 2)] == ["once", "the end"]


@pytest.mark.rule("X4")
async def test_what_an_agent_may_not_do_is_refused_with_the_reason(
    server: Server, org: Org, other_org: Org, programs: Programs
) -> None:
    agent, stranger = await server.hire(org), await server.hire(other_org)
    secret = await group(org.owner)
    theirs = await group(other_org.owner, stranger)
    circle = await group(org.owner, agent)
    program = programs.start(await on_kafka(server, org, agent))
    for place in (secret, theirs):
        await program.say(place, "let me in")
        refused = await program.next("refused")
        assert (refused["code"], refused["offset"]) == ("not_found", 0 if place == secret else 1)
    unknown = b'{"conversation_id": "%s", "content": "x", "y": 1}'
    for value in (b"{", b"\xff", b"[]", b'{"content": "nowhere"}', unknown):
        await program.send(value.replace(b"%s", circle.encode()))
        refused = await program.next("refused")
        assert refused["code"] == "invalid"
        assert refused["value"] is not None
    await program.send(b"{}", [("crewhall-version", b"2")])
    assert "version 1" in (await program.next("refused"))["detail"]
    (await org.owner.api.patch(f"/agents/{agent.id}", json={"status": "inactive"})).raise_for_status()
    await program.say(circle, "still here")
    assert (await program.next("refused"))["code"] == "forbidden"
    (await org.owner.api.patch(f"/agents/{agent.id}", json={"status": "active"})).raise_for_status()
    await program.say(circle, "back")
    assert [message["content"] for message in await said(org, circle, 1)] == ["back"]
    shown = await until(lambda: when(org, agent, lambda shown: shown["refused"] == 9))
    assert shown["last_refusal"].startswith("forbidden: ")


async def test_who_says_too_much_waits_and_keeps_nobody_else_waiting(
    server: Server, org: Org, programs: Programs
) -> None:
    busy, quiet = await server.hire(org), await server.hire(org)
    circle = await group(org.owner, busy, quiet)
    first, second = [programs.start(await on_kafka(server, org, one)) for one in (busy, quiet)]
    flood = [f"flood {n}" for n in range(POSTS_PER_SECOND * 3)]  # so much takes a second more than it may at once
    for words in flood:
        await first.say(circle, words)
    await second.say(circle, "a word")
    found = [message["content"] for message in await said(org, circle, len(flood) + 1)]
    assert [words for words in found if words != "a word"] == flood
    assert found[-1] != "a word"
