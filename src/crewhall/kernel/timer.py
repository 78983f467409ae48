"""One timer for the nearest thing that is due: asleep until then, and for good while nothing waits."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from crewhall.kernel.ending import end_tasks

log = logging.getLogger(__name__)
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 30.0
LONGEST_S = 24 * 3600.0
"""How long it sleeps at most: the clock of the machine may be set meanwhile."""


class DueTimer:
    """Calls `act`, which does what is due and gives the seconds until the next (None: nothing waits), again and again.

    A call that fails is repeated, ever more seldom.
    """

    def __init__(self, name: str, act: Callable[[], Awaitable[float | None]]) -> None:
        self._name = name
        self._act = act
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Act at once, then whenever something is due."""
        self._stirred.set()
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Stop; what becomes due meanwhile is found at the next start, or by another process."""
        if self._task is not None:
            await end_tasks([self._task])

    def stir(self) -> None:
        """Say that something may be due earlier than it was."""
        self._stirred.set()

    async def _run(self) -> None:
        retry: float = FIRST_RETRY_S
        wait: float | None = None
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), wait)
            self._stirred.clear()
            try:
                wait, retry = await self._act(), FIRST_RETRY_S
            except Exception as error:  # noqa: BLE001 - whatever failed is tried again, ever more seldom
                log.warning("%s were not looked at", self._name, extra={"reason": str(error).strip()})
                wait, retry = retry, min(retry * 2, LAST_RETRY_S)
            if wait is not None:
                wait = min(wait, LONGEST_S)
