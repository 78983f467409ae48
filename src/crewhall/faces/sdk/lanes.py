"""Work in lanes: in order within one conversation, side by side across conversations, bounded in both."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

Job = Callable[[], Awaitable[None]]


class Lanes:
    """At most `width` jobs run and `waiting` wait; `put` holds its caller back beyond that.

    A job that raises ends everything: `failure` holds the error, and nothing further is started.
    """

    def __init__(self, width: int, waiting: int) -> None:
        self._running = asyncio.Semaphore(width)
        self._room = asyncio.Semaphore(waiting)
        self._lanes: dict[str, deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_full(self) -> bool:
        """Whether every place is taken."""
        return self._running.locked()

    async def put(self, lane: str, job: Job) -> None:
        """Run the job after those that were put into the same lane before."""
        await self._room.acquire()
        if lane in self._lanes:
            self._lanes[lane].append(job)
            return
        self._lanes[lane] = deque([job])
        task = asyncio.create_task(self._work(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, lane: str) -> None:
        jobs = self._lanes[lane]
        try:
            while jobs:
                async with self._running:
                    if not self._is_closed:
                        await jobs[0]()
                jobs.popleft()
                self._room.release()
        except Exception as error:  # noqa: BLE001 - the owner waits for `failure` and raises it
            self._is_closed = True
            if not self.failure.done():
                self.failure.set_exception(error)
        finally:
            del self._lanes[lane]

    async def close(self, grace_s: float) -> None:
        """Let what runs come to its end within the grace; what waits is left for the next start."""
        self._is_closed = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self.failure.done() and not self.failure.cancelled():
            self.failure.exception()
