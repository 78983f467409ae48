"""Work that nobody waits for: mails, notes of last use. It runs behind the answer, so that its time tells nothing."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger(__name__)


class Errands:
    """Runs errands and forgets them; one that fails is logged and harms nobody."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, errand: Coroutine[object, object, None], name: str) -> None:
        """Start the errand soon; returns at once."""
        task = asyncio.create_task(self._finish(errand, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for the errands that are under way."""
        await asyncio.gather(*self._tasks)

    async def _finish(self, errand: Coroutine[object, object, None], name: str) -> None:
        try:
            await errand
        except Exception:
            log.warning("%s failed", name, exc_info=True)
