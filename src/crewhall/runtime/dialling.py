"""Speaking MCP to another server: through the guard of everything that leaves, bounded in size and time.

Imports the protocol's library (some 30 MB): import this module when a server is first asked.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import mcp_types as types
import msgspec
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from crewhall.kernel.errors import CrewhallError, define_error
from crewhall.kernel.outbound import OUTBOUND_FAILED, Outbound
from crewhall.runtime.offers import Offer
from crewhall.version import VERSION

TOOL_FAILED = define_error("tool_failed", 502, "The tool of another server failed")
MOST_PAGES = 20
MOST_SAID = 2000
logging.getLogger("mcp").setLevel(logging.WARNING)  # it tells of every request


class Told(msgspec.Struct, kw_only=True):
    """What a tool of another server answered: its words, and what it gave for programs. They are that server's."""

    text: str
    data: Any = None


class Line(msgspec.Struct, frozen=True):
    """How a server is reached: its address, what signs us in, and our limits."""

    url: str
    token: str | None
    outbound: Outbound
    time_s: float
    most_bytes: int

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Conversation"]:
        """Speak with the server until the block ends. Raises OUTBOUND_REFUSED, OUTBOUND_FAILED, TOOL_FAILED."""
        await self.outbound.addresses_of(self.url)  # what is refused is said in our own words
        headers = {"accept-encoding": "identity"} | ({"authorization": f"Bearer {self.token}"} if self.token else {})
        guard = _Guard(self)
        try:
            async with (
                asyncio.timeout(self.time_s),
                httpx2.AsyncClient(transport=guard, headers=headers, timeout=self.time_s, trust_env=False) as http,
                Client(
                    streamable_http_client(self.url, http_client=http, max_sse_event_size=self.most_bytes),
                    client_info=types.Implementation(name="crewhall", version=VERSION),
                    read_timeout_seconds=self.time_s,
                ) as client,
            ):
                yield Conversation(client)
        except Exception as error:
            raise _explained(error, guard.fault, self.time_s) from error


class Conversation:
    """An open connection to a server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def offers(self) -> list[Offer]:
        """Every tool that the server offers."""
        found: list[Offer] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._client.list_tools(cursor=cursor)
            found += [_offer(tool) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                break
        return found

    async def call(self, tool: str, arguments: dict[str, Any]) -> Told:
        """Call a tool. Raises TOOL_FAILED with what the server says."""
        result = await self._client.call_tool(tool, arguments)
        text = "\n".join(_said(block) for block in result.content)
        if result.is_error:
            raise TOOL_FAILED(f"The tool says: {text[:MOST_SAID] or 'that it failed'}")
        return Told(text=text, data=result.structured_content)


class _Guard(httpx2.AsyncBaseTransport):
    """Connects to a checked address of the host, each time, and reads no more than may be read."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False)
        self.fault: str | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See httpx2."""
        found = await self._line.outbound.addresses_of(str(request.url))
        failure: Exception | None = None
        for address in found:
            sent = httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": request.url.host},
            )
            try:
                response = await self._inner.handle_async_request(sent)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
                continue
            if response.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
                await response.aclose()
                raise self._refuse("its answer is packed")
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            bounded = _Bounded(response.stream, self._line.most_bytes, self)
            return httpx2.Response(
                response.status_code, headers=response.headers, stream=bounded, extensions=response.extensions
            )
        assert failure is not None
        raise failure

    def _refuse(self, why: str) -> httpx2.ReadError:
        self.fault = why
        return httpx2.ReadError(why)

    def too_much(self) -> httpx2.ReadError:
        """There is more than may be read."""
        return self._refuse(f"its answer is larger than {self._line.most_bytes // 1024} KiB")

    async def aclose(self) -> None:
        """See httpx2."""
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, most: int, guard: _Guard) -> None:
        self._inner, self._left, self._guard = inner, most, guard

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._left -= len(chunk)
            if self._left < 0:
                raise self._guard.too_much()
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def _offer(tool: types.Tool) -> Offer:
    hints = tool.annotations
    return Offer(
        tool=tool.name,
        title=tool.title or (hints.title if hints else None) or "",
        description=tool.description or "",
        schema=tool.input_schema,
        is_read_only=bool(hints and hints.read_only_hint),
        is_destructive=bool(hints and hints.destructive_hint),
    )


def _said(block: types.ContentBlock) -> str:
    """A part of an answer as text; what is no text is named and left out."""
    match block:
        case types.TextContent():
            return block.text
        case types.EmbeddedResource(resource=types.TextResourceContents() as inside):
            return inside.text
        case types.ResourceLink():
            return f"[{block.name}: {block.uri}]"
        case _:
            return f"[{block.type}, left out]"


def _explained(error: BaseException, fault: str | None, time_s: float) -> CrewhallError:
    """What went wrong, in our own words; the library wraps it in groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case CrewhallError():
            return error
        case TimeoutError() | httpx2.TimeoutException():
            return OUTBOUND_FAILED(f"The server did not answer within {time_s:g} s.")
        case MCPError() if fault is None:
            return TOOL_FAILED(f"The server refused: {str(error)[:MOST_SAID]}")
    said = fault or str(error) or type(error).__name__
    return OUTBOUND_FAILED(f"The server did not answer as it must: {said[:300]}.")
