"""Who has no job to take rests: it imports nothing, asks nothing, and looks again when there may be one."""

import asyncio
import subprocess
import sys

import pytest

from crewhall.runtime.jobs import TurnWorker
from tests.support.waiting import until
from tests.taking.takers import Taken, have_begun, working

pytestmark = pytest.mark.usefixtures("no_jobs")


@pytest.mark.rule("C9")
async def test_without_a_job_nothing_is_imported_and_nothing_asked(hall):
    program = """
import sys, crewhall.main, crewhall.faces.cli.app
heavy = {"pydantic_ai", "procrastinate", "openai", "attr", "mcp", "mcp_types", "starlette", "httpx2"} & set(sys.modules)
assert not heavy, heavy
"""
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], check=True)
    taken = Taken(hall)
    async with working(hall, taken) as worker:
        await until(lambda: _waits(worker))
        assert worker._taker is None


async def _waits(worker):
    """Whether it has looked for jobs, and waits for the first."""
    return worker._task is not None and worker._wanted._waiters


@pytest.mark.rule("C9")
async def test_who_has_nothing_left_to_take_asks_nothing_more_until_there_is_something(hall, org):
    taken = Taken(hall)
    await hall.ask(org)

    async def workers():
        return await hall.rows(dict, "select id from procrastinate_workers")

    async def rests():
        return worker._taker is None and not await workers()

    async with working(hall, taken, rest_s=0.05) as worker:
        await taken.has_ended(1)
        await until(rests)
        worker.look()  # nothing was left by anybody
        await until(rests)
        await hall.ask(org)
        worker.wake()
        await taken.has_ended(2)
        await until(rests)


class Deaf(TurnWorker):
    """Is not told of jobs: the process that enqueued them died before anybody heard."""

    def wake(self):
        pass


@pytest.mark.rule("X3")
async def test_who_rests_takes_over_from_a_process_that_died(hall, org):
    taken = Taken(hall)
    await hall.ask(org)
    async with working(hall, taken, Deaf, rest_s=0.05) as worker:
        await taken.has_ended(1)
        await until(lambda: _is(worker._taker is None))
        asked = await hall.ask(org)
        async with hall.everything() as connection:
            await connection.execute(
                "insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour')"
            )
            await connection.execute(
                "update procrastinate_jobs set status = 'doing', "
                "worker_id = (select max(id) from procrastinate_workers)"
            )
        assert len(taken.begun) == 1
        worker.look()
        await taken.has_ended(2)
    assert taken.ended[1] == asked.run_id


async def _is(truth):
    return truth


async def test_who_waits_for_somebodys_part_does_not_rest(hall, org):
    taken = Taken(hall)
    taken.go.clear()
    await hall.ask(org)
    async with working(hall, taken, rest_s=0.02) as worker:
        await until(lambda: have_begun(taken, 1))
        for _ in range(20):
            async with hall.db.transaction(None) as tx:
                assert await tx.value("select turns_left()")
        assert worker._taker is not None
        taken.go.set()
        await taken.has_ended(1)
        await until(lambda: _is(worker._taker is None))
