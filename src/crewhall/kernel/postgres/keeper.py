"""Keeping the built-in Postgres up while Crewhall serves: its end is noticed at once, and it is started again."""

import asyncio
import logging
import os
import select
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import psycopg

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.embedded import EmbeddedPostgres
from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure

log = logging.getLogger(__name__)
MOST_STARTS, WITHIN_S = 5, 60.0
FIRST_WAIT_S = 0.5
TEND_LOG_S = 600.0


class Keeper:
    """Watches the server that `postgres` has started or joined.

    `on_away` is called when the server has ended, `on_back` awaited when it takes connections again. Processes that
    share a home each have a keeper: the start lock lets one start the server, the others join what it started.
    """

    def __init__(
        self, postgres: EmbeddedPostgres, *, on_away: Callable[[], None], on_back: Callable[[], Awaitable[None]]
    ) -> None:
        self._postgres = postgres
        self._on_away = on_away
        self._on_back = on_back
        self._starts: deque[float] = deque(maxlen=MOST_STARTS)

    async def keep(self) -> None:
        """Watch until cancelled; raises a CrewhallError when the server cannot be kept up."""
        while True:
            await self._watch(self._postgres.pid)
            self._on_away()
            log.error("the built-in Postgres has ended: starting it again", extra={"pid": self._postgres.pid})
            await self._start()
            await self._on_back()
            log.warning("the built-in Postgres is back", extra={"pid": self._postgres.pid})

    async def _watch(self, pid: int) -> None:
        """Return when the server has ended. Meanwhile nothing happens but that its log is kept small."""
        async with process_end(pid) as ended:
            while not ended.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), TEND_LOG_S)
                    return
                try:
                    await asyncio.to_thread(self._postgres.tend_log)
                except (CrewhallError, OSError) as error:
                    log.warning("the log of Postgres was not looked after", extra={"reason": str(error)})

    async def _start(self) -> None:
        """Start the server: at once after a long life, ever later after short ones, and not without end."""
        why = "each time it ended soon after."
        while True:
            now = asyncio.get_running_loop().time()
            while self._starts and self._starts[0] < now - WITHIN_S:
                self._starts.popleft()
            if len(self._starts) == MOST_STARTS:
                raise failure(
                    EMBEDDED_POSTGRES,
                    f"Postgres ended, and {MOST_STARTS} starts within {WITHIN_S:.0f} s did not keep it up: {why}",
                    f"Look at {self._postgres.home}/logs/postgres.log, and at this machine's memory and disk.",
                )
            if self._starts:
                await asyncio.sleep(FIRST_WAIT_S * 2 ** (len(self._starts) - 1))
            self._starts.append(asyncio.get_running_loop().time())
            try:
                await asyncio.to_thread(self._postgres.restart)
            except (CrewhallError, psycopg.Error, OSError) as error:
                why = str(error).strip()
                log.error("the built-in Postgres could not be started", extra={"reason": why})  # noqa: TRY400 - said above
            else:
                return


@asynccontextmanager
async def process_end(pid: int) -> AsyncIterator[asyncio.Event]:
    """Give an event that is set when the process ends, whoever started it; nothing polls for it."""
    ended = asyncio.Event()
    try:
        descriptor, close = _watch_exit(pid)
    except ProcessLookupError:
        ended.set()
        yield ended
        return
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        yield ended
    finally:
        loop.remove_reader(descriptor)
        close()


def _watch_exit(pid: int) -> tuple[int, Callable[[], None]]:
    """A descriptor that can be read once the process has ended, and what closes it."""
    if sys.platform == "linux":
        descriptor = os.pidfd_open(pid)
        close = partial(os.close, descriptor)
    else:
        queue = select.kqueue()
        descriptor, close = queue.fileno(), queue.close
        try:
            queue.control([select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)], 0)
        except OSError:
            close()
            raise
    return descriptor, close
