"""Jobs: taken by whoever is there, one of an agent in a conversation at a time."""

import asyncio

import pytest

from crewhall.runtime.worker import CalmManager
from tests.support.openai import Say
from tests.support.waiting import bounded, until
from tests.taking.takers import Taken, have_begun, none_left, streams, working

pytestmark = pytest.mark.usefixtures("no_jobs")


@pytest.mark.rule("C12")
async def test_what_waits_and_what_comes_is_taken_and_leaves_no_job(hall, org):
    waited = await hall.ask(org)
    taken = Taken(hall)
    async with working(hall, taken) as worker:
        await taken.has_ended(1)
        came = [await hall.ask(org) for _ in range(3)]
        worker.wake()
        await taken.has_ended(4)
        await until(lambda: none_left(hall))
    assert taken.ended == [waited.run_id, *[asked.run_id for asked in came]]
    assert {(await asked.run()).status for asked in [waited, *came]} == {"succeeded"}


async def test_of_one_agent_in_one_conversation_one_turn_is_under_way(hall, org):
    taken = Taken(hall)
    taken.go.clear()
    first = await hall.ask(org)
    async with working(hall, taken) as worker:
        await until(lambda: have_begun(taken, 1))
        async with hall.everything() as connection:  # as if the run had ended, its job not yet
            await connection.execute(
                "update runs set status = 'stopped', completed_at = now() where id = %(id)s", {"id": first.run_id}
            )
            await connection.execute("delete from turn_decisions where run_id = %(id)s", {"id": first.run_id})
        await hall.say(org.owner.actor, first.circle, f"again @{first.agent.name}")
        second = await hall.decided(org, first.circle, first.agent)
        elsewhere = await hall.ask(org)
        worker.wake()
        await until(lambda: have_begun(taken, 2))
        assert taken.begun == [first.run_id, elsewhere.run_id]
        taken.go.set()
        await taken.has_ended(3)
    assert taken.begun[2] == second.run_id


async def test_a_turn_that_breaks_off_is_taken_again(hall, org):
    taken = Taken(hall)
    taken.failures = 1
    asked = await hall.ask(org)
    async with working(hall, taken):
        await taken.has_ended(1)
    assert taken.begun == [asked.run_id] * 2


async def test_a_turn_whose_claim_was_never_answered_is_taken_after_all(hall, org, monkeypatch):
    """The database broke off when it had given the job: this process has it, and does not know of it."""
    fetch, unheard = CalmManager.fetch_job, []

    async def deaf(self, **about):
        job = await fetch(self, **about)
        if job is not None and not unheard:
            unheard.append(job)
            return None
        return job

    monkeypatch.setattr(CalmManager, "fetch_job", deaf)
    taken = Taken(hall)
    asked = await hall.ask(org)
    async with working(hall, taken):
        await taken.has_ended(1)
        await until(lambda: none_left(hall))
    assert (taken.begun, len(unheard)) == ([asked.run_id], 1)


@pytest.mark.rule("C12")
async def test_turns_of_many_go_on_side_by_side(hall, org, model):
    held = asyncio.Event()
    model.script = lambda _request: Say("hi", hold=held)
    asked = [await hall.ask(org) for _ in range(12)]
    async with working(hall, hall.executor.execute):
        await until(lambda: streams(model, 12))
        held.set()
        await until(lambda: none_left(hall))
    assert {(await one.run()).reason for one in asked} == {"answered"}


async def test_a_process_may_leave_turns_to_others(hall, org):
    asked = await hall.ask(org)
    idle, busy = Taken(hall), Taken(hall)
    async with working(hall, idle, at_once=0) as worker, working(hall, busy):
        worker.wake()
        await busy.has_ended(1)
    assert (idle.begun, busy.ended) == ([], [asked.run_id])


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
    async with bounded(20), working(hall, taken):
        await taken.has_ended(1)
    assert len(swallowed) == 2
