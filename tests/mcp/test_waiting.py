"""An agent waits for what concerns it: woken when it comes, resumed by seq, at no cost in between."""

import asyncio
import contextlib
import json
from uuid import UUID

import httpx
import pytest

from crewhall.faces.mcp import lasting
from tests.mcp.visiting import LEGACY, MODERN, done, refused, visit
from tests.support.waiting import bounded, in_time


async def waiting(server, org, agent):
    """Return when the agent's wait is under way."""
    async with bounded(20):
        while not server.hub.connections(UUID(str(org.id)), UUID(agent.id)):
            await asyncio.sleep(0.01)


def count_transactions(server):
    return server.db.pool.get_stats().get("requests_num", 0)


@pytest.mark.rule("X4", "X2")
@pytest.mark.parametrize("mode", [LEGACY, MODERN])
async def test_a_mention_ends_the_wait_and_is_answered_once(server, org, agent, general, mode):
    owner = org.owner.api
    async with visit(server.address, agent.key, mode) as client:
        task = asyncio.create_task(done(client, "wait_for_mentions", seconds=60))
        await waiting(server, org, agent)
        assert (await owner.get(f"/agents/{agent.id}")).json()["presence"] == "online"
        await owner.post(f"/conversations/{general}/messages", json={"content": "nobody is meant"})
        asked = (
            await owner.post(f"/conversations/{general}/messages", json={"content": f"@{agent.code} which herons?"})
        ).json()
        came = await in_time(task, 30)
        (mention,) = came["mentions"]
        assert (mention["reason"], mention["message"]["id"]) == ("mention", asked["id"])
        assert server.hub.connections(UUID(str(org.id)), UUID(agent.id)) == []

        again = await done(client, "wait_for_mentions", seconds=0)  # not handled yet: another session finds it too
        assert again == came
        for _ in range(2):
            await done(
                client, "post_message", conversation_id=general, content="Grey ones.", client_id=f"answer:{asked['id']}"
            )
        after = await done(client, "wait_for_mentions", seconds=0, after=came["next_after"])
        assert after == {"mentions": [], "next_after": came["next_after"]}
    async with visit(server.address, agent.key, mode) as client:
        assert (await done(client, "wait_for_mentions", seconds=0))["mentions"] == []
        back = await done(client, "wait_for_mentions", seconds=0, after=came["next_after"] - 1)
        assert back == came
    said = (await owner.get(f"/conversations/{general}/messages")).json()["items"]
    assert [one["content"] for one in said].count("Grey ones.") == 1


async def test_what_came_meanwhile_is_there_at_once_in_order(server, org, agent, general):
    sent = []
    for number in range(3):
        body = {"content": f"@{agent.code} number {number}"}
        sent.append((await org.owner.api.post(f"/conversations/{general}/messages", json=body)).json()["id"])
    found, after = [], None
    async with visit(server.address, agent.key) as client:
        while len(found) < 3:
            more = {} if after is None else {"after": after}
            page = await done(client, "wait_for_mentions", seconds=20, limit=2, **more)
            found += [mention["message"]["id"] for mention in page["mentions"]]
            after = page["next_after"]
    assert found == sent


async def test_a_wait_that_nothing_ends_is_over_in_time(server, agent):
    async with visit(server.address, agent.key) as client:
        assert await done(client, "wait_for_mentions", seconds=1) == {"mentions": [], "next_after": 0}


async def test_waiting_asks_the_database_for_nothing(server, org, agent):
    async with visit(server.address, agent.key) as client:
        task = asyncio.create_task(done(client, "wait_for_mentions", seconds=60))
        await waiting(server, org, agent)
        spans: list[int] = []  # transactions in each part of the wait; what went before still settles
        while 0 not in spans and not task.done():
            before = count_transactions(server)
            await asyncio.wait({task}, timeout=0.4)
            spans.append(count_transactions(server) - before)
        assert 0 in spans
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.rule("E2", "D10")
@pytest.mark.parametrize("mode", [LEGACY, MODERN])
async def test_a_key_that_is_revoked_ends_its_wait(server, org, agent, mode):
    async with visit(server.address, agent.key, mode) as client:
        task = asyncio.create_task(refused(client, "wait_for_mentions", seconds=60))
        await waiting(server, org, agent)
        (key,) = (await org.owner.api.get(f"/agents/{agent.id}/credentials")).json()["items"]
        (await org.owner.api.delete(f"/agents/{agent.id}/credentials/{key['id']}")).raise_for_status()
        assert (await in_time(task, 20))["code"] == "unauthenticated"


@pytest.mark.parametrize("mode", [LEGACY, MODERN])
async def test_a_client_that_goes_away_leaves_nothing_behind(server, org, agent, mode):
    with contextlib.suppress(asyncio.CancelledError):
        async with visit(server.address, agent.key, mode) as client:
            task = asyncio.create_task(client.call_tool("wait_for_mentions", {"seconds": 60}))
            await waiting(server, org, agent)
            task.cancel()
    async with bounded(20):
        while server.hub.connections(UUID(str(org.id)), UUID(agent.id)):
            await asyncio.sleep(0.01)


async def test_a_long_wait_is_kept_alive_by_spaces(server, org, agent, general, monkeypatch):
    monkeypatch.setattr(lasting, "EVERY_S", 0.05)
    call = {"name": "wait_for_mentions", "arguments": {"seconds": 30}}
    headers = {"authorization": f"Bearer {agent.key}", "accept": "application/json, text/event-stream"}
    request = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}
    async with (
        httpx.AsyncClient(base_url=server.address, headers=headers, timeout=20, verify=False) as http,
        http.stream("POST", "/mcp", json=request) as answer,
    ):
        assert answer.status_code == 200
        pieces = answer.aiter_text()
        first = await anext(pieces)
        assert (first.strip(), first != "") == ("", True)
        await org.owner.api.post(f"/conversations/{general}/messages", json={"content": f"@{agent.code} hello"})
        text = "".join([piece async for piece in pieces])
    (mention,) = json.loads(text)["result"]["structuredContent"]["mentions"]
    assert mention["message"]["content"] == f"@{agent.code} hello"
