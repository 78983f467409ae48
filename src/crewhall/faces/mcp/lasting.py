"""Answers that take long: kept alive by spaces, and given up when whoever asked has gone."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handle = Callable[[Scope, Receive, Send], Awaitable[None]]

EVERY_S = 15.0


async def answer(handle: Handle, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    """Answer a request whose body was read. Spaces before a JSON text are nothing, and proxies do not hang up."""
    answering_to = _Answer(send)
    gone = asyncio.create_task(_gone(receive))
    answering = asyncio.ensure_future(handle(scope, _once(body), answering_to.send))
    try:
        while True:
            await asyncio.wait({answering, gone}, timeout=EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            if answering.done() or gone.done():
                break
            await answering_to.keep_alive()
        if answering.done():
            answering.result()
    finally:
        gone.cancel()
        answering.cancel()
        await asyncio.gather(gone, answering, return_exceptions=True)


class _Answer:
    """What goes out. Once spaces have gone out the status is said: what comes later is a JSON text all the same."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_begun = False
        self._is_kept = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._is_begun = True
            if self._is_kept:
                return
        await self._send(message)

    async def keep_alive(self) -> None:
        if self._is_begun:
            return
        if not self._is_kept:
            self._is_kept = True
            headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": b" ", "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _once(body: bytes) -> Receive:
    """A body that was read, to be read once more; nothing follows it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await asyncio.get_running_loop().create_future()

    return receive
