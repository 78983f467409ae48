"""Server-sent events: the same frames as the socket, resumed by Last-Event-ID."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.identity.hall import Org
from tests.support.server import Server


async def events(response: httpx.Response) -> AsyncIterator[tuple[str | None, dict[str, Any]]]:
    """The events of a stream: (id, data)."""
    event_id: str | None = None
    async for line in response.aiter_lines():
        if line.startswith("id: "):
            event_id = line[4:]
        elif line.startswith("data: "):
            yield event_id, msgspec.json.decode(line[6:])
            event_id = None


@pytest.mark.rule("X2")
async def test_a_stream_resumes_where_it_was_left(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    path = f"/conversations/{channel}"
    for n in range(4):
        await org.owner.api.post(f"{path}/messages", json={"content": str(n)})
    async with asyncio.timeout(15):
        async with org.owner.api.stream("GET", f"{path}/stream", params={"after": 2}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            seen = []
            async for event_id, frame in events(response):
                seen.append((event_id, frame["type"], frame["seq"]))
                if frame["type"] == "resumed":
                    await org.owner.api.post(f"{path}/messages", json={"content": "live"})
                if len(seen) == 4:
                    break
            assert seen == [("3", "record", 3), ("4", "record", 4), (None, "resumed", 4), ("5", "record", 5)]
        headers = {"Last-Event-ID": "4"}
        async with org.owner.api.stream("GET", f"{path}/stream", params={"after": 0}, headers=headers) as response:
            async for event_id, frame in events(response):
                assert (event_id, frame["seq"]) == ("5", 5)
                break


async def test_strangers_get_no_stream(server: Server, org: Org, other_org: Org) -> None:
    private = await server.channel(org.owner, type="private")
    member = await org.add("member")
    for stranger in (member, other_org.owner):
        answer = await stranger.api.get(f"/conversations/{private}/stream")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await server.client().get(f"/conversations/{private}/stream")).status_code == 401
