"""Two processes on one database deliver to each other's listeners: records, typing, revocation, membership."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from crewhall.kernel.ids import new_id
from tests.identity.hall import Hall, Org
from tests.live.test_socket import say
from tests.support.database import SharedCluster
from tests.support.server import Server, frames_until, token_of, until_closed
from tests.support.waiting import bounded, until_signed_out


@pytest.fixture(scope="module")
async def pair(cluster: SharedCluster, worker_id: str) -> AsyncIterator[tuple[Server, Server]]:
    urls = cluster.clone(f"pair_{worker_id}")
    async with Server(urls) as first, Server(urls) as second:
        yield first, second


@pytest.mark.rule("X2")
async def test_records_of_both_arrive_in_order_at_both(pair: tuple[Server, Server]) -> None:
    first, second = pair
    org = await first.make_org()
    channel = await first.channel(org.owner)
    token = token_of(org.owner.api)
    beside = second.client(token)
    async with first.live(token) as here, second.live(token) as there:
        for socket in (here, there):
            await socket.send(say("subscribe", conversation=channel, after=0))
            await frames_until(socket, "resumed")

        async def write(api: httpx.AsyncClient) -> None:
            for n in range(100):
                await api.post(f"/conversations/{channel}/messages", json={"content": str(n)})

        await asyncio.gather(write(org.owner.api), write(beside))
        for socket in (here, there):
            frames = await frames_until(socket, "record", seq=200)
            assert [frame["seq"] for frame in frames if frame["type"] == "record"] == list(range(1, 201))


async def test_typing_crosses_processes(pair: tuple[Server, Server]) -> None:
    first, second = pair
    org = await first.make_org()
    channel, member = await first.channel(org.owner), await org.add("member")
    async with first.live(token_of(org.owner.api)) as writer, second.live(token_of(member.api)) as reader:
        for socket in (writer, reader):
            await socket.send(say("subscribe", conversation=channel))
            await frames_until(socket, "resumed")
        await writer.send(say("typing", conversation=channel))
        (frame,) = await frames_until(reader, "typing")
        assert frame["event"] == "typing"


async def test_what_is_revoked_in_one_ends_in_the_other_within_a_second(pair: tuple[Server, Server]) -> None:
    first, second = pair
    org: Org = await first.make_org()
    member = await org.add("member")
    beside = second.client(token_of(member.api))
    assert (await beside.get("/me")).status_code == 200
    async with second.live(token_of(member.api)) as socket:
        await socket.send(say("ping"))
        await frames_until(socket, "pong")
        await member.api.post("/auth/logout-everywhere")
        async with asyncio.timeout(1):
            assert (await until_closed(socket)).code == 4401
            await until_signed_out(beside, "/me")


async def test_membership_changed_in_one_holds_in_the_other(pair: tuple[Server, Server]) -> None:
    first, second = pair
    org = await first.make_org()
    member = await org.add("member")
    private = await first.channel(org.owner, type="private")
    beside: Hall = second
    there = beside.client(token_of(member.api))
    assert (await there.get(f"/conversations/{private}/messages")).status_code == 404
    body = {"member_type": "user", "member_id": str(member.id)}
    await org.owner.api.post(f"/conversations/{private}/members", json=body)
    assert (await there.post(f"/conversations/{private}/messages", json={"content": "in"})).status_code == 201
    await org.owner.api.delete(f"/conversations/{private}/members/user/{member.id}")
    assert (await there.post(f"/conversations/{private}/messages", json={"content": "out"})).status_code == 404


async def test_a_link_proves_itself_without_saying_the_secret(pair: tuple[Server, Server]) -> None:
    first, _ = pair
    said: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"a challenge\n")
        await said.put(await reader.readline())
        writer.close()

    rogue = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with first.db.transaction(None) as tx:
        secret = await tx.value("select peer_secret from installation")
        (own, *_) = await tx.values("select address from processes where lease_until > now()")
        await tx.run(
            "insert into processes (id, kind, address, lease_until) "
            "values (%(id)s, 'serve', %(address)s, now() + interval '1 minute')",
            {"id": new_id(), "address": f"127.0.0.1:{rogue.sockets[0].getsockname()[1]}"},
        )
        await tx.run("select pg_notify('crewhall_processes', 'somebody')")
    async with bounded(10):
        proof = await said.get()
        assert len(proof.strip()) == 64
        assert secret.encode() not in proof
        reader, writer = await asyncio.open_connection(*own.split(":"))
        assert len((await reader.readline()).strip()) == 32
        writer.write(proof)
        assert await reader.read() == b""
    writer.close()
    rogue.close()
