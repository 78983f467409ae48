"""What SIGTERM and Ctrl-C do to a process, from its first line to its last."""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from types import FrameType, TracebackType
from typing import Any, Self

log = logging.getLogger(__name__)
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Within the block a signal ends the process cleanly: outside of an event loop as `SystemExit`, inside by a call.

    An exception raised by a signal in the midst of a loop may land where nobody hears it (a finaliser, a callback), or
    leave the loop itself unable to end: a loop is told instead.
    """

    def __init__(self) -> None:
        self._told = False
        self._task: asyncio.Task[None] | None = None
        self.gently: Callable[[], bool] | None = None
        """Ends what runs in a loop in its own way; says False where it cannot, and all that runs is cancelled."""
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._hear) for number in SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run until the work is done or a signal has ended it."""
        self._task = task = asyncio.create_task(work, name="serve")
        if self._told:  # just before, where the exception was lost
            task.cancel()
        try:
            await asyncio.wait({task})
        finally:
            self._task = None
        if not task.cancelled():
            task.result()

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._told = True
        if self._task is None:
            raise SystemExit(0)
        self._task.get_loop().call_soon_threadsafe(self._end)

    def _end(self) -> None:
        log.info("stopping")
        if self._task is not None and not (self.gently and self.gently()):
            self._task.cancel()
