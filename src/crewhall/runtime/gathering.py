"""Words on their way from a model over the OpenAI protocol, put together before anybody looks at them.

Each piece of an answer costs its reader the same, be it a word or a sentence, and that is most of what an agent that
speaks costs everybody else. So pieces that arrive together are made one, and where many agents speak at once, each is
read from less often: all of a process together some 400 times a second.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx2
import msgspec

from crewhall.kernel.ending import end_tasks

READS_PER_SECOND = 400.0
LONGEST_S = 0.5
"""How long words wait at most, however many agents speak."""
SHORTEST_S = 0.02
"""Below that nothing is won by waiting."""
EVENT_STREAM = "text/event-stream"
DATA = b"data:"

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Gatherer:
    """What gathers words in one process. `watch` a client's answers; `pause_s` is how long each stream rests."""

    def __init__(self) -> None:
        self._streams = 0

    @property
    def pause_s(self) -> float:
        """How long each stream rests between two reads, for as many as are open now."""
        pause = min(self._streams / READS_PER_SECOND, LONGEST_S)
        return pause if pause >= SHORTEST_S else 0.0

    def watch(self, client: httpx2.AsyncClient) -> httpx2.AsyncClient:
        """Gather what the answers to this client stream."""
        hooks = client.event_hooks
        client.event_hooks = {**hooks, "response": [*hooks.get("response", []), self._on_response]}
        return client

    async def _on_response(self, response: httpx2.Response) -> None:
        is_plain = "content-encoding" not in response.headers
        if is_plain and response.headers.get("content-type", "").startswith(EVENT_STREAM):
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            response.stream = _Gathered(response.stream, self)

    async def gather(self, ahead: "Ahead") -> AsyncGenerator[bytes, None]:
        """Give a stream of events anew, with words that came together in one event. Raises what reading it raises."""
        self._streams += 1
        left = b""
        try:
            while received := await ahead.take():
                whole, left = split_events(left + received)
                if whole:
                    yield join_words(whole)
                await asyncio.sleep(self.pause_s)
            if left:
                yield left
        finally:
            self._streams -= 1


class Ahead:
    """Reads a stream ahead of who takes from it: a client gives each piece by itself, however many have come.

    While nobody waits it reads no more than what it was reading for, so that a pause of many words costs one look.
    """

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._came: list[bytes] = []
        self._is_wanted, self._has_come = asyncio.Event(), asyncio.Event()
        self._reading = asyncio.create_task(self._read(pieces))

    async def _read(self, pieces: AsyncIterator[bytes]) -> None:
        try:
            async for piece in pieces:
                self._came.append(piece)
                self._has_come.set()
                await self._is_wanted.wait()
        finally:
            self._has_come.set()

    async def take(self) -> bytes:
        """Give all that has come, and wait for it if nothing has; nothing at the end."""
        self._is_wanted.set()
        if self._came:
            await asyncio.sleep(0)  # what has come with it is read without another look at the network
        else:
            await self._has_come.wait()
        self._is_wanted.clear()
        taken = b"".join(self._came)
        self._came.clear()
        if self._reading.done():
            if not taken:
                await self._reading
        else:
            self._has_come.clear()
        return taken

    async def close(self) -> None:
        """Read no further."""
        await end_tasks([self._reading])


class _Gathered(httpx2.AsyncByteStream):
    """A stream of events, gathered. Who reads it a second time goes on where the first one stopped."""

    def __init__(self, stream: httpx2.AsyncByteStream, gatherer: Gatherer) -> None:
        self._stream = stream
        self._gatherer = gatherer
        self._ahead: Ahead | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._ahead is None:
            self._ahead = Ahead(aiter(self._stream))
        async with aclosing(self._gatherer.gather(self._ahead)) as pieces:
            async for piece in pieces:
                yield piece

    async def aclose(self) -> None:
        try:
            if self._ahead is not None:
                await self._ahead.close()
        finally:
            await self._stream.aclose()


def split_events(received: bytes) -> tuple[bytes, bytes]:
    """Cut behind the last event that has come whole: an empty line ends one."""
    end = max(received.rfind(b"\n\n"), received.rfind(b"\r\n\r\n"))
    if end < 0:
        return b"", received
    end += 4 if received[end : end + 2] == b"\r\n" else 2
    return received[:end], received[end:]


def join_words(events: bytes) -> bytes:
    """Make one event of neighbours that differ in their words alone; everything else stays as it came."""
    joined: list[bytes] = []
    begun: dict[str, Any] | None = None
    for event in events.replace(b"\r\n", b"\n").split(b"\n\n"):
        chunk = _words(event)
        if chunk is not None and begun is not None and _is_alike(begun, chunk):
            begun["choices"][0]["delta"]["content"] += chunk["choices"][0]["delta"]["content"]
            continue
        if begun is not None:
            joined.append(DATA + b" " + _encode(begun))
        begun = chunk
        if chunk is None and event:
            joined.append(event)
    if begun is not None:
        joined.append(DATA + b" " + _encode(begun))
    return b"".join(event + b"\n\n" for event in joined)


def _words(event: bytes) -> dict[str, Any] | None:
    """The chunk of an event that holds words and nothing else."""
    if not event.startswith(DATA) or b"\n" in event:
        return None
    try:
        chunk: dict[str, Any] = _decode(event[len(DATA) :])
        (choice,) = chunk["choices"]
        delta = choice["delta"]
    except (msgspec.DecodeError, TypeError, KeyError, ValueError):
        return None
    said = {name for name, value in delta.items() if value is not None} if isinstance(delta, dict) else set()
    is_more = choice.get("finish_reason") or choice.get("logprobs") or chunk.get("usage") or chunk.get("error")
    if is_more or not {"content"} <= said <= {"content", "role"} or not isinstance(delta["content"], str):
        return None
    return chunk


def _is_alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two chunks say words of the same answer, the other nothing new beside them."""
    here, there = one["choices"][0], other["choices"][0]
    role = there["delta"].get("role")
    return (
        one.get("id") == other.get("id")
        and here.get("index") == there.get("index")
        and (role is None or role == here["delta"].get("role"))
    )
