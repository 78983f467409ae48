"""Kafka that does not answer: nothing is bound to it, and what stands behind a failure goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from crewhall.adapters.kafka import message_log, producing
from crewhall.adapters.kafka.client import KAFKA_AWAY
from crewhall.adapters.kafka.producing import Producing
from crewhall.adapters.postgres.batch import Pending
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.ports.memory_log import MemoryMessageLog
from tests.log.engines import Engine, kafka_settings, running
from tests.log.ground import ground_on, returning
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.site import quiet_port
from tests.support.waiting import until as until_async


async def test_an_installation_is_not_bound_to_a_kafka_that_does_not_answer(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str
) -> None:
    urls = cluster.clone(f"away_{worker_id}")
    with pytest.raises(CrewhallError) as away:
        async with running(urls, kafka_settings(f"127.0.0.1:{quiet_port()}")):
            pytest.fail("nobody answers there")
    assert away.value.code == "kafka_away"
    db = Database(urls.app, pool_size=1)
    await db.open()
    async with db.transaction(None) as tx:
        assert await tx.value("select log_engine from installation") == "postgres"
    await db.close()


async def test_what_stands_behind_a_record_that_could_not_be_sent_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    producing, sent = Producing(kafka_settings("127.0.0.1:1")), []

    class Fake:
        async def send(self, *_: object, **__: object) -> asyncio.Future[None]:
            sent.append(1)
            return asyncio.get_running_loop().create_future()

    async def away() -> Fake:
        if not sent:
            sent.append(0)
            raise KAFKA_AWAY("Kafka cannot be reached.")
        return Fake()

    monkeypatch.setattr(producing, "_ready", away)
    engine = Engine(MemoryMessageLog())
    waiting = [
        Pending(engine.record(new_id(), f"m{n}"), asyncio.get_running_loop().create_future(), 1) for n in range(2)
    ]
    for pending in waiting:
        producing.send(("topic", 0), pending)
    await until_async(_is(sent, [0, 1]))
    with pytest.raises(CrewhallError, match="did not take"):
        await waiting[0].future
    assert not waiting[1].future.done()


def _is(found: list[int], wanted: list[int]) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return found == wanted

    return asked


async def test_a_topic_that_somebody_deleted_is_said_to_be_behind_and_holds_up_no_other(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the brokers, past the product, which keeps what was acknowledged, and starts as ever."""
    monkeypatch.setattr(message_log, "PATIENCE_S", 2.0)
    monkeypatch.setattr(producing, "STOP_S", 0.5)
    clients = _clients()
    urls, settings = cluster.clone(f"gone_{worker_id}"), kafka_settings(broker.bootstrap)
    async with ground_on(urls, settings) as ground:
        engine = ground.engine
        gone, other = await engine.conversation(), await engine.conversation()
        for conversation in (gone, other):
            await engine.log.append(engine.record(conversation, "before"))
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
        await admin.start()
        await admin.delete_topics([ground.topic(gone)[0]])
        await admin.close()
        await _is_behind_alone(engine, gone, other, "while")
    async with returning(urls, settings, engine.org) as ground:
        await _is_behind_alone(ground.engine, gone, other, "after")
        assert await ground.engine.contents(other) == [(1, "before"), (2, "while"), (3, "after")]
        assert await ground.engine.contents(gone) == [(1, "before")]
    assert _clients() == clients, "whoever cannot send what it has is closed all the same"


def _clients() -> int:
    """How many of Kafka's clients live: each has a task that asks for news of the brokers."""
    return sum("_md_synchronizer" in str(one.get_coro()) for one in asyncio.all_tasks())


async def _is_behind_alone(engine: Engine, gone: UUID, other: UUID, words: str) -> None:
    waits = asyncio.create_task(engine.log.append(engine.record(gone, words)))
    await asyncio.sleep(0)
    await engine.log.append(engine.record(other, words))
    assert not waits.done()
    with pytest.raises(CrewhallError) as refused:
        await waits
    assert refused.value.code in {"log_behind", "kafka_away"}
