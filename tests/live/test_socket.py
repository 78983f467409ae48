"""The live WebSocket: resume, acknowledgements, order, access, refusals."""

import asyncio
import logging
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.identity.hall import Org
from tests.support.server import Server, frames_until, token_of, until_closed
from tests.support.waiting import bounded, in_time


def say(kind: str, **fields: Any) -> str:
    return msgspec.json.encode({"type": kind, **fields}).decode()


async def test_history_and_live_are_one_stream(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    for n in range(3):
        await org.owner.api.post(f"/conversations/{channel}/messages", json={"content": f"m{n}"})
    async with server.live(token_of(org.owner.api)) as socket:
        await socket.send(say("subscribe", conversation=channel, after=1))
        frames = await frames_until(socket, "resumed")
        assert [frame["seq"] for frame in frames] == [2, 3, 3]
        await org.owner.api.post(f"/conversations/{channel}/messages", json={"content": "live"})
        (frame,) = await frames_until(socket, "record")
        assert (frame["seq"], frame["record"]["content"], frame["record"]["author"]["name"]) == (
            4,
            "live",
            "Ada Lovelace",
        )


@pytest.mark.rule("X1")
async def test_a_post_over_the_socket_is_acknowledged_once_and_in_order(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    async with server.live(token_of(org.owner.api)) as socket:
        for n in range(20):
            mention = " @nobody" if n % 3 == 0 else ""
            await socket.send(say("post", conversation=channel, content=f"m{n}{mention}", client_id=f"c{n}"))
        await socket.send(say("post", conversation=channel, content="m0 @nobody", client_id="c0"))
        acks = [(await frames_until(socket, "ack"))[-1] for _ in range(21)]
    seqs = {ack["client_id"]: ack["seq"] for ack in acks}
    assert [seqs[f"c{n}"] for n in range(20)] == list(range(1, 21))
    shown = (await org.owner.api.get(f"/conversations/{channel}/messages")).json()["items"]
    assert len(shown) == 20


@pytest.mark.rule("X2")
async def test_reconnecting_readers_miss_nothing_and_see_nothing_twice(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    token = token_of(org.owner.api)
    total = 200
    seen: list[int] = []

    async def write() -> None:
        for n in range(total):
            await org.owner.api.post(f"/conversations/{channel}/messages", json={"content": str(n)})

    writing = asyncio.create_task(write())
    while len(seen) < total:
        async with server.live(token) as socket:
            await socket.send(say("subscribe", conversation=channel, after=seen[-1] if seen else 0))
            for _ in range(60):
                frame = msgspec.json.decode(await in_time(socket.recv(), 10))
                if frame["type"] == "record":
                    seen.append(frame["seq"])
                if len(seen) >= total:
                    break
    await writing
    assert seen == list(range(1, total + 1))


async def test_long_histories_are_replayed_whole(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    await asyncio.gather(
        *(org.owner.api.post(f"/conversations/{channel}/messages", json={"content": str(n)}) for n in range(700))
    )
    async with server.live(token_of(org.owner.api)) as socket:
        await socket.send(say("subscribe", conversation=channel, after=0))
        frames = await frames_until(socket, "resumed")
    assert [frame["seq"] for frame in frames[:-1]] == list(range(1, 701))


@pytest.mark.rule("B1")
async def test_nobody_hears_what_is_not_shared_with_them(server: Server, org: Org, other_org: Org) -> None:
    private = await server.channel(org.owner, type="private")
    member = await org.add("member")
    for stranger in (member, other_org.owner):
        async with server.live(token_of(stranger.api)) as socket:
            await socket.send(say("subscribe", conversation=private, after=0))
            (frame,) = await frames_until(socket, "error")
            assert frame["code"] == "not_found"
            await socket.send(say("post", conversation=private, content="let me in", client_id="x"))
            (frame,) = await frames_until(socket, "error")
            assert (frame["code"], frame["client_id"]) == ("not_found", "x")


@pytest.mark.rule("C3")
async def test_who_is_removed_stops_hearing_at_once(server: Server, org: Org) -> None:
    private = await server.channel(org.owner, type="private")
    member = await org.add("member")
    await org.owner.api.post(
        f"/conversations/{private}/members", json={"member_type": "user", "member_id": str(member.id)}
    )
    async with server.live(token_of(member.api)) as socket:
        await socket.send(say("subscribe", conversation=private, after=0))
        await frames_until(socket, "resumed")
        removed = await org.owner.api.delete(f"/conversations/{private}/members/user/{member.id}")
        assert removed.is_success, removed.text
        (frame,) = await frames_until(socket, "error")
        assert frame["code"] == "not_found"
        await org.owner.api.post(f"/conversations/{private}/messages", json={"content": "secret"})
        await socket.send(say("ping"))
        frames = await frames_until(socket, "pong")
        assert [frame["type"] for frame in frames] == ["pong"]


async def test_typing_reaches_the_others(server: Server, org: Org) -> None:
    channel, member = await server.channel(org.owner), await org.add("member")
    async with server.live(token_of(org.owner.api)) as writer, server.live(token_of(member.api)) as reader:
        for socket in (writer, reader):
            await socket.send(say("subscribe", conversation=channel))
            await frames_until(socket, "resumed")
        await writer.send(say("typing", conversation=channel))
        (frame,) = await frames_until(reader, "typing")
        assert (frame["event"], frame["actor"]["id"]) == ("typing", str(org.owner.id))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"type":"dance"}', '{"type":"subscribe"}', '{"type":"post","conversation":"x"}', "9" * 1000,
     '{"type":"ping","x":' + "[" * 100_000, '{"type":"post","x":' + "[" * 9_999 + "]" * 9_999 + "}",
     '{"type":"post","x":1,', b'{"type":"post","x":"\xff"}', b'{"type":"\xff"}',
     '{"type":"typing","conversation":"\\ud800"}'],
)  # fmt: skip
async def test_what_cannot_be_read_gets_an_error_and_the_socket_stays(
    server: Server, org: Org, text: str | bytes
) -> None:
    async with server.live(token_of(org.owner.api)) as socket:
        await socket.send(text)
        (frame,) = await frames_until(socket, "error")
        assert frame["code"] in {"malformed", "invalid"}
        await socket.send(say("ping"))
        await frames_until(socket, "pong")


async def test_guests_and_ended_logins_are_sent_away(server: Server, org: Org) -> None:
    async with server.live("cwt_nonsense") as socket:
        assert (await until_closed(socket)).code == 4401
    member = await org.add("member")
    async with server.live(token_of(member.api)) as socket:
        await socket.send(say("ping"))
        await frames_until(socket, "pong")
        await member.api.post("/auth/logout-everywhere")
        assert (await until_closed(socket)).code == 4401


async def test_a_page_of_another_site_cannot_open_a_socket(server: Server, org: Org) -> None:
    _, session = await server.browse(org.owner)
    headers = {"cookie": f"crewhall_session={session}", "origin": "https://evil.example"}
    url = server.address.replace("http", "ws", 1) + "/api/v1/live"
    async with connect(url, additional_headers=headers) as socket:
        assert (await until_closed(socket)).code == 4403


async def test_a_slow_reader_is_cut_off_and_stalls_nobody(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    token = token_of(org.owner.api)
    big = "x" * 30_000
    async with server.live(token, max_queue=1) as slow, server.live(token) as quick:
        for socket in (slow, quick):
            await socket.send(say("subscribe", conversation=channel, after=0))
        await frames_until(quick, "resumed")
        for n in range(200):
            posted = await org.owner.api.post(
                f"/conversations/{channel}/messages", json={"content": f"{n} {big}", "client_id": uuid4().hex}
            )
            assert posted.status_code == 201
            await frames_until(quick, "record")
        with pytest.raises(ConnectionClosed) as closed:
            await _read_to_the_end(slow)
        assert closed.value.rcvd is None or closed.value.rcvd.code == 4408


async def _read_to_the_end(socket: ClientConnection) -> None:
    async with bounded(20):
        while True:
            await socket.recv()


@pytest.mark.rule("X2")
async def test_a_deleted_message_is_sent_to_no_late_reader(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    path = f"/conversations/{channel}/messages"
    token = token_of(org.owner.api)
    async with server.live(token) as present, server.live(token) as late:
        await present.send(say("subscribe", conversation=channel))
        await frames_until(present, "resumed")
        message = (await org.owner.api.post(path, json={"content": "secret"})).json()["id"]
        (frame,) = await frames_until(present, "record")
        assert frame["record"]["content"] == "secret"
        await org.owner.api.patch(f"{path}/{message}", json={"content": "secret, edited"})
        await org.owner.api.delete(f"{path}/{message}")
        await late.send(say("subscribe", conversation=channel, after=0))
        frames = await frames_until(late, "resumed")
        assert [frame["record"]["type"] for frame in frames[:-1]] == ["message", "edit", "deletion"]
        assert "secret" not in str(frames)


async def test_who_opens_a_socket_elsewhere_leaves_no_error_in_the_log(server, caplog):
    with caplog.at_level(logging.INFO, "uvicorn"), pytest.raises(InvalidStatus) as refused:
        await connect(f"{server.address.replace('http', 'ws')}/nowhere")
    assert refused.value.response.status_code == 404
    assert b"Open /api/v1/live" in refused.value.response.body
    told = [record for record in caplog.records if record.name.startswith("uvicorn")]
    assert told
    assert [record.getMessage() for record in told if record.levelname == "ERROR"] == []
