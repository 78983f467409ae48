"""Turns outlive who took them: what a process left, lost or died over is taken by another."""

import asyncio

import pytest

from tests.support.openai import Say
from tests.support.waiting import until
from tests.taking.takers import Taken, have_begun, jobs, streams, working

pytestmark = pytest.mark.usefixtures("no_jobs")


async def test_a_process_that_stops_gives_its_turns_back(hall, org):
    asked = await hall.ask(org)
    leaving, staying = Taken(hall), Taken(hall)
    leaving.go.clear()
    async with working(hall, leaving):
        await until(lambda: have_begun(leaving, 1))
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


@pytest.mark.rule("X3")
@pytest.mark.slow
async def test_a_turn_outlives_the_loss_of_every_connection(hall, org, model):
    held = asyncio.Event()
    model.script = lambda _request: Say("after all", piece=3, hold=held)
    asked = await hall.ask(org)
    async with working(hall, hall.executor.execute):
        await until(lambda: streams(model, 1))
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
