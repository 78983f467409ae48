"""Workers that take turns' jobs, and what they have taken."""

import asyncio
from contextlib import asynccontextmanager

from crewhall.kernel.actor import system_actor
from crewhall.runtime.jobs import TurnWorker
from crewhall.runtime.runs import begin_run, end_run
from crewhall.runtime.vocabulary import RunStatus
from tests.support.waiting import until

BEAT_S = 0.05


async def jobs(hall):
    return await hall.rows(dict, "select id, status::text, attempts, worker_id from procrastinate_jobs order by id")


@asynccontextmanager
async def working(hall, execute, kind=TurnWorker, **options):
    """A worker that is there."""
    worker = kind(hall.db, hall.signals, execute, **{"heartbeat_s": BEAT_S, **options})
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


class Taken:
    """Takes runs by ending them, and remembers."""

    def __init__(self, hall):
        self.hall, self.begun, self.ended = hall, [], []
        self.go = asyncio.Event()
        self.go.set()
        self.failures = 0

    async def __call__(self, org_id, run_id):
        self.begun.append(run_id)
        await self.go.wait()
        if self.failures:
            self.failures -= 1
            raise ConnectionResetError
        async with self.hall.db.transaction(system_actor(org_id)) as tx:
            run = await begin_run(tx, run_id)
            if run is not None:
                await end_run(tx, run, RunStatus.SUCCEEDED, "answered")
        self.ended.append(run_id)

    async def has_ended(self, number):
        await until(lambda: self._is(number))

    async def _is(self, number):
        return len(self.ended) >= number


async def none_left(hall):
    return not await jobs(hall)


async def have_begun(taken, number):
    return len(taken.begun) >= number


async def streams(model, number):
    return model.streaming == number
