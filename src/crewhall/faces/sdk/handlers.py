"""An agent's handlers: which of them a message is for, and calling them until they succeed or are given up."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable

from crewhall.faces.sdk.backoff import delays
from crewhall.faces.sdk.errors import NotReachable, SignedOut
from crewhall.faces.sdk.incoming import IncomingMessage, Post

log = logging.getLogger("crewhall.sdk")
Answer = str | Post | None
Handler = Callable[[IncomingMessage], Awaitable[Answer] | Answer]
ErrorHandler = Callable[[IncomingMessage, Exception], Awaitable[None] | None]
MENTION, REPLY, MESSAGE = "mention", "reply", "message"


class Handlers:
    """By reason: mention, reply, message."""

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts
        self.by_reason: dict[str, Handler] = {}
        self.on_error: ErrorHandler | None = None

    def find(self, reason: str, *, is_direct: bool) -> Handler | None:
        """The handler for a message: of its reason, or of any message; a direct message is as good as a mention."""
        found = self.by_reason.get(reason) or self.by_reason.get(MESSAGE)
        return found or (self.by_reason.get(MENTION) if is_direct else None)

    async def handle(self, handler: Handler, renewed: Callable[[], IncomingMessage]) -> None:
        """Call a handler and post what it returns; again after an exception, up to `attempts` times.

        While the server cannot be reached it is tried without end: what was asked is answered. Raises SignedOut.
        """
        pauses, failures = delays(), 0
        while True:
            incoming = renewed()
            try:
                answer = await _call(handler, incoming)
                if answer is not None:
                    await incoming.reply(answer)
            except SignedOut:
                raise
            except NotReachable as error:
                log.warning("answer to %s waits: %s", incoming.id, error)
            except Exception as error:
                failures += 1
                log.exception("handler failed on message %s (%d of %d)", incoming.id, failures, self.attempts)
                if failures >= self.attempts:
                    return await self._give_up(incoming, error)
            else:
                return None
            await asyncio.sleep(next(pauses))

    async def _give_up(self, incoming: IncomingMessage, error: Exception) -> None:
        if self.on_error is None:
            return
        try:
            result = self.on_error(incoming, error)
            if inspect.isawaitable(result):
                await result
        except Exception:
            log.exception("on_error failed on message %s", incoming.id)


async def _call(handler: Handler, incoming: IncomingMessage) -> Answer:
    """Call a coroutine function in the loop, a plain function in a thread."""
    if inspect.iscoroutinefunction(handler):
        answer: Answer = await handler(incoming)
        return answer
    result = await asyncio.to_thread(handler, incoming)
    return await result if inspect.isawaitable(result) else result
