"""Jobs: taken by whoever is there, one of an agent in a conversation at a time, handed on when their taker dies."""

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from crewhall.kernel.actor import system_actor
from crewhall.runtime.jobs import TurnWorker
from crewhall.runtime.runs import claim_run, end_run
from crewhall.runtime.vocabulary import RunStatus
from tests.support.openai import Say
from tests.support.waiting import until

BEAT_S = 0.05


@pytest.fixture(autouse=True)
async def no_jobs(hall):
    """What other tests decided and never took is nobody's business here."""
    async with hall.everything() as connection:
        await connection.execute("delete from procrastinate_jobs")
        await connection.execute("delete from budget_reservations")
        await connection.execute("update outside_calls set result = '{}', answered_at = now() where result is null")
        await connection.execute("update runs set status = 'stopped', completed_at = now() where completed_at is null")


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
            run = await claim_run(tx, run_id)
            if run is not None:
                await end_run(tx, run, RunStatus.SUCCEEDED, "answered")
        self.ended.append(run_id)

    async def has_ended(self, number):
        await until(lambda: self._is(number))

    async def _is(self, number):
        return len(self.ended) >= number


@pytest.mark.rule("C12")
async def test_what_waits_and_what_comes_is_taken_and_leaves_no_job(hall, org):
    waited = await hall.ask(org)
    taken = Taken(hall)
    async with working(hall, taken) as worker:
        await taken.has_ended(1)
        came = [await hall.ask(org) for _ in range(3)]
        worker.wake()
        await taken.has_ended(4)
        await until(lambda: _none(hall))
    assert taken.ended == [waited.run_id, *[asked.run_id for asked in came]]
    assert {(await asked.run()).status for asked in [waited, *came]} == {"succeeded"}


async def _none(hall):
    return not await jobs(hall)


async def test_of_one_agent_in_one_conversation_one_turn_is_under_way(hall, org):
    taken = Taken(hall)
    taken.go.clear()
    first = await hall.ask(org)
    async with working(hall, taken) as worker:
        await until(lambda: _begun(taken, 1))
        async with hall.everything() as connection:  # as if the run had ended, its job not yet
            await connection.execute(
                "update runs set status = 'stopped', completed_at = now() where id = %(id)s", {"id": first.run_id}
            )
            await connection.execute("delete from turn_decisions where run_id = %(id)s", {"id": first.run_id})
        await hall.say(org.owner.actor, first.circle, f"again @{first.agent.name}")
        second = await hall.decided(org, first.circle, first.agent)
        elsewhere = await hall.ask(org)
        worker.wake()
        await until(lambda: _begun(taken, 2))
        assert taken.begun == [first.run_id, elsewhere.run_id]
        taken.go.set()
        await taken.has_ended(3)
    assert taken.begun[2] == second.run_id


async def _begun(taken, number):
    return len(taken.begun) >= number


async def test_a_turn_that_breaks_off_is_taken_again(hall, org):
    taken = Taken(hall)
    taken.failures = 1
    asked = await hall.ask(org)
    async with working(hall, taken):
        await taken.has_ended(1)
    assert taken.begun == [asked.run_id] * 2


async def test_a_process_that_stops_gives_its_turns_back(hall, org):
    asked = await hall.ask(org)
    leaving, staying = Taken(hall), Taken(hall)
    leaving.go.clear()
    async with working(hall, leaving):
        await until(lambda: _begun(leaving, 1))
    assert [job["status"] for job in await jobs(hall)] == ["todo"]
    async with working(hall, staying):
        await staying.has_ended(1)
    assert (leaving.ended, staying.ended) == ([], [asked.run_id])


@pytest.mark.rule("X3")
async def test_the_jobs_of_a_dead_process_are_handed_on(hall, org):
    asked = await hall.ask(org)
    async with hall.everything() as connection:
        await connection.execute(
            "insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour')"
        )
        await connection.execute(
            "update procrastinate_jobs set status = 'doing', worker_id = (select max(id) from procrastinate_workers)"
        )
    taken = Taken(hall)
    async with working(hall, taken):
        await taken.has_ended(1)
    assert taken.ended == [asked.run_id]


@pytest.mark.rule("X3")
async def test_a_run_that_lost_its_job_gets_another(hall, org):
    lost, kept = await hall.ask(org), await hall.ask(org)
    async with hall.everything() as connection:
        await connection.execute(
            "delete from procrastinate_jobs where args ->> 'run_id' = %(id)s", {"id": str(lost.run_id)}
        )
        await connection.execute("update runs set updated_at = now() - interval '1 hour' where completed_at is null")
    taken = Taken(hall)
    async with working(hall, taken):
        await taken.has_ended(2)
    assert sorted(taken.begun) == sorted([lost.run_id, kept.run_id])


async def test_a_worker_outlives_the_loss_of_its_connections(hall, org):
    taken = Taken(hall)
    async with working(hall, taken) as worker:
        await hall.ask(org)
        worker.wake()
        await taken.has_ended(1)
        async with hall.everything() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'crewhall-turns' and datname = current_database()"
            )
        await hall.ask(org)
        worker.wake()
        await taken.has_ended(2)


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


@pytest.mark.rule("C12")
async def test_turns_of_many_go_on_side_by_side(hall, org, model):
    held = asyncio.Event()
    model.script = lambda _request: Say("hi", hold=held)
    asked = [await hall.ask(org) for _ in range(12)]
    async with working(hall, hall.executor.execute):
        await until(lambda: _streams(model, 12))
        held.set()
        await until(lambda: _none(hall))
    assert {(await one.run()).reason for one in asked} == {"answered"}


async def _streams(model, number):
    return model.streaming == number


async def test_a_process_may_leave_turns_to_others(hall, org):
    asked = await hall.ask(org)
    idle, busy = Taken(hall), Taken(hall)
    async with working(hall, idle, at_once=0) as worker, working(hall, busy):
        worker.wake()
        await busy.has_ended(1)
    assert (idle.begun, busy.ended) == ([], [asked.run_id])


@pytest.mark.rule("X3")
@pytest.mark.slow
async def test_a_turn_outlives_the_loss_of_every_connection(hall, org, model):
    held = asyncio.Event()
    model.script = lambda _request: Say("after all", piece=3, hold=held)
    asked = await hall.ask(org)
    async with working(hall, hall.executor.execute):
        await until(lambda: _streams(model, 1))
        async with hall.everything() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and usename = 'crewhall_app'"
            )
        held.set()
        await until(lambda: _has_ended(asked))
    run = await asked.run()
    assert (run.status, run.reason) == ("succeeded", "answered")
    assert await asked.answers() == ["after all"]
    await until(lambda: _listens(hall))


async def _has_ended(asked):
    return (await asked.run()).completed_at is not None


async def _listens(hall):
    return hall.signals.listening


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
        await until(lambda: _begun(taken, 1))
        for _ in range(20):
            async with hall.db.transaction(None) as tx:
                assert await tx.value("select turns_left()")
        assert worker._taker is not None
        taken.go.set()
        await taken.has_ended(1)
        await until(lambda: _is(worker._taker is None))


async def test_a_worker_stops_though_what_it_does_beside_loses_a_cancellation(hall, org, monkeypatch):
    """As a wait for the database does that ends in the same moment."""
    swallowed = []

    async def deaf(*_args):
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if len(swallowed) == 2:
                    raise
                swallowed.append(1)

    monkeypatch.setattr("crewhall.runtime.worker.sweep", deaf)
    taken = Taken(hall)
    await hall.ask(org)
    async with asyncio.timeout(20), working(hall, taken):
        await taken.has_ended(1)
    assert len(swallowed) == 2
