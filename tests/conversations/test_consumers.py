import asyncio

import psycopg
import pytest

from crewhall.conversations.consumers import Consumer
from crewhall.kernel.telemetry import METRICS
from tests.conversations.ways import all_derived, caught_up, post
from tests.support.waiting import until


class Feed:
    """Wakes consumers, as the log does."""

    def __init__(self):
        self.watchers = []

    def watch(self, watcher):
        self.watchers.append(watcher)

    def advance(self):
        for watcher in self.watchers:
            watcher(None)


async def settle():
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_consumer_works_at_start_and_when_woken_and_never_while_idle(server):
    await all_derived(server.db)
    feed, steps = Feed(), []

    async def step():
        steps.append(1)
        return 0

    consumer = Consumer("search", server.db, feed.watch, step)
    consumer.start()
    try:
        await until(lambda: asyncio.sleep(0, len(steps) == 1))
        await settle()
        assert len(steps) == 1
        feed.advance()
        await until(lambda: asyncio.sleep(0, len(steps) == 2))
        await settle()
        assert len(steps) == 2
    finally:
        await consumer.stop()


async def test_a_consumer_goes_on_until_nothing_is_left_and_after_errors(server):
    await all_derived(server.db)
    feed, outcomes = Feed(), [500, psycopg.OperationalError("gone"), 500, OSError("away"), 3]

    async def step():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    consumer = Consumer("search", server.db, feed.watch, step)
    consumer.start()
    try:
        await until(lambda: asyncio.sleep(0, not outcomes))
    finally:
        await consumer.stop()


async def test_a_consumer_woken_before_the_horizon_moved_tries_again(server, org):
    """A transaction that is still open hides later records from consumers: they are not forgotten."""
    general = await server.general(org)
    async with await psycopg.AsyncConnection.connect(server._urls.app) as held:
        await held.execute("select pg_current_xact_id()")
        await post(org.owner, general, "pelican")
        found = await org.owner.api.get("/search", params={"q": "pelican"})
        assert found.json()["items"] == []
        await held.rollback()

    async def hits():
        return (await org.owner.api.get("/search", params={"q": "pelican"})).json()["items"]

    assert [hit["content"] for hit in await until(hits)] == ["pelican"]


async def test_two_processes_derive_each_record_once(server, org):
    general = await server.general(org)
    for number in range(30):
        await post(org.owner, general, f"toucan {number}")
    async with server.db.transaction(None) as tx:
        await tx.run("update consumer_checkpoints set position = 0, seq = 0 where consumer = 'search'")

    async def derive():
        async with server.db.transaction(None) as tx:
            return await tx.value("select derive_search(10)")

    await asyncio.gather(*(derive() for _ in range(6)))
    await post(org.owner, general, "toucan last")
    await caught_up(server.db, "search")
    found = (await org.owner.api.get("/search", params={"q": "toucan", "limit": 100})).json()["items"]
    assert len(found) == 31


@pytest.mark.parametrize("name", ["search", "turns"])
async def test_the_lag_is_measured(server, org, name):
    await post(org.owner, await server.general(org))
    await caught_up(server.db, name)

    async def is_known():
        return METRICS.get_sample_value("crewhall_consumer_lag_seconds", {"consumer": name}) is not None

    assert await until(is_known)
