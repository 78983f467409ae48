"""Tokens on their way: the text of an answer while the model writes it, as ephemeral frames, some twenty a second."""

import asyncio
from typing import Any, Protocol

from crewhall.kernel.actor import Actor
from crewhall.ports.live import Ephemeral, Live
from crewhall.runtime.runs import Run
from crewhall.runtime.storable import HIGH, mended

EVERY_S = 0.05


class Words(Protocol):
    """Takes the words of a model while it writes them."""

    def begin(self, request: int) -> None:
        """Be told that an answer begins, or the same one again."""

    def feed(self, text: str) -> None:
        """Take some text."""

    def flush(self) -> None:
        """Be told that the answer ends."""


class Unheard:
    """Lets the words go: what an agent writes for itself is shown to nobody while it does."""

    def begin(self, request: int) -> None:
        """See Words."""

    def feed(self, text: str) -> None:
        """See Words."""

    def flush(self) -> None:
        """See Words."""


class TokenStream:
    """The text of one run's answers. `request` counts the answers, `at` the characters that came before a frame's.

    `parent_id` names the thread in which the answer will stand, as it does in the message.
    """

    def __init__(self, live: Live, agent: Actor, run: Run) -> None:
        self._live = live
        self._agent = agent
        self._run = run
        self._request = 0
        self._sent = 0
        self._waiting = ""
        self._last = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, request: int) -> None:
        """A new answer begins, or the same one again: whoever looks is told before its first words come."""
        self.flush()
        self._request, self._sent = request, 0
        self._emit({"request": request, "at": 0, "text": ""})

    def feed(self, text: str) -> None:
        """Add text. The first is sent at once, what follows with whatever comes within the next moment."""
        self._waiting += text
        if self._timer is not None or not self._waiting:
            return
        loop = asyncio.get_running_loop()
        wait = self._last + EVERY_S - loop.time()
        if wait <= 0:
            self.flush()
        else:
            self._timer = loop.call_later(wait, self.flush)

    def end(self) -> None:
        """Say that no more text comes: the message has been posted, or never will be."""
        self.flush()
        self._waiting = ""
        self._emit({"done": True})

    def flush(self) -> None:
        """Send what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text, self._waiting = _whole(self._waiting)
        if text:
            self._emit({"request": self._request, "at": self._sent, "text": text})
            self._sent += len(text)
            self._last = asyncio.get_running_loop().time()

    def _emit(self, fields: dict[str, Any]) -> None:
        run = self._run
        about = {"run": str(run.id), "parent_id": None if run.parent_id is None else str(run.parent_id)}
        self._live.emit(self._agent, Ephemeral(run.org_id, run.conversation_id, "tokens", about | fields))


def _whole(text: str) -> tuple[str, str]:
    """The text, its cut characters put together; and half of one at its end, whose other half is still to come."""
    if text and ord(text[-1]) in HIGH:
        return mended(text[:-1]), text[-1]
    return mended(text), ""
