"""HTTP/1.1 by uvicorn and httptools, an answer's head and body in one write, and a request's head within limits.

uvicorn writes them one after the other, and each write is a system call and a packet: a tenth of what a post costs. It
takes heads of any size and age.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from crewhall.faces.plumbing.problems import rendered
from crewhall.kernel.errors import MALFORMED, CrewhallError, define_error

HEAD_TOO_LARGE = define_error("head_too_large", 431, "The request's headers are too large")
MAX_HEAD = 64 * 1024
"""Bytes of a head, by which it must have ended; a read of the socket (256 KiB) may bring more at once."""
MAX_HEADERS = 200
HEAD_TIME_S = 30.0
"""How long a connection may take for the head of a request, its first one included."""


class JoiningTransport:
    """A transport that keeps the head of an answer of known length back until its body, or its end, is written."""

    __slots__ = ("_head", "close_raw", "is_closing", "raw", "write_raw")

    def __init__(self, raw: asyncio.Transport) -> None:
        self.raw = raw
        self.write_raw = raw.write
        self.close_raw = raw.close
        self.is_closing = raw.is_closing  # asked for every request: not by way of __getattr__
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
    _in_head = False
    _head = 0
    _head_until = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection."""
        super().connection_made(transport)
        self.transport = JoiningTransport(transport)
        self._head_until = self.loop.time() + HEAD_TIME_S
        self._close_then()

    def data_received(self, data: bytes) -> None:
        """Parse what came. A head that does not end is refused, or runs out of time."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEAD:
                self._refuse(HEAD_TOO_LARGE(f"Send headers of less than {MAX_HEAD // 1024} KiB in all."))
                return
            self._close_then()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head, self._head = True, 0
        if self.cycle is not None:  # the connection's first request has the time since it was made
            self._head_until = self.loop.time() + HEAD_TIME_S
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Serve a request whose head has come."""
        self._in_head = False
        if len(self.headers) > MAX_HEADERS:
            raise ValueError("too many headers")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request as every face refuses."""
        if not self._in_head and len(self.headers) > MAX_HEADERS:
            self._refuse(HEAD_TOO_LARGE(f"Send at most {MAX_HEADERS} headers."))
        else:
            self._refuse(MALFORMED("This is no request of HTTP/1.1 with a method that is known."))

    def _refuse(self, error: CrewhallError) -> None:
        status, body, media_type = rendered(error)
        head = f"content-type: {media_type}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head.encode())
        self.transport.write(body)
        self.transport.close()

    def _close_then(self) -> None:
        """Close the connection unless the head has come by then: the timer is the one that more data take away."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_at(self._head_until, self.timeout_keep_alive_handler)

    def on_response_complete(self) -> None:
        """Make ready for the next request."""
        self.transport.flush()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        self.transport = self.transport.raw
        super().handle_websocket_upgrade()
