"""An installation moves to Kafka and back, its process is killed in the middle again and again: nothing is lost."""

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from crewhall.adapters.kafka.rebuild import coverage, rebuild
from crewhall.adapters.kafka.settings import LogEngine, LogSettings
from crewhall.adapters.kafka.status import LogStatus, status
from crewhall.kernel.postgres import DatabaseUrls
from crewhall.kernel.postgres.urls import DATABASE
from crewhall.ports.message_log import RecordType
from scripts.broker import Broker
from tests.log.engines import Engine, found, running
from tests.log.ground import leave
from tests.support.site import Site
from tests.support.waiting import until

CONVERSATIONS, SAID, KILLS = 6, 2_000, 4
CONTENT = """
select r.conversation_id, count(*), md5(string_agg((to_jsonb(r) - 'position')::text, '' order by r.seq))
from message_records r group by 1 order by 1
"""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    home = Path(tempfile.mkdtemp(prefix="crewhall-moving-"))
    made = Site(home / "home")
    try:
        yield made
    finally:
        await made.close()
        shutil.rmtree(home, ignore_errors=True)


class Database:
    """What the site's database says, while it runs."""

    def __init__(self, site: Site) -> None:
        url = site.postgres.superuser_url(DATABASE)
        self.urls = DatabaseUrls(url, url, url)

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.urls.admin, autocommit=True)

    def content(self) -> list[Any]:
        with self.connect() as connection:
            return connection.execute(CONTENT).fetchall()

    async def status(self, settings: LogSettings) -> LogStatus | None:
        try:
            with self.connect() as connection:
                return await status(connection, settings)
        except psycopg.OperationalError:  # it has been killed, too, or is about to start
            return None


async def say_much(urls: DatabaseUrls) -> None:
    """Messages, and what is laid over some of them."""
    async with running(urls, LogSettings()) as (parts, db, _):
        engine = Engine(parts.log, db)
        await found(db, engine.org)
        for _ in range(CONVERSATIONS):
            conversation = await engine.conversation()
            records = [engine.record(conversation, f"m{n}", client_id=f"c{n}") for n in range(SAID)]
            await asyncio.gather(*(engine.log.append(record) for record in records))
            for type_ in (RecordType.EDIT, RecordType.REACTION, RecordType.DELETION):
                overlay = engine.record(conversation, "👍")
                overlay.type, overlay.target_id = type_, records[len(records) // 2].id
                await engine.log.append(overlay)


@pytest.mark.rule("A4", "X1")
@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_move_that_is_killed_again_and_again_loses_nothing(site: Site, own_broker: Broker) -> None:
    await site.server.start()
    database = Database(site)
    await say_much(database.urls)
    original = database.content()
    await site.server.stop()
    settings = LogSettings(log=LogEngine.KAFKA, kafka_bootstrap=own_broker.bootstrap)
    site.server.see(CREWHALL_LOG="kafka", CREWHALL_KAFKA_BOOTSTRAP=own_broker.bootstrap)
    looking = settings.model_copy(update={"kafka_bootstrap": ""})  # copying is quicker than Kafka answers
    seed = int(os.environ.get("CREWHALL_TEST_SEED") or random.randrange(2**32))
    print(f"CREWHALL_TEST_SEED={seed}")
    chance = random.Random(seed)
    copied, in_the_middle = 0, 0
    for _ in range(KILLS):
        site.server.launch()
        copied += chance.randint(1, CONVERSATIONS * SAID // KILLS)

        async def has_copied(wanted: int = copied) -> LogStatus | None:
            shown = await database.status(looking)
            if shown is None or shown.engine is LogEngine.POSTGRES or not shown.conversations + shown.to_copy:
                return None
            return shown if CONVERSATIONS * SAID - shown.records_to_copy >= wanted or not shown.to_copy else None

        shown = await until(has_copied, within=90)
        await site.server.kill()
        in_the_middle += shown.to_copy > 0
    await site.server.start()

    async def is_settled() -> bool:
        shown = await database.status(settings)
        return shown is not None and shown.is_settled

    await until(is_settled, within=90)
    assert database.content() == original
    with database.connect() as connection:
        proofs = [one async for one in rebuild(connection, settings)]
        covered = coverage(connection)
    assert (covered.not_yet, [one for one in proofs if not one.is_equal]) == (0, [])
    assert sum(one.records for one in proofs) == sum(count for _, count, _ in original)
    assert in_the_middle, "no kill came in the middle"
    print(f"{in_the_middle} of {KILLS} kills in the middle of {sum(one.records for one in proofs)} records")

    await site.server.stop()
    lent = site.postgres  # nobody else keeps it running meanwhile
    await asyncio.to_thread(lent.start)
    left = await leave(database.urls, settings)
    assert left.partitions == len(proofs)
    brought_back = database.content()
    await asyncio.to_thread(lent.release)
    assert brought_back == original
    site.server.see(CREWHALL_LOG="postgres")
    await site.server.start()
    token = await site.sign_in()
    channel = await site.call(token, "POST", "/conversations", kind="channel", name="after")
    said = await site.call(token, "POST", f"/conversations/{channel['id']}/messages", content="on Postgres again")
    assert said["seq"] == 1
