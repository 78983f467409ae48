"""Kafka is the log, and processes are killed under load: of the product, of its Postgres, of Kafka itself."""

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from crewhall.adapters.kafka.rebuild import rebuild
from crewhall.adapters.kafka.settings import LogEngine, LogSettings
from crewhall.kernel.postgres.urls import DATABASE
from scripts.broker import Broker
from tests.crash.rounds import kill_on
from tests.support.effort import EFFORT
from tests.support.load import load_on
from tests.support.site import Site

KINDS = ["server", "broker", "postmaster", "backend", "postgres"]


@pytest.fixture
async def kafka_site(own_broker: Broker) -> AsyncIterator[Site]:
    home = Path(tempfile.mkdtemp(prefix="crewhall-kafka-"))
    made = Site(home / "home", CREWHALL_LOG="kafka", CREWHALL_KAFKA_BOOTSTRAP=own_broker.bootstrap)
    try:
        yield made
    finally:
        await made.close()
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.rule("X1", "X2", "A4")
@pytest.mark.slow
@pytest.mark.timeout(400 * EFFORT)
async def test_what_is_acknowledged_survives_kills_and_is_what_the_topics_say(
    kafka_site: Site, own_broker: Broker
) -> None:
    seed = int(os.environ.get("CREWHALL_TEST_SEED") or random.randrange(2**32))
    kinds = KINDS * EFFORT
    random.Random(seed).shuffle(kinds)
    await kafka_site.server.start()
    async with load_on(kafka_site, seed) as load:
        for kind in kinds:
            if kind == "broker":
                await load.progress(load.random.randint(1, 200))
                own_broker.kill()
                await asyncio.to_thread(own_broker.start)
                await load.progress(200)
            else:
                await kill_on(load, kind)
        await load.progress(100)
    print(f"{len(kinds)} rounds {kinds}, {len(load.history.acks)} posts acknowledged")
    settings = LogSettings(log=LogEngine.KAFKA, kafka_bootstrap=own_broker.bootstrap)
    with psycopg.connect(kafka_site.postgres.superuser_url(DATABASE), autocommit=True) as connection:
        found = [one async for one in rebuild(connection, settings)]
    assert {one.conversation_id for one in found} >= {UUID(one) for one in load.conversations}
    assert [one for one in found if not one.is_equal] == []
    assert sum(one.records for one in found) >= len(load.history.acks)
