"""What was said elsewhere is taken in while messages live in Kafka: topic and database agree where it stands."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from crewhall.adapters.kafka.message_log import KafkaMessageLog
from crewhall.adapters.kafka.projection import Batch
from crewhall.kernel.actor import system_actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from tests.log.engines import AUTHOR, kafka_settings
from tests.log.ground import Ground, end_of, ground_on
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.waiting import until as until_async


@pytest.fixture(scope="module")
async def ground(cluster: SharedCluster, broker: SharedBroker, worker_id: str) -> AsyncIterator[Ground]:
    async with ground_on(cluster.clone(f"past_{worker_id}"), kafka_settings(broker.bootstrap)) as made:
        yield made


def past(count: int) -> str:
    return json.dumps([
        {"i": n, "id": str(new_id()), "type": "message", "author": str(AUTHOR.id), "author_name": "Ada",
         "content": f"p{n}", "at": "2099-01-01T00:00:00Z"}
        for n in range(count)
    ])  # fmt: skip


async def test_what_is_taken_in_as_past_goes_to_the_topic_before_anything_else(ground: Ground) -> None:
    engine = ground.engine
    conversation = await engine.conversation()
    await engine.log.append(engine.record(conversation, "first"))
    async with ground.db.transaction(system_actor(engine.org)) as tx:
        await engine.log.retire(tx, engine.org, conversation)
        await tx.run("select take_past(%(id)s, %(past)s)", {"id": conversation, "past": past(3)})
    async with ground.db.transaction(system_actor(engine.org)) as tx:
        await engine.log.reopen(tx, engine.org, conversation)
    assert (await engine.log.append(engine.record(conversation, "last"))).seq == 5
    assert [content for _, content in await engine.contents(conversation)] == ["first", "p0", "p1", "p2", "last"]
    assert await end_of(ground, conversation) == 5  # what was there before stands there once
    said = await ground.rebuild(conversation)
    assert (said.records, said.is_equal) == (5, True)


@pytest.mark.parametrize("reopened", [False, True])
async def test_what_is_written_after_the_past_and_was_sent_before_it_is_refused(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, reopened: bool
) -> None:
    """It would have one place in the topic and another in the database."""
    engine = ground.engine
    conversation = await engine.conversation()
    await engine.log.append(engine.record(conversation, "first"))
    stands, goes, write = asyncio.Event(), asyncio.Event(), Batch.write

    async def slow(self: Batch, connection: Any, process: str) -> Any:
        if any(record.content == "late" for record in self.records):
            stands.set()
            await goes.wait()
        return await write(self, connection, process)

    monkeypatch.setattr(Batch, "write", slow)
    assert isinstance(engine.log, KafkaMessageLog)
    monkeypatch.setattr(engine.log._deadlines, "_patience_s", 90)  # it waits until its batch goes, on any machine
    posting = asyncio.create_task(engine.log.append(engine.record(conversation, "late", client_id="l")))
    await stands.wait()
    async with ground.db.transaction(system_actor(engine.org)) as tx:
        await engine.log.retire(tx, engine.org, conversation)
        await tx.run("select take_past(%(id)s, %(past)s)", {"id": conversation, "past": past(2)})
    if reopened:
        async with ground.db.transaction(system_actor(engine.org)) as tx:
            await engine.log.reopen(tx, engine.org, conversation)

        async def is_filled() -> bool:
            return await end_of(ground, conversation) == 4

        await until_async(is_filled)
    goes.set()
    with pytest.raises(CrewhallError) as refused:
        await posting
    assert refused.value.code == "conversation_closed"
    if not reopened:
        async with ground.db.transaction(system_actor(engine.org)) as tx:
            await engine.log.reopen(tx, engine.org, conversation)
    assert (await engine.log.append(engine.record(conversation, "last"))).seq == 4
    assert [content for _, content in await engine.contents(conversation)] == ["first", "p0", "p1", "last"]
    said = await ground.rebuild(conversation)
    assert (said.records, said.is_equal) == (4, True)
