"""One reader of live frames: a bounded queue, emptied behind whoever filled it.

Most frames leave at once: the socket has room. A task for each would cost a tenth of a delivery, so that sending is
begun without one, and gets one only where it has to wait for its reader.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any

from crewhall.faces.live.frames import Frame
from crewhall.kernel.telemetry import deliveries_total, slow_readers_total
from crewhall.kernel.verified import Verified

MAX_QUEUE = 1_000
MAX_QUEUED_CHARACTERS = 4_000_000

TOO_SLOW = 4408
SIGNED_OUT = 4401
GOING_AWAY = 4409
TOO_MANY = 4429

Send = Callable[[str, int | None], Coroutine[Any, Any, None]]
"""Sends one frame's text (and its seq, for SSE); waits while the reader is slow.

Until it waits it runs in no task: it has no `asyncio.timeout`, and pushes nothing to its own listener.
"""


class Listener:
    """A socket or stream. Frames are pushed without waiting; who reads too slowly is cut off and may resume."""

    __slots__ = (
        "_closing", "_is_due", "_queue", "_queued", "_room", "_send", "_sender", "actor", "closed", "expiry",
        "verified",
    )  # fmt: skip

    def __init__(self, verified: Verified, send: Send, closing: Callable[[int], None]) -> None:
        self.actor = verified.actor
        self.verified = verified
        self.expiry: asyncio.TimerHandle | None = None
        self.closed = False
        self._send = send
        self._closing = closing
        self._queue: deque[Frame] = deque()
        self._queued = 0
        self._is_due = False
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
        if self._sender is None and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._begin)

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

    def end(self) -> None:
        """Its reader has gone: what is left is not sent, and nobody waits for room any more."""
        self.closed = True
        self._queue.clear()
        self._make_room()
        if self._sender is not None and self._sender is not asyncio.current_task():
            self._sender.cancel()

    def _begin(self) -> None:
        """Send what the reader takes at once; a task waits with the rest."""
        self._is_due = False
        sent = 0
        while self._queue and self._sender is None:
            sending = self._next()
            try:
                waits_for = sending.send(None)
            except StopIteration:
                sent += 1
                continue
            except Exception:  # noqa: BLE001 - as in _drain
                self.close(GOING_AWAY)
                break
            self._sender = asyncio.create_task(self._drain(_go_on(sending, waits_for)))
            break
        if sent:
            self._make_room()
            deliveries_total.inc(sent)

    def _next(self) -> Coroutine[Any, Any, None]:
        frame = self._queue.popleft()
        self._queued -= len(frame.text)
        return self._send(frame.text, frame.seq)

    def _make_room(self) -> None:
        if self._room and not self._room.is_set():
            self._room.set()

    async def _drain(self, sending: Coroutine[Any, Any, None]) -> None:
        """End the sending that was begun, then send all that came meanwhile."""
        sent = 0
        try:
            await sending
            sent += 1
            self._make_room()
            while self._queue:
                await self._next()
                sent += 1
                self._make_room()
        except Exception:  # noqa: BLE001 - whatever a dead connection raises, the reader is gone
            self.close(GOING_AWAY)
        finally:
            self._sender = None
            deliveries_total.inc(sent)


@coroutine
def _go_on(sending: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that was begun outside of a task, and waits for something."""
    while True:
        try:
            try:
                given = yield waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation goes where it would have gone
                waits_for = sending.throw(error)
            else:
                waits_for = sending.send(given)
        except StopIteration:
            return
