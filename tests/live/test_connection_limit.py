"""How many live connections somebody may hold at once, by socket and stream alike; other addresses take none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.identity.hall import Member, Org
from tests.live.test_socket import say
from tests.support.database import SharedCluster
from tests.support.server import Server, frames_until, token_of, until_closed
from tests.support.waiting import until

MOST = 3


@pytest.fixture(scope="module")
async def narrow(cluster: SharedCluster, worker_id: str) -> AsyncIterator[Server]:
    """A server where everybody may hold three live connections."""
    urls = cluster.clone(f"narrow_{worker_id}")
    async with Server(urls, live_connections_per_actor=MOST) as running:
        yield running


@pytest.fixture
async def team(narrow: Server) -> Org:
    return await narrow.make_org()


async def hold(server: Server, stack: contextlib.AsyncExitStack, someone: Member) -> ClientConnection:
    """Open a socket and see it answer."""
    socket = await stack.enter_async_context(server.live(token_of(someone.api)))
    await socket.send(say("ping"))
    await frames_until(socket, "pong")
    return socket


async def refused(server: Server, someone: Member) -> None:
    """See the next socket closed, with the code and the reason that say why."""
    async with server.live(token_of(someone.api)) as socket:
        closed = await until_closed(socket)
    assert (closed.code, closed.reason) == (4429, "too_many_connections")


async def freed(server: Server, someone: Member, held: int) -> None:
    """Wait until the server counts that many connections of somebody."""

    async def counted() -> bool:
        return len(server.hub.connections(someone.actor.org, someone.id)) == held

    await until(counted)


async def test_sockets_beyond_the_limit_are_refused_and_a_closed_one_makes_room(narrow: Server, team: Org) -> None:
    member = await team.add("member")
    async with contextlib.AsyncExitStack() as stack:
        held = [await hold(narrow, stack, team.owner) for _ in range(MOST)]
        await refused(narrow, team.owner)
        await hold(narrow, stack, member)  # each has a limit of their own
        for socket in held:
            await socket.send(say("ping"))
            await frames_until(socket, "pong")
        await held[0].close()
        await freed(narrow, team.owner, MOST - 1)
        await hold(narrow, stack, team.owner)
        await refused(narrow, team.owner)


async def test_a_connection_that_breaks_off_makes_room_too(narrow: Server, team: Org) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            held = [await hold(narrow, stack, team.owner) for _ in range(MOST)]
            await refused(narrow, team.owner)
            for socket in held:
                socket.transport.abort()
            await freed(narrow, team.owner, 0)


async def test_streams_count_like_sockets(narrow: Server, team: Org) -> None:
    channel = await narrow.general(team)
    path = f"/conversations/{channel}/stream"
    async with contextlib.AsyncExitStack() as stack:
        client = narrow.client(token_of(team.owner.api))
        streams = [await begin(stack, client, path) for _ in range(MOST - 1)]
        await hold(narrow, stack, team.owner)
        answer = await client.get(path)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["limit"]) == (429, "too_many_connections", MOST)
        assert "Close one" in problem["detail"]
        assert int(answer.headers["retry-after"]) >= 1
        await refused(narrow, team.owner)
        await streams[0][0].aclose()  # in the middle of its body: the connection breaks off
        await freed(narrow, team.owner, MOST - 1)
        assert await begin(stack, client, path)


async def begin(
    stack: contextlib.AsyncExitStack, client: httpx.AsyncClient, path: str
) -> tuple[httpx.Response, AsyncIterator[str]]:
    """Open a stream and read up to where it is live; it ends when nobody keeps its lines."""
    response = await stack.enter_async_context(client.stream("GET", path))
    assert response.status_code == 200
    lines = response.aiter_lines()
    async for line in lines:
        if '"resumed"' in line:
            break
    return response, lines


async def test_streams_that_begin_at_the_same_moment_are_counted_one_by_one(narrow: Server, team: Org) -> None:
    path = f"/conversations/{await narrow.general(team)}/stream"
    client = narrow.client(token_of(team.owner.api))
    refusals = 0

    async def follow(over: asyncio.Event) -> None:
        nonlocal refusals
        async with client.stream("GET", path) as response:
            if response.status_code == 429:
                refusals += 1
                return
            async for line in response.aiter_lines():
                if line.startswith("data: ") and msgspec.json.decode(line[6:])["type"] == "error":
                    refusals += 1
                    return
                if '"resumed"' in line:
                    await over.wait()
                    return

    over = asyncio.Event()
    following = [asyncio.create_task(follow(over)) for _ in range(3 * MOST)]

    async def is_settled() -> bool:
        return refusals == 2 * MOST

    await until(is_settled)
    await freed(narrow, team.owner, MOST)
    over.set()
    await asyncio.gather(*following)


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/live/", "/api/v1/live/x", "/api/v1/me", "/live", "/chat"])
async def test_only_the_live_address_takes_sockets(server: Server, org: Org, path: str) -> None:
    url = server.address.replace("http", "ws", 1) + path
    for headers in ({"authorization": f"Bearer {token_of(org.owner.api)}"}, {}):
        with pytest.raises(InvalidStatus) as closed:
            await connect(url, additional_headers=headers)
        assert closed.value.response.status_code == 404
        assert msgspec.json.decode(closed.value.response.body or b"")["code"] == "not_found"
