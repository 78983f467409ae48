"""Tokens on their way: the text of an answer while the model writes it, as ephemeral frames, some twenty a second."""

import asyncio
from typing import Any

from crewhall.kernel.actor import Actor
from crewhall.ports.live import Ephemeral, Live
from crewhall.runtime.runs import Run

EVERY_S = 0.05


class TokenStream:
    """The text of one run's answers. `request` counts the answers, `at` the characters that came before a frame's."""

    def __init__(self, live: Live, agent: Actor, run: Run) -> None:
        self._live = live
        self._agent = agent
        self._run = run
        self._request = 0
        self._sent = 0
        self._waiting = ""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, request: int) -> None:
        """A new answer begins, or the same one again."""
        self._flush()
        self._request, self._sent = request, 0

    def feed(self, text: str) -> None:
        """Add text; it is sent with whatever comes within the next moment."""
        self._waiting += text
        if self._timer is None and self._waiting:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._flush)

    def end(self) -> None:
        """Say that no more text comes: the message has been posted, or never will be."""
        self._flush()
        self._emit({"done": True})

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            text, self._waiting = self._waiting, ""
            self._emit({"request": self._request, "at": self._sent, "text": text})
            self._sent += len(text)

    def _emit(self, fields: dict[str, Any]) -> None:
        frame = Ephemeral(self._run.org_id, self._run.conversation_id, "tokens", {"run": str(self._run.id), **fields})
        self._live.emit(self._agent, frame)
