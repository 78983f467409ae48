"""httpx at a third of its price: kept connections, parsed by httptools, and addresses read once.

Tests make very many requests, and most of what one costs is the client: it takes longer than the server. This is the
same wire with less in between; nothing of the product runs through it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

import httptools
import httpx
from httpx import _urls
from httpx._urlparse import urlparse

from tests.support.waiting import PATIENCE

KEPT_S = 2.0
"""A server lets go of an idle connection after five seconds: a client that would then still take it finds it gone."""


_urls.urlparse = lru_cache(4096)(urlparse)  # type: ignore[attr-defined]  # its result is a tuple of strings


class _Cookies(httpx.Cookies):
    """Cookies that are looked for where an answer sets some."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep what the answer sets."""
        if "set-cookie" in response.headers:
            super().extract_cookies(response)


class _Answer(httpx.AsyncByteStream):
    """The body of an answer, as it comes; closing it before its end closes the connection."""

    def __init__(self, connection: "_Connection", patience: float | None) -> None:
        self._connection = connection
        self._patience = patience

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self._connection.next_chunk(self._patience)) is not None:
            yield chunk

    async def aclose(self) -> None:
        self._connection.leave()


class _Connection(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self, idle: "deque[_Connection]") -> None:
        self._idle = idle
        self.transport: Any = None
        self.is_lost = False
        self.rests_since = 0.0
        self._takes = asyncio.Event()  # whether the network takes more
        self._takes.set()
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self._chunks: deque[bytes] = deque()
        self.has_head = self._is_whole = self._is_kept = False
        self._failure: Exception | None = None
        self._waiting: asyncio.Future[None] | None = None
        self.status = 0

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def pause_writing(self) -> None:
        self._takes.clear()

    def resume_writing(self) -> None:
        self._takes.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self._takes.set()
        if not self._is_whole:
            if self.has_head and not self._is_counted():
                self._is_whole = True  # its end is the end of the connection
            else:
                said = str(exc) if exc else "Server disconnected without sending a response."
                self._failure = httpx.ReadError(said) if exc else httpx.RemoteProtocolError(said)
        self._wake()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._failure = httpx.RemoteProtocolError("the server changed the protocol")
        except httptools.HttpParserError as error:
            self._failure = httpx.RemoteProtocolError(str(error))
            self.transport.close()
        self._wake()

    # What the parser calls.

    def on_message_begin(self) -> None:
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            self.status, self.has_head = status, True

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        self._is_whole = self.has_head
        self._is_kept = self._parser.should_keep_alive()

    # What the transport calls.

    async def send(self, request: httpx.Request) -> None:
        """Send a request; its body as it comes."""
        self._begin()
        lines = [b"%s %s HTTP/1.1\r\n" % (request.method.encode(), request.url.raw_path)]
        lines += [b"%s: %s\r\n" % header for header in request.headers.raw]
        is_chunked = request.headers.get("transfer-encoding") == "chunked"
        head = b"".join(lines) + b"\r\n"
        if isinstance(request.stream, httpx.ByteStream):
            self.transport.write(head + b"".join(request.stream))
            return
        self.transport.write(head)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for chunk in request.stream:
            if self.has_head or self.is_lost:  # the answer is there already: a refusal
                break
            self.transport.write(b"%x\r\n%s\r\n" % (len(chunk), chunk) if is_chunked else chunk)
            await asyncio.sleep(0)  # a refusal may be there
            await self._takes.wait()
        else:
            if is_chunked:
                self.transport.write(b"0\r\n\r\n")

    async def head(self, patience: float | None) -> None:
        """Wait for the head of the answer."""
        while not self.has_head:
            await self._more(patience)

    async def next_chunk(self, patience: float | None) -> bytes | None:
        """The next piece of the body; None at its end."""
        while not self._chunks:
            if self._is_whole:
                return None
            await self._more(patience)
        return self._chunks.popleft()

    def leave(self) -> None:
        """Keep the connection for the next request, where its answer was read to the end."""
        if self.is_lost or self._chunks or not self._is_whole or not self._is_kept:
            self.transport.close()
        else:
            self.rests_since = asyncio.get_running_loop().time()
            self._idle.append(self)

    def _is_counted(self) -> bool:
        names = {name.lower() for name, _ in self.headers}
        return b"content-length" in names or b"transfer-encoding" in names

    async def _more(self, patience: float | None) -> None:
        if self._failure is not None:
            raise self._failure
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        late = loop.call_later(patience, self._give_up) if patience is not None else None
        try:
            await self._waiting
        finally:
            if late is not None:
                late.cancel()

    def _give_up(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(httpx.ReadTimeout("The server says nothing."))

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Wire(httpx.AsyncBaseTransport):
    """Connections to the servers that a client asks."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], deque[_Connection]] = {}
        self._other: httpx.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and give the answer, whose body is yet to be read."""
        url, timeouts = request.url, request.extensions.get("timeout", {})
        if url.scheme != "http" or request.method == "HEAD":
            return await self._rarely().handle_async_request(request)
        idle = self._idle.setdefault((url.host, url.port or 80), deque())
        connection = await self._connect(idle, url, timeouts.get("connect"))
        try:
            await connection.send(request)
            await connection.head(timeouts.get("read"))
        except BaseException:
            connection.transport.close()
            raise
        body = _Answer(connection, timeouts.get("read"))
        return httpx.Response(connection.status, headers=connection.headers, stream=body, request=request)

    async def aclose(self) -> None:
        """Close every connection that rests."""
        for idle in self._idle.values():
            while idle:
                idle.pop().transport.close()
        if self._other is not None:
            await self._other.aclose()

    async def _connect(self, idle: "deque[_Connection]", url: httpx.URL, patience: float | None) -> _Connection:
        loop = asyncio.get_running_loop()
        while idle:
            kept = idle.pop()
            if loop.time() - kept.rests_since > KEPT_S:
                kept.transport.close()
            elif not kept.is_lost and not kept.transport.is_closing():
                return kept
        try:
            async with asyncio.timeout(patience):
                _, made = await loop.create_connection(lambda: _Connection(idle), url.host, url.port or 80)
        except TimeoutError:
            raise httpx.ConnectTimeout("nobody answers") from None
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return made

    def _rarely(self) -> httpx.AsyncHTTPTransport:
        """What is seldom asked takes the usual way: https, and answers without the body that their head promises."""
        if self._other is None:
            self._other = httpx.AsyncHTTPTransport(verify=False, trust_env=False)
        return self._other


class WireClient(httpx.AsyncClient):
    """A client of one server, or of several."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"transport": Wire(), "timeout": 20 * PATIENCE, "trust_env": False, **options})
        self._cookies = _Cookies(self._cookies)
