"""Records of several organizations are written in one transaction, and each organization sees its own alone."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from crewhall.adapters.kafka.projection import Batch
from crewhall.adapters.kafka.records import encode_record
from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from tests.log.engines import Engine, found, kafka_settings
from tests.log.ground import ground_on, until
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker

EACH = 4


@pytest.mark.rule("B1", "A4")
async def test_organizations_share_a_batch_and_nothing_else(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[set[UUID]] = []
    goes, write = asyncio.Event(), Batch.write

    async def noted(self: Batch, connection: Any, process: str) -> Any:
        await goes.wait()
        batches.append({record.org_id for record in self.records})
        return await write(self, connection, process)

    settings = kafka_settings(broker.bootstrap, shared=1)
    async with ground_on(cluster.clone(f"tenants_{worker_id}"), settings) as ground:
        ours, theirs = ground.engine, Engine(ground.engine.log, ground.db)
        await found(ground.db, theirs.org)
        here, there = await ours.conversation(), await theirs.conversation()
        monkeypatch.setattr(Batch, "write", noted)
        forged = msgspec.structs.replace(ours.record(there, "from outside"), org_id=ours.org)
        records = [engine.record(one, f"{n}") for n in range(EACH) for engine, one in ((ours, here), (theirs, there))]
        for record in (*records, forged, ours.record(here, "last")):
            await ground.send(here, encode_record(record, utc_now()))
        goes.set()
        said = [(n + 1, f"{n}") for n in range(EACH)]
        total = len(records) + 2
        await until(lambda: ground.query("select from log_partitions where next_offset = %s", total))
        assert await ours.contents(here) == [*said, (EACH + 1, "last")]
        assert await theirs.contents(there) == said
        assert {ours.org, theirs.org} in batches, "no batch had both"
        assert await ours.log.read(ours.org, there, after=0, limit=9) == []
        for org, one, sees in ((ours.org, here, EACH + 1), (ours.org, there, 0), (theirs.org, here, 0)):
            async with ground.db.transaction(system_actor(org)) as tx:
                counted = await tx.value(
                    "select count(*) from message_records where conversation_id = %(id)s", {"id": one}
                )
            assert counted == sees
        assert ground.query("select from message_records where id = %s", forged.id) == []
