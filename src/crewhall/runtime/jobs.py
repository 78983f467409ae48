"""Jobs: a turn is one procrastinate job, in the transaction that inserts its run; each process takes some.

procrastinate is imported when the first job is there, in this process or another, never while the server starts up.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg import Error
from psycopg_pool import PoolClosed, PoolTimeout

from crewhall.kernel.db import Database, Tx
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.signals import Signals

if TYPE_CHECKING:
    from procrastinate import App

    from crewhall.runtime.worker import JobTaker

log = logging.getLogger(__name__)
QUEUE = "turns"
TASK = "turn"
JOBS_CHANNEL = f"procrastinate_queue_v1#{QUEUE}"
LOOK = '{"type": "job_inserted", "job_id": 0}'
"""What procrastinate's channel carries; no job has that number."""
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 15.0

Execute = Callable[[UUID, UUID], Awaitable[None]]
"""Takes the turn of a run, by organization and run."""


@cache
def _enqueuing() -> "App":
    """An application that is never opened: jobs are written through the caller's own connection."""
    from procrastinate import App, PsycopgConnector

    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    return App(connector=PsycopgConnector())


def prepare_jobs() -> None:
    """Import what `enqueue_turn` needs, where that holds nobody up: in a thread."""
    _enqueuing()


async def enqueue_turn(tx: Tx, org_id: UUID, run_id: UUID, conversation_id: UUID, agent_id: UUID) -> None:
    """Enqueue a run's job, to be seen by workers when the caller's transaction commits.

    Its lock keeps turns of one agent in one conversation from running at once; safety is the run's attempt.
    """
    app = _enqueuing() if _enqueuing.cache_info().currsize else await asyncio.to_thread(_enqueuing)
    deferrer = app.configure_task(
        TASK, queue=QUEUE, lock=f"turn:{conversation_id}:{agent_id}", connection=tx.connection
    )
    await deferrer.defer_async(run_id=str(run_id), org_id=str(org_id))
    tx.tell(JOBS_CHANNEL, str(run_id))


async def count_waiting(db: Database) -> int:
    """How many turns wait for a process to take them."""
    async with db.transaction(None) as tx:
        return int(await tx.value("select count(*) from procrastinate_jobs where status = 'todo'"))


def prepare_worker() -> None:
    """Import what takes jobs and what enqueues them, where that holds nobody up: in a thread."""
    _enqueuing()
    _load()


class TurnWorker:
    """Takes the turns of one process.

    While there are none it costs nothing: no import before the first; no connection, heartbeat or sweep once nothing
    has been left to do for `rest_s`.
    """

    def __init__(
        self,
        db: Database,
        signals: Signals,
        execute: Execute,
        *,
        at_once: int = 200,
        heartbeat_s: float = 5.0,
        rest_s: float = 60.0,
    ) -> None:
        self._db = db
        self._execute = execute
        self._at_once = at_once
        self._heartbeat_s = heartbeat_s
        self._rest_s = rest_s
        self._wanted = asyncio.Event()
        self._taker: JobTaker | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_leaving = False
        signals.follow(db, JOBS_CHANNEL, lambda _payload: self.wake())
        signals.on_lost(self.wake)

    async def start(self) -> None:
        """Begin to take jobs in the background; the database and the signals must be up."""
        self._wanted.set()  # jobs may have been left by an earlier process
        if self._at_once:
            self._task = asyncio.create_task(self._run(), name="turns")

    async def finish(self, seconds: float) -> None:
        """Take no more jobs, and let those under way end for so long; then `stop`."""
        self._is_leaving = True
        if self._taker is not None:
            await self._taker.finish(seconds)

    async def stop(self) -> None:
        """Stop taking jobs; turns under way go back to the queue, and go on from their journal."""
        took = self._taker is not None
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if took or self._is_leaving:
            await self._announce()

    async def _announce(self) -> None:
        """Have the others look: what was put back, or could not be begun beside what was under way here, waits."""
        try:
            async with self._db.transaction(None) as tx:
                await tx.notify(JOBS_CHANNEL, LOOK)
        except (Error, PoolTimeout, PoolClosed, OSError) as error:
            log.info("nobody was told of the turns that were put back", extra={"reason": str(error).strip()})

    def wake(self) -> None:
        """Look for jobs: there may be one."""
        self._wanted.set()
        if self._taker is not None:
            self._taker.wake()

    def look(self) -> None:
        """Look whether another process died over its turns; one that takes turns itself does so anyway."""
        if self._taker is None:
            self._wanted.set()

    async def _run(self) -> None:
        """Take jobs until stopped, whatever happens to the database meanwhile.

        The database is asked first: whoever lost its LISTEN looks for jobs, too, and while the server is away there is
        nothing to open.
        """
        retry = FIRST_RETRY_S
        while not self._is_leaving:
            await self._wanted.wait()
            try:
                self._wanted.clear()
                if await self._is_any_left() and not self._is_leaving:
                    await self._take()
                retry = FIRST_RETRY_S
            except Exception as error:  # noqa: BLE001 - whatever ended it, jobs must be taken again
                log.warning("turns are not taken for a moment", extra={"reason": str(error).strip()})
                self._wanted.set()
                await asyncio.sleep(retry)
                retry = min(retry * 2, LAST_RETRY_S)

    async def _is_any_left(self) -> bool:
        """Whether there is a turn to take or to look after."""
        async with self._db.transaction(None) as tx:
            return bool(await tx.value("select turns_left()"))

    async def _rest(self, taker: "JobTaker") -> None:
        """Stop taking once nothing has been left for a while: until there is something again nobody need look."""
        while True:
            await asyncio.sleep(self._rest_s)
            heard = taker.times_heard
            if not await self._is_any_left() and taker.let_go(heard):
                return

    async def _take(self) -> None:
        worker = await asyncio.to_thread(_load)
        async with worker.taking(
            self._db.url, self._execute, at_once=self._at_once, heartbeat_s=self._heartbeat_s
        ) as taker:
            self._taker = taker
            beside = [
                asyncio.create_task(worker.sweep(self._db, taker, self._heartbeat_s), name="turns-sweep"),
                asyncio.create_task(self._rest(taker), name="turns-rest"),
            ]
            try:
                await taker.run()
            finally:
                self._taker = None
                await end_tasks(beside)


def _load() -> ModuleType:
    """Import what takes jobs, off the loop: it takes some tenths of a second."""
    from crewhall.runtime import worker

    return worker
