"""A bad network: a TCP relay in front of the server that cuts, refuses, swallows answers, or answers 503 itself."""

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit


class Relay:
    """Listens on a port of its own. `address` is what a client is given instead of the server's."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._writers: set[asyncio.StreamWriter] = set()
        self.connections = 0
        self.is_down = False
        self.swallow: bytes | None = None
        """Cut the connection instead of passing on the answer to the next request that contains this."""
        self.swallowed = asyncio.Event()
        self.answers: list[bytes] = []
        """Raw answers given instead of the server's, one to each next connection."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Abort every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.is_down:
            writer.transport.abort()
            return
        if self.answers:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.answers.pop(0))
            await writer.drain()
            writer.close()
            return
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        self._writers |= {writer, up_writer}
        swallowing = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, up_writer, swallowing, is_request=True))
                group.create_task(self._copy(up_reader, writer, swallowing, is_request=False))
        except* OSError:
            pass
        finally:
            self._writers -= {writer, up_writer}
            for each in (writer, up_writer):
                each.transport.abort()

    async def _copy(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        swallowing: asyncio.Event,
        *,
        is_request: bool,
    ) -> None:
        while data := await reader.read(65536):
            if is_request and self.swallow is not None and self.swallow in data:
                self.swallow = None
                swallowing.set()
            elif not is_request and swallowing.is_set():
                self.swallowed.set()
                raise ConnectionResetError
            writer.write(data)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        raise ConnectionResetError


def problem(status: str, *, retry_after: int | None = None) -> bytes:
    """A raw answer that refuses."""
    body = b'{"code":"unavailable","detail":"Not right now."}'
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
    if retry_after is not None:
        head += f"retry-after: {retry_after}\r\n"
    return head.encode() + b"connection: close\r\n\r\n" + body
