"""A closed loop of HTTP/1.1 connections: each sends its next request when its last was answered.

Answers are read by hand (status line, Content-Length), which costs a tenth of a general client; so the load takes as
little as possible of the processors that it shares with the server.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

NextRequest = Callable[[], bytes]
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class LoadError(RuntimeError):
    """The server answered what the bench did not ask for."""


@dataclass
class Outcome:
    """What a loop saw: latencies in seconds of the answered requests, and how long it ran."""

    seconds: float
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answered requests per second."""
        return len(self.latencies) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """The latency in milliseconds below which this share of the requests was answered."""
        return percentile(self.latencies, share) * 1000


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies (nearest rank); 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request in flight."""

    def __init__(self) -> None:
        self._buffer = b""
        self._wanted = -1
        self._transport: asyncio.Transport | None = None
        self.body = b""
        self.on_answer: Callable[[int], None] = lambda _status: None
        self.on_lost: Callable[[Exception], None] = lambda _error: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes) -> None:
        """Send one whole request."""
        assert self._transport is not None
        self._transport.write(request)

    def close(self) -> None:
        """Close; nothing more is told."""
        self.on_lost = lambda _error: None
        if self._transport:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Gather until the answer is whole, then say so with its status."""
        self._buffer = self._buffer + data if self._buffer else data
        if self._wanted < 0:
            end = self._buffer.find(HEAD_END)
            if end < 0:
                return
            self._wanted = end + len(HEAD_END) + _content_length(self._buffer[:end].lower())
        if len(self._buffer) < self._wanted:
            return
        answer, self._buffer = self._buffer, b""
        self._wanted = -1
        self.body = answer
        self.on_answer(int(answer[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the loop that it cannot go on."""
        self.on_lost(exc or LoadError("the server closed the connection"))


def _content_length(head: bytes) -> int:
    at = head.find(LENGTH)
    if at < 0:
        raise LoadError(f"an answer without Content-Length: {head[:200]!r}")
    line = head[at + len(LENGTH) :].split(b"\r\n", 1)[0]
    return int(line)


def place_of(address: str) -> tuple[str, int]:
    """The host and port of `http://host:port`."""
    where = urlsplit(address)
    return where.hostname or "127.0.0.1", where.port or 80


async def connect(address: str) -> Connection:
    """Open one connection to `http://host:port`."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, *place_of(address))
    return connection


async def run_loop(address: str, connections: int, seconds: float, requests: Callable[[int], NextRequest]) -> Outcome:
    """Load for some seconds; `requests(i)` is the source of requests of connection i. Raises at the first refusal."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()
    opened = [await connect(address) for _ in range(connections)]
    outcome = Outcome(seconds)
    begun = time.perf_counter()
    deadline = begun + seconds

    def drive(connection: Connection, following: NextRequest) -> None:
        sent = 0.0

        def answered(status: int) -> None:
            nonlocal sent
            now = time.perf_counter()
            if status >= 300:
                fail(LoadError(f"{status}: {connection.body[-400:]!r}"))
                return
            if now >= deadline:
                if not finished.done():
                    finished.set_result(None)
                return
            outcome.latencies.append(now - sent)
            sent = now
            connection.send(following())

        connection.on_answer = answered
        connection.on_lost = fail
        sent = time.perf_counter()
        connection.send(following())

    def fail(error: Exception) -> None:
        if not finished.done():
            finished.set_exception(error)

    try:
        for i, connection in enumerate(opened):
            drive(connection, requests(i))
        await asyncio.wait_for(finished, seconds + 30)
        outcome.seconds = time.perf_counter() - begun
    finally:
        for connection in opened:
            connection.close()
    return outcome


def get_request(path: str, headers: dict[str, str]) -> bytes:
    """A GET as it goes over the wire."""
    return f"GET {path} HTTP/1.1\r\n{_lines(headers)}\r\n".encode()


def post_request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A POST of JSON as it goes over the wire."""
    described = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return f"POST {path} HTTP/1.1\r\n{_lines(headers | described)}\r\n".encode() + body


def _lines(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in ({"Host": "bench"} | headers).items())
