"""The longest time that a request may take, held by one timer for all of them.

A timer per request (`asyncio.timeout`) is exact, which nobody needs here, and costs a post a twentieth of its time.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any

LOOK_EVERY_S = 1.0


class Deadlines:
    """Cancels what is at work for longer than `seconds`: late by a quarter of that, or by a second, at most."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._every = min(LOOK_EVERY_S, seconds / 4)
        self._begun: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._is_looking = False

    async def hold(self, work: Awaitable[None]) -> None:
        """Do the work in the task that asks, one at a time; raises TimeoutError when it takes too long."""
        task = asyncio.current_task()
        assert task is not None
        self._begun[task] = self._now(task)
        try:
            await work
        except asyncio.CancelledError:
            if task in self._late and task.cancelling() <= 1:  # by us, and by nobody else
                raise TimeoutError from None
            raise
        finally:
            del self._begun[task]
            if task in self._late:
                self._late.remove(task)
                task.uncancel()

    def _now(self, task: asyncio.Task[Any]) -> float:
        loop = task.get_loop()
        if not self._is_looking:
            self._is_looking = True
            loop.call_later(self._every, self._look, loop)
        return loop.time()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look again as long as anything is at work."""
        overdue = loop.time() - self._seconds
        for task, begun in self._begun.items():
            if begun <= overdue and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._is_looking = bool(self._begun)
        if self._is_looking:
            loop.call_later(self._every, self._look, loop)
