"""Who is told to leave begins no more turns, lets those under way end for so long, and hands on the rest."""

import asyncio

import pytest

from crewhall.runtime import count_waiting
from tests.support.waiting import bounded, until
from tests.taking.takers import Taken, have_begun, jobs, working

pytestmark = pytest.mark.usefixtures("no_jobs")


async def test_a_turn_under_way_ends_where_it_began_and_no_other_is_begun(hall, org):
    first = await hall.ask(org)
    leaving, staying = Taken(hall), Taken(hall)
    leaving.go.clear()
    async with working(hall, leaving) as worker:
        await until(lambda: have_begun(leaving, 1))
        finishing = asyncio.create_task(worker.finish(20))
        second = await hall.ask(org)
        worker.wake()
        async with working(hall, staying):
            await staying.has_ended(1)
            assert not finishing.done()
            leaving.go.set()
            await finishing
    assert (leaving.ended, staying.ended) == ([first.run_id], [second.run_id])
    assert await jobs(hall) == []


async def test_a_turn_that_takes_too_long_is_put_back_and_others_are_told(hall, org):
    asked = await hall.ask(org)
    leaving, staying = Taken(hall), Taken(hall)
    leaving.go.clear()
    async with working(hall, leaving, heartbeat_s=60) as worker:
        await until(lambda: have_begun(leaving, 1))
        async with working(hall, staying, heartbeat_s=60):
            await worker.finish(0.05)
            await worker.stop()
            await until(lambda: have_begun(staying, 1), within=10)
            await staying.has_ended(1)
    assert (leaving.ended, staying.ended) == ([], [asked.run_id])


async def test_who_takes_nothing_leaves_at_once(hall, org):
    idle = Taken(hall)
    async with bounded(10), working(hall, idle) as worker:
        await worker.finish(60)
    assert idle.begun == []


async def test_turns_that_nobody_has_begun_are_counted_until_somebody_does(hall, org):
    """The figure by which workers are added (deploy/kubernetes/workers.yaml)."""
    assert await count_waiting(hall.db) == 0
    for _ in range(2):
        await hall.ask(org)
    assert await count_waiting(hall.db) == 2
    taking = Taken(hall)
    taking.go.clear()
    async with working(hall, taking):
        await until(lambda: have_begun(taking, 2))
        assert await count_waiting(hall.db) == 0, "under way they wait no longer"
        taking.go.set()
        await taking.has_ended(2)
