"""Server-sent events: the same frames as the socket, resumed by Last-Event-ID."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.identity.hall import Org
from tests.support.server import Server, frames_until, token_of
from tests.support.waiting import PATIENCE, bounded


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
    async with bounded(15):
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


@pytest.mark.parametrize("last", ["x", "-5", "9" * 19, "1.5", "1 2"])
async def test_a_bad_last_event_id_is_refused(server: Server, org: Org, last: str) -> None:
    path = f"/conversations/{await server.channel(org.owner)}/stream"
    refused = await org.owner.api.get(path, headers={"Last-Event-ID": last}, timeout=5 * PATIENCE)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert refused.json()["detail"].startswith("Last-Event-ID: Send the id of the last event")


@pytest.mark.parametrize("after", ["-1", "x", str(2**63), "9" * 30])
async def test_a_bad_after_is_refused_everywhere(server: Server, org: Org, after: str) -> None:
    channel = await server.channel(org.owner)
    for path in ("stream", "messages"):
        refused = await org.owner.api.get(
            f"/conversations/{channel}/{path}", params={"after": after}, timeout=5 * PATIENCE
        )
        assert (refused.status_code, refused.json()["detail"].startswith("after: ")) == (422, True), path
    async with server.live(token_of(org.owner.api)) as socket:
        await socket.send(f'{{"type":"subscribe","conversation":"{channel}","after":{after.replace("x", "true")}}}')
        [error] = await frames_until(socket, "error")
        assert (error["code"], error["detail"].startswith("after: ")) == ("invalid", True)


async def test_beyond_the_newest_only_what_is_live_is_sent(server: Server, org: Org) -> None:
    path = f"/conversations/{await server.channel(org.owner)}"
    (await org.owner.api.post(f"{path}/messages", json={"content": "past"})).raise_for_status()
    page = (await org.owner.api.get(f"{path}/messages", params={"after": 1_000})).json()
    assert page == {"items": [], "next": None}
    async with bounded(15), org.owner.api.stream("GET", f"{path}/stream", params={"after": 1_000}) as response:
        seen = []
        async for _, frame in events(response):
            seen.append((frame["type"], frame["seq"]))
            if frame["type"] == "record":
                break
            await org.owner.api.post(f"{path}/messages", json={"content": "live"})
    assert seen == [("resumed", 1), ("record", 2)]


async def test_strangers_get_no_stream(server: Server, org: Org, other_org: Org) -> None:
    private = await server.channel(org.owner, type="private")
    member = await org.add("member")
    for stranger in (member, other_org.owner):
        answer = await stranger.api.get(f"/conversations/{private}/stream")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await server.client().get(f"/conversations/{private}/stream")).status_code == 401
