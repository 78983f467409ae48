"""Very many listeners on WebSockets in one process: frames are cut by hand and timed by the stamp in their text."""

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable
from typing import cast

from bench.load.http import place_of

MARK = b"sent-at="
STAMP_LENGTH = 16
RESUMED = b'"resumed"'
REFUSED = b'"type":"error"'


def stamp() -> str:
    """The moment, as listeners find it in the text of a message: `sent-at=` and 16 characters of seconds."""
    return MARK.decode() + f"{time.perf_counter():{STAMP_LENGTH}.6f}"[:STAMP_LENGTH]


class ListenerError(RuntimeError):
    """A listener was refused, or cut off."""


class Listener(asyncio.Protocol):
    """One WebSocket that reads text frames."""

    def __init__(self, request: bytes, delays: list[float]) -> None:
        self._request = request
        self._delays = delays
        self._buffer = b""
        self._open = False
        self._transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.resumed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: ListenerError | None = None
        self.closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Cut frames; a stamped one gives a delay."""
        data = self._buffer + data if self._buffer else data
        if not self._open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self._fail(f"the upgrade was refused: {data[:200]!r}")
                return
            self._open, data = True, data[end + 4 :]
            self.opened.set_result(None)
        self._buffer = self._cut(data)

    def _cut(self, data: bytes) -> bytes:
        now = time.perf_counter()
        at, size = 0, len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                if size - at < 4:
                    break
                length, start = (data[at + 2] << 8) | data[at + 3], at + 4
            elif length == 127:
                if size - at < 10:
                    break
                length, start = int.from_bytes(data[at + 2 : at + 10]), at + 10
            end = start + length
            if end > size:
                break
            self._take(data, at, start, end, now)
            at = end
        return data[at:]

    def _take(self, data: bytes, at: int, start: int, end: int, now: float) -> None:
        found = data.find(MARK, start, end)
        if found >= 0:
            stamped = found + len(MARK)
            self._delays.append(now - float(data[stamped : stamped + STAMP_LENGTH]))
            return
        opcode = data[at] & 0x0F
        if opcode == 0x9:
            self._send(0xA, data[start:end])
        elif opcode == 0x8:
            self._fail(f"cut off: {data[start:end]!r}")
        elif data.find(RESUMED, start, end) >= 0 and not self.resumed.done():
            self.resumed.set_result(None)
        elif data.find(REFUSED, start, end) >= 0:
            self._fail(data[start:end].decode())

    def say(self, text: str) -> None:
        """Send a text frame."""
        self._send(0x1, text.encode())

    def _send(self, opcode: int, payload: bytes) -> None:
        assert self._transport is not None
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack("!H", size)
        self._transport.write(bytes([0x80 | opcode]) + length + bytes(4) + payload)

    def _fail(self, reason: str) -> None:
        self.error = self.error or ListenerError(reason)
        for waited in (self.opened, self.resumed):
            if not waited.done():
                waited.set_exception(self.error)
                waited.exception()

    def connection_lost(self, exc: Exception | None) -> None:
        """A listener that is lost before the bench closes it is an error of the run."""
        if not self.closing:
            self._fail(f"the connection was lost: {exc}")

    def close(self) -> None:
        """Close at once."""
        self.closing = True
        if self._transport:
            self._transport.abort()


class Crowd:
    """Listeners opened together; `delays` are the seconds from sending to arrival of what they all heard."""

    def __init__(self, address: str, path: str, headers: dict[str, str]) -> None:
        self._place = place_of(address)
        key = base64.b64encode(os.urandom(16)).decode()
        wanted = {
            "Host": "bench",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in (wanted | headers).items())
        self._request = f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()
        self.delays: list[float] = []
        self.listeners: list[Listener] = []

    async def open(self, count: int, greeting: Callable[[int], str] | None = None, at_once: int = 50) -> None:
        """Open this many more; listener i says `greeting(i)` and has joined when it is told `resumed`."""
        loop = asyncio.get_running_loop()
        for begin in range(0, count, at_once):
            made = await asyncio.gather(
                *(
                    loop.create_connection(lambda: Listener(self._request, self.delays), *self._place)
                    for _ in range(min(at_once, count - begin))
                )
            )
            batch = [listener for _, listener in made]
            await asyncio.wait_for(asyncio.gather(*(listener.opened for listener in batch)), 30)
            if greeting:
                for i, listener in enumerate(batch, begin):
                    listener.say(greeting(i))
                await asyncio.wait_for(asyncio.gather(*(listener.resumed for listener in batch)), 30)
            self.listeners += batch

    def check(self) -> None:
        """Raise when a listener was lost or refused."""
        for listener in self.listeners:
            if listener.error:
                raise listener.error

    def close(self) -> None:
        """Close every listener."""
        for listener in self.listeners:
            listener.close()
