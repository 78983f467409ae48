"""Answers on the wire: head and body leave in one write, and whatever the answer, the connection goes on."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from crewhall.faces.http import protocol
from crewhall.faces.http.protocol import MAX_HEADERS, JoiningTransport
from tests.support.server import Server
from tests.support.waiting import bounded


class Wire(asyncio.Transport):
    """A transport that keeps what is written, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"


def test_head_and_body_of_known_length_are_one_write():
    wire = Wire()
    joining = JoiningTransport(wire)
    for body in (b"hello", b""):
        joining.write(HEAD)
        joining.write(body)
    assert wire.written == [HEAD + b"hello", HEAD]


def test_a_head_without_a_body_is_written_at_the_end_of_the_answer_or_of_the_connection():
    wire = Wire()
    joining = JoiningTransport(wire)
    joining.write(HEAD)
    joining.flush()
    joining.flush()
    joining.write(HEAD)
    joining.close()
    assert wire.written == [HEAD, HEAD]
    assert wire.is_closed


def test_what_has_no_known_length_is_written_as_it_comes():
    wire = Wire()
    joining = JoiningTransport(wire)
    pieces = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"2\r\nhi\r\n", b"0\r\n\r\n"]
    for piece in pieces:
        joining.write(piece)
    assert wire.written == pieces


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    place = urlsplit(server.address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    async with bounded(10):
        yield reader, writer
    writer.close()


def asking(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: crewhall\r\n\r\n".encode()


async def answer(reader: asyncio.StreamReader, *, has_body: bool = True) -> tuple[int, bytes]:
    """The next answer of a connection: its status and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(length) if has_body else b""


@pytest.mark.parametrize("path", ["/health/live", "/api/v1/me", "/nowhere"])
async def test_a_head_request_is_answered_at_once_and_the_connection_goes_on(server: Server, path: str):
    async with connected(server) as (reader, writer):
        for _ in range(2):
            writer.write(asking("GET", path))
            status, body = await answer(reader)
            assert body
            writer.write(asking("HEAD", path))
            assert await answer(reader, has_body=False) == (status, b"")


async def test_requests_sent_without_waiting_are_answered_in_their_order(server: Server):
    async with connected(server) as (reader, writer):
        writer.write(asking("GET", "/health/live") + asking("GET", "/api/v1/me") + asking("GET", "/health/live"))
        assert [(await answer(reader))[0] for _ in range(3)] == [200, 401, 200]


async def test_a_request_that_is_none_is_refused_and_the_connection_closed(server: Server):
    async with connected(server) as (reader, writer):
        writer.write(b"HELLO\r\n\r\n")
        status, body = await answer(reader)
        assert (status, json.loads(body)["code"]) == (400, "malformed")
        assert await reader.read() == b""


@pytest.mark.parametrize(
    "head",
    [b"x: " + b"a" * 2**20, b"".join(b"x%d: a\r\n" % n for n in range(MAX_HEADERS + 1)) + b"\r\n"],
    ids=["one that does not end", "too many"],
)
async def test_a_head_without_measure_is_refused_while_it_comes(server: Server, head: bytes):
    async with connected(server) as (reader, writer):
        writer.write(asking("GET", "/health/live")[:-2] + head)
        status, body = await answer(reader)
        assert (status, json.loads(body)["code"]) == (431, "head_too_large")


async def test_large_heads_and_many_requests_on_a_connection_are_taken(server: Server):
    async with connected(server) as (reader, writer):
        for _ in range(3):
            for piece in (asking("GET", "/health/live")[:-2], b"x: " + b"a" * 30_000, b"\r\n\r\n"):
                writer.write(piece)
                await writer.drain()
            assert (await answer(reader))[0] == 200


@pytest.mark.parametrize("said", [b"", b"GET /health/live HTTP/1.1\r\nx: "], ids=["nothing", "half a head"])
async def test_a_head_that_never_ends_runs_out_of_time(server: Server, monkeypatch: pytest.MonkeyPatch, said: bytes):
    monkeypatch.setattr(protocol, "HEAD_TIME_S", 0.2)
    async with connected(server) as (reader, writer):
        writer.write(said)
        assert await reader.read() == b""
