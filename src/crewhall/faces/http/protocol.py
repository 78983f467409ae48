"""HTTP/1.1 by uvicorn and httptools, an answer's head and body in one write.

uvicorn writes them one after the other, and each write is a system call and a packet: a tenth of what a post costs.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class JoiningTransport:
    """A transport that keeps the head of an answer of known length back until its body, or its end, is written."""

    __slots__ = ("_head", "close_raw", "raw", "write_raw")

    def __init__(self, raw: asyncio.Transport) -> None:
        self.raw = raw
        self.write_raw = raw.write
        self.close_raw = raw.close
        self._head = b""

    def write(self, data: bytes) -> None:
        """Write, or keep a head that a body follows."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and b"\r\ncontent-length: " in data:
            self._head = data
            return
        self.write_raw(data)

    def flush(self) -> None:
        """Write what was kept: no body follows it."""
        if self._head:
            head, self._head = self._head, b""
            self.write_raw(head)

    def close(self) -> None:
        """Close once all is written."""
        self.flush()
        self.close_raw()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


class HallProtocol(HttpToolsProtocol):
    """One connection of a client."""

    transport: Any

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection."""
        super().connection_made(transport)
        self.transport = JoiningTransport(transport)

    def on_response_complete(self) -> None:
        """Make ready for the next request."""
        self.transport.flush()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        self.transport = self.transport.raw
        super().handle_websocket_upgrade()
