"""The projector lets the database think anew how to find records while their table grows."""

import asyncio
from typing import Any

import pytest

from crewhall.adapters.kafka.asking import connect
from crewhall.adapters.kafka.projector import FIRST_PLANS
from tests.log.engines import engine_on, kafka_settings
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker

RECORDS = 4 * FIRST_PLANS


async def test_plans_are_made_anew_each_time_that_there_are_twice_as_many_records(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str, monkeypatch: pytest.MonkeyPatch
):
    planned_at: list[int] = []
    written = 0

    async def watched(*about: str) -> Any:
        connection = await connect(*about)
        execute = connection.execute

        async def watch(sql: Any, *rest: Any, **options: Any) -> Any:
            if sql == "discard plans":
                planned_at.append(written)
            return await execute(sql, *rest, **options)

        monkeypatch.setattr(connection, "execute", watch)
        return connection

    monkeypatch.setattr("crewhall.adapters.kafka.projector.connect", watched)
    urls = cluster.clone(f"plans_{worker_id}")
    async with engine_on(urls, kafka_settings(broker.bootstrap)) as engine:
        conversation = await engine.conversation()
        for first in range(0, RECORDS, FIRST_PLANS // 4):
            records = [engine.record(conversation, f"{n}") for n in range(first, first + FIRST_PLANS // 4)]
            await asyncio.gather(*[engine.log.append(record) for record in records])
            written = first + len(records)
        assert len(await engine.contents(conversation)) == RECORDS
    assert 2 <= len(planned_at) <= 3  # at 64, 128 and 256, or a batch later
    assert planned_at[0] >= FIRST_PLANS // 2
