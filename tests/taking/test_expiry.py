"""What nobody decides runs out by a timer of its own; each change is told to the pages that are open."""

import asyncio

import pytest

from crewhall.runtime.expiry import ApprovalClock
from tests.support.openai import Say, Use
from tests.support.waiting import bounded
from tests.taking.deciding import ROME, waiting
from tests.taking.test_approvals import asked_for, org

__all__ = ["org"]


@pytest.fixture
async def clock(hall):
    running = ApprovalClock(hall.db, hall.signals, hall.live)
    running.start()
    yield running
    await running.stop()


@pytest.mark.rule("X5")
async def test_it_sleeps_until_the_next_runs_out_and_lets_the_turn_go_on(hall, org, model, clock):
    asked, approval = await asked_for(hall, org, model, Use([("weather", ROME)]), Say("Nobody said."))
    for seconds in (100, 0.2):
        sql = "update approvals set expires_at = now() + make_interval(secs => %(secs)s) where id = %(id)s"
        async with hall.db.transaction(org.owner.actor) as tx:
            await tx.run(sql, {"id": approval.id, "secs": seconds})
        if seconds == 100:
            assert 0 < (await clock.expire_due() or 0) <= seconds
    clock._timer.stir()
    async with bounded(10):
        while (await waiting(asked))[0].status == "waiting":
            await asyncio.sleep(0.02)
    (run_out,) = await waiting(asked)
    assert (run_out.status, run_out.reason, run_out.decided_by) == ("expired", "expired", None)
    assert (await asked.run()).status == "queued"
    told = [frame.fields for _, frame in hall.live.emitted if frame.event == "approval"]
    assert [one["status"] for one in told if one["approval"] == str(approval.id)][-1] == "expired"
    assert (await asked.take()).reason == "answered"
    assert await clock.expire_due() is None or await clock.expire_due() > 3600
