"""Agents from start to stop: one answer whatever happens in between."""

import asyncio
from typing import Any

import pytest

from crewhall.sdk import Agent, Client, IncomingMessage, SignedOut
from tests.identity.hall import Org
from tests.sdk.relay import Relay
from tests.sdk.scene import answers_of, messages, read_to, scene, serving, until_online
from tests.support.server import Server
from tests.support.waiting import bounded


@pytest.mark.rule("X1")
@pytest.mark.rule("X2")
async def test_a_network_that_keeps_breaking_costs_no_answer_and_doubles_none(
    server: Server, org: Org, ada: Client, relay: Relay
) -> None:
    channel, hired = await scene(server, org)
    agent = Agent(relay.address, hired.key)
    agent.on_mention(lambda message: message.text)
    total = 40
    async with serving(agent):
        for n in range(total):
            await ada.messages.post(channel, f"@{hired.code} {n}")
            if n % 10 == 3:
                relay.cut()
            if n % 10 == 7:
                relay.swallow = b"answer:"
        said = await messages(ada, channel, lambda said: len(answers_of(said, hired)) == total)
        await read_to(ada, hired, total)
    assert answers_of(said, hired) == [str(n) for n in range(total)]


async def test_two_processes_with_one_key_answer_once(server: Server, org: Org, ada: Client) -> None:
    channel, hired = await scene(server, org)
    agents = [Agent(server.address, hired.key) for _ in range(2)]
    agents[0].on_mention(lambda message: f"first {message.text}")
    agents[1].on_mention(lambda message: f"second {message.text}")
    async with serving(agents[0]), serving(agents[1]):
        for n in range(10):
            await ada.messages.post(channel, f"@{hired.code} {n}")
        said = await messages(ada, channel, lambda said: len(said) == 20)
        await read_to(ada, hired, 10)
    assert [text.split()[1] for text in answers_of(said, hired)] == [str(n) for n in range(10)]


async def test_asked_to_stop_it_finishes_what_it_has_begun(server: Server, org: Org, ada: Client) -> None:
    channel, hired = await scene(server, org)
    agent = Agent(server.address, hired.key)
    begun, gate = asyncio.Event(), asyncio.Event()

    @agent.on_mention
    async def answer(message: IncomingMessage) -> str:
        begun.set()
        await gate.wait()
        return message.text

    async with serving(agent) as stop:
        await ada.messages.post(channel, f"@{hired.code} begun")
        await ada.messages.post(channel, f"@{hired.code} waiting")
        await begun.wait()
        stop.set()
        gate.set()
    await read_to(ada, hired, 1)
    said = [message async for message in ada.messages.history(channel)]
    assert answers_of(said, hired) == ["begun"]
    async with serving(agent):
        said = await messages(ada, channel, lambda said: len(answers_of(said, hired)) == 2)
        assert answers_of(said, hired) == ["begun", "waiting"]


@pytest.mark.rule("E2")
async def test_a_running_agent_is_online(server: Server, org: Org, ada: Client) -> None:
    hired = await server.hire(org)
    assert (await ada.agents.get(hired.id)).presence == "offline"
    async with serving(Agent(server.address, hired.key)):
        await until_online(ada, hired)


@pytest.mark.rule("D10")
async def test_a_revoked_key_stops_the_agent(server: Server, org: Org, ada: Client) -> None:
    hired = await server.hire(org)
    running = asyncio.create_task(Agent(server.address, hired.key).serve())
    await until_online(ada, hired)
    async with bounded(10):
        (key,) = [key async for key in ada.agents.keys(hired.id)]
        await ada.agents.revoke_key(hired.id, key.id)
        with pytest.raises(SignedOut):
            await running


def test_without_a_key_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[Any]) -> None:
    monkeypatch.delenv("CREWHALL_AGENT_KEY", raising=False)
    with pytest.raises(SystemExit) as left:
        Agent().run()
    assert left.value.code == 2
    assert "CREWHALL_AGENT_KEY" in capsys.readouterr().err
