"""The taker of jobs, procrastinate's own, made to outlive the database's restarts; and the sweep for dead ones' jobs.

Imports procrastinate: import this module when there is a job.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.manager import JobManager
from procrastinate.worker import Worker

from crewhall.governance import release_strays
from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.postgres.urls import NOTICED
from crewhall.runtime.jobs import JOBS_CHANNEL, LOOK, QUEUE, TASK, Execute, enqueue_turn
from crewhall.runtime.outside import end_forsaken
from crewhall.runtime.trying import end_forgotten_tries

log = logging.getLogger(__name__)
BEATS_MISSED = 3
"""Signs of life that fail to come before a process counts as dead."""
SWEEP_EVERY_BEATS = 2
LOOK_ANYWAY_S = 30.0
CALM_S = 0.02
GRACE_S = 1.0
LONGEST_WAIT_S = 60
SELDOM_S = 86_400.0
IS_DUE: LiteralString = """
select exists (select from procrastinate_jobs where status = 'todo' and scheduled_at <= now())
"""
CLAIMED: LiteralString = """
select id from procrastinate_jobs where status = 'doing' and worker_id = %(worker)s
"""


class Again(BaseRetryStrategy):
    """A job that did not end its run is done again: at once when its process stopped, else after a growing while."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """See BaseRetryStrategy."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        return RetryDecision(retry_in={"seconds": min(2**job.attempts, LONGEST_WAIT_S)})


class CalmManager(JobManager):
    """procrastinate's keeper of jobs. Behind the first job it looks for more a moment later, unless one is announced.

    The first has begun by then: looking costs as much as its first steps, and stands in their way.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self.announced = asyncio.Event()
        self.is_closed = False
        self._fetched = 0

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """See JobManager; nothing is fetched any more once it is closed."""
        if self.is_closed:
            return None
        if self._fetched == 1:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CALM_S):
                    await self.announced.wait()
        self.announced.clear()
        job = await super().fetch_job(queues, worker_id)
        self._fetched = self._fetched + 1 if job else 0
        return job


class JobTaker(Worker):
    """procrastinate's worker, woken by this process's one LISTEN, and alive as long as the database lets it."""

    _heard = False
    times_heard = 0
    calm: CalmManager

    def let_go(self, times_heard: int) -> bool:
        """Take no more, unless a job is under way or it has been woken since it was so many times; tells whether."""
        if self._running_jobs or self.times_heard != times_heard:
            return False
        self.stop()  # type: ignore[no-untyped-call]
        return True

    async def finish(self, seconds: float) -> None:
        """Take no more jobs, give those under way that long to end, and stop: what has not ended is put back.

        Signs of life are given meanwhile, so that nobody else takes what is under way here.
        """
        self.calm.is_closed = True
        until = asyncio.get_running_loop().time() + seconds
        while self._running_jobs and (left := until - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(set(self._running_jobs), timeout=left)
        self.stop()  # type: ignore[no-untyped-call]

    def forgotten(self, claimed: Iterable[int]) -> set[int]:
        """Those of its jobs that it knows nothing of."""
        return set(claimed) - {context.job.id for context in self._running_jobs.values()}

    def wake(self) -> None:
        """Look for jobs now."""
        self._heard = True
        self.times_heard += 1
        self.calm.announced.set()
        self._new_job_event.set()

    async def _fetch_and_process_jobs(self) -> None:
        """As its parent's, which forgets a call that comes while it looks."""
        self._heard = True
        while self._heard and not self._stop_event.is_set():
            self._heard = False
            await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]

    async def _persist_job_status(self, *args: Any, **kwargs: Any) -> None:
        """As its parent's; then look again, since the job's lock may have held up another, or it is put off itself."""
        await super()._persist_job_status(*args, **kwargs)
        self.wake()
        decision: RetryDecision | None = kwargs.get("retry_decision")
        if decision is not None and decision.retry_at is not None:
            wait = (decision.retry_at - datetime.now(UTC)).total_seconds()
            asyncio.get_running_loop().call_later(max(0.0, wait), self.wake)

    async def _update_heartbeat(self) -> None:
        """As its parent's, but a database that is away for a moment does not end it."""
        while True:
            await asyncio.sleep(self.update_heartbeat_interval)
            try:
                assert self.worker_id is not None
                await self.app.job_manager.update_heartbeat(self.worker_id)
            except (ProcrastinateException, OSError) as error:
                log.warning("a sign of life was not given", extra={"reason": str(error).strip()})


@asynccontextmanager
async def taking(url: str, execute: Execute, *, at_once: int, heartbeat_s: float) -> AsyncIterator[JobTaker]:
    """Give a taker of jobs with a connection of its own, not yet running."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    # A job that is lost to a power cut is found out again: its run is what counts.
    options = f"-c synchronous_commit=off {NOTICED}"
    kwargs = {"application_name": "crewhall-turns", "options": options, "autocommit": True}
    connector = PsycopgConnector(conninfo=url, min_size=1, max_size=2, kwargs=kwargs, timeout=10)
    app = App(connector=connector)

    @app.task(name=TASK, queue=QUEUE, retry=Again())
    async def turn(run_id: str, org_id: str) -> None:
        await execute(UUID(org_id), UUID(run_id))

    app.job_manager = calm = CalmManager(connector)
    async with app.open_async():
        taker = JobTaker(
            app,
            queues=[QUEUE],
            name="turns",
            concurrency=at_once,
            fetch_job_polling_interval=LOOK_ANYWAY_S,
            abort_job_polling_interval=SELDOM_S,
            shutdown_graceful_timeout=GRACE_S,
            listen_notify=False,
            delete_jobs=DeleteJobCondition.ALWAYS,
            install_signal_handlers=False,
            update_heartbeat_interval=heartbeat_s,
            stalled_worker_timeout=heartbeat_s * BEATS_MISSED,
        )
        taker.calm = calm
        yield taker


class _Held(msgspec.Struct):
    org_id: UUID
    run_id: UUID


class _Stray(msgspec.Struct):
    org_id: UUID
    run_id: UUID
    conversation_id: UUID
    agent_id: UUID


async def sweep(db: Database, taker: JobTaker, heartbeat_s: float) -> None:
    """Hand on the jobs of dead processes, again and again, one at a time; each takes back what it lost itself."""
    missed: set[int] = set()
    while True:
        try:
            missed = await _take_back(db, taker, missed)
            if await _sweep_once(db, taker, heartbeat_s * BEATS_MISSED):
                taker.wake()
        except Exception as error:  # noqa: BLE001 - the next sweep may succeed
            log.warning("turns were not swept", extra={"reason": str(error).strip()})
        await asyncio.sleep(heartbeat_s * SWEEP_EVERY_BEATS)


async def _take_back(db: Database, taker: JobTaker, missed: set[int]) -> set[int]:
    """Put back the jobs that this process claimed, and never heard of: the database broke off behind the claim.

    `missed` were unknown when it looked before; one that is fetched at this moment is known the next time. Gives those.
    """
    async with db.transaction(None) as tx:
        claimed = await tx.values(CLAIMED, {"worker": taker.worker_id})
    forgotten = taker.forgotten(claimed)
    for job in forgotten & missed:
        log.warning("a turn was claimed and not begun: it goes back", extra={"job": job})
        with contextlib.suppress(ProcrastinateException):  # it has just ended after all
            await taker.app.job_manager.retry_job_by_id_async(job, retry_at=datetime.now(UTC))
        taker.wake()
    return forgotten - missed


async def _sweep_once(db: Database, taker: JobTaker, silence_s: float) -> bool:
    """Put back what is stuck, unless another process does; tells whether there is something to take now.

    That may be a job that was put off by a worker which has been replaced since: nobody announces it.
    """
    async with db.transaction(None) as tx:
        is_due = bool(await tx.value(IS_DUE))
        if not await tx.value("select pg_try_advisory_xact_lock(hashtext('crewhall.turns.sweep'))"):
            return is_due
        handed = await _hand_on(taker, silence_s)
        strays = await tx.all(
            _Stray, "select * from stray_runs(make_interval(secs => %(silence)s))", {"silence": silence_s * 2}
        )
        for stray in strays:
            await _enqueue_again(db, stray)
        await end_forsaken(db)
        await _release_strays(db, tx)
        if handed:
            await tx.notify(JOBS_CHANNEL, LOOK)
    return is_due or handed > 0 or bool(strays)


async def _release_strays(db: Database, tx: Tx) -> None:
    """Give back what budgets still hold for runs that ended, or that another attempt has taken over.

    A try that died with its process has ended, too: nobody else takes it.
    """
    async with db.transaction(None) as own:
        await end_forgotten_tries(own)
    for stray in await tx.all(_Held, "select * from stray_reservations()"):
        async with db.transaction(system_actor(stray.org_id)) as own:
            await release_strays(own, stray.run_id)


async def _hand_on(taker: JobTaker, silence_s: float) -> int:
    """Put the jobs of other processes that have been silent that long back into the queue; gives how many."""
    handed = 0
    manager = taker.app.job_manager
    for job in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=silence_s):
        if job.worker_id is not None and job.worker_id == taker.worker_id:  # late itself, but alive
            continue
        try:
            await manager.retry_job(job, retry_at=datetime.now(UTC))
        except ProcrastinateException as error:  # it has just ended after all
            log.info("a job was not handed on", extra={"job": job.id, "reason": str(error).strip()})
        else:
            log.warning("a turn is taken over from a dead process", extra={"run": job.task_kwargs.get("run_id")})
            handed += 1
    return handed


async def _enqueue_again(db: Database, stray: _Stray) -> None:
    log.warning("a run had lost its job", extra={"run": str(stray.run_id)})
    async with db.transaction(system_actor(stray.org_id)) as tx:
        await enqueue_turn(tx, stray.org_id, stray.run_id, stray.conversation_id, stray.agent_id)
