"""Every process of a cluster is replaced under load: nobody notices more than a connection that is made anew."""

import asyncio
import os
import random
from collections import Counter

import psycopg
import pytest

from crewhall.kernel.postgres.urls import DATABASE
from scripts.broker import Broker
from tests.support.cluster import Cluster, running
from tests.support.load import load_on
from tests.support.said import last_words
from tests.support.site import Site

CONNECTIONS = """
select application_name, count(*) from pg_stat_activity where usename = 'crewhall_app' group by application_name
"""
POOL, LOG, SIGNALS, TURNS, PROJECTOR, TOPICS = 10, 1, 1, 2, 1, 1
"""Connections that docs/scaling.md gives a process: a server has no turns, a projector alone projects."""


def connections(site: Site) -> Counter[str]:
    """How many connections the application has, by what they are for."""
    with psycopg.connect(site.postgres.superuser_url(DATABASE)) as connection:
        return Counter(dict(connection.execute(CONNECTIONS).fetchall()))


async def watch_budget(cluster: Cluster, most: Counter[str]) -> None:
    """Note the most connections that were ever open at once."""
    while True:
        most |= await asyncio.to_thread(connections, cluster.site)
        await asyncio.sleep(0.05)


def keeps_budget(cluster: Cluster, most: Counter[str]) -> None:
    processes = len(cluster.processes)
    assert most["crewhall"] <= POOL * processes
    assert most["crewhall-log"] <= LOG * processes
    assert most["crewhall-signals"] <= SIGNALS * processes
    assert 0 < most["crewhall-turns"] <= TURNS * len(cluster.workers)
    assert most["crewhall-projector"] <= PROJECTOR * len(cluster.projectors)
    assert most["crewhall-topics"] <= TOPICS * len(cluster.projectors)
    assert bool(most["crewhall-projector"]) == bool(cluster.projectors)
    named = {"crewhall", "crewhall-log", "crewhall-signals", "crewhall-turns", "crewhall-projector", "crewhall-topics"}
    assert set(most) <= named, "a connection that no page counts"


async def replaced_one_after_the_other(site: Site, broker: Broker | None = None) -> None:
    """Replace each process under load, and look at the whole history."""
    seed = int(os.environ.get("CREWHALL_TEST_SEED") or random.randrange(2**32))
    most: Counter[str] = Counter()
    async with running(site, broker) as cluster, load_on(site, seed, through=cluster) as load:
        watching = asyncio.create_task(watch_budget(cluster, most))
        for process in cluster.processes:
            await load.progress(150)
            assert await process.stop() == 0, last_words(process.log)
            await load.progress(50)  # while it is away the others do
            await process.start()
        await load.progress(150)
        watching.cancel()
    keeps_budget(cluster, most)
    print(f"{len(load.history.acks)} posts acknowledged, connections {dict(most)}")


@pytest.mark.rule("X1", "X2", "C5")
@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_a_rolling_restart_under_load_loses_and_doubles_nothing(site: Site):
    await replaced_one_after_the_other(site)


@pytest.mark.rule("X1", "X2", "C5", "A4")
@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_rolling_restart_of_all_kinds_on_kafka_loses_and_doubles_nothing(kafka_site: Site, own_broker: Broker):
    await replaced_one_after_the_other(kafka_site, own_broker)
