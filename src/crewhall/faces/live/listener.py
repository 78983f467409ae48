"""One reader of live frames: a bounded queue, emptied by a task that lives only while there is something to send."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from crewhall.faces.live.frames import Frame
from crewhall.kernel.telemetry import deliveries_total, slow_readers_total
from crewhall.kernel.verified import Verified

MAX_QUEUE = 1_000
MAX_QUEUED_CHARACTERS = 4_000_000

TOO_SLOW = 4408
SIGNED_OUT = 4401
GOING_AWAY = 4409
TOO_MANY = 4429

Send = Callable[[str, int | None], Awaitable[None]]
"""Sends one frame's text (and its seq, for SSE); waits while the reader is slow."""


class Listener:
    """A socket or stream. Frames are pushed without waiting; who reads too slowly is cut off and may resume."""

    __slots__ = ("_closing", "_queue", "_queued", "_room", "_send", "_sender", "actor", "closed", "expiry", "verified")

    def __init__(self, verified: Verified, send: Send, closing: Callable[[int], None]) -> None:
        self.actor = verified.actor
        self.verified = verified
        self.expiry: asyncio.TimerHandle | None = None
        self.closed = False
        self._send = send
        self._closing = closing
        self._queue: deque[Frame] = deque()
        self._queued = 0
        self._sender: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None

    def push(self, frame: Frame) -> None:
        """Queue a frame; a full queue cuts the reader off."""
        if self.closed:
            return
        self._queue.append(frame)
        self._queued += len(frame.text)
        if len(self._queue) > MAX_QUEUE or self._queued > MAX_QUEUED_CHARACTERS:
            slow_readers_total.inc()
            self.close(TOO_SLOW)
            return
        if self._sender is None:
            self._sender = asyncio.create_task(self._drain())

    @property
    def full(self) -> bool:
        """Whether the queue is more than half full."""
        return len(self._queue) > MAX_QUEUE // 2 or self._queued > MAX_QUEUED_CHARACTERS // 2

    async def room(self) -> None:
        """Wait until the queue is at most half full: replays go no faster than the reader reads."""
        while not self.closed and self.full:
            if self._room is None:
                self._room = asyncio.Event()
            self._room.clear()
            await self._room.wait()

    def close(self, code: int) -> None:
        """Close the connection with a code; what is queued is dropped."""
        if self.closed:
            return
        self.closed = True
        self._queue.clear()
        if self._room:
            self._room.set()
        self._closing(code)

    async def _drain(self) -> None:
        sent = 0
        try:
            while self._queue:
                frame = self._queue.popleft()
                self._queued -= len(frame.text)
                await self._send(frame.text, frame.seq)
                sent += 1
                if self._room and not self._room.is_set():
                    self._room.set()
        except Exception:  # noqa: BLE001 - whatever a dead connection raises, the reader is gone
            self.close(GOING_AWAY)
        finally:
            self._sender = None
            deliveries_total.inc(sent)
