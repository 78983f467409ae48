"""What a deleted conversation leaves in a topic that conversations share, and how it is got rid of."""

from uuid import UUID

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from crewhall.adapters.kafka.rebuild import Rebuilt, rebuild
from crewhall.kernel.actor import ActorType, system_actor
from crewhall.kernel.postgres import DatabaseUrls
from crewhall.ports.message_log import Author, NewRecord
from crewhall.work import purge_deleted
from tests.conversations.ways import post
from tests.log.engines import kafka_settings
from tests.log.ground import Ground, ground_on, leave, returning, until
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.server import Server


@pytest.fixture
def urls(cluster: SharedCluster, worker_id: str) -> DatabaseUrls:
    return cluster.clone(f"shared_{worker_id}")


async def rebuilt(ground: Ground) -> list[Rebuilt]:
    with psycopg.connect(ground.urls.admin, autocommit=True) as connection:
        return [one async for one in rebuild(connection, ground.settings, repair=True)]


async def said_in(topic: str, bootstrap: str) -> set[str]:
    """The conversations of which a topic has records: their keys."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found = set()
    try:
        await consumer._client._wait_on_metadata(topic)
        places = [TopicPartition(topic, one) for one in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for place, end in ends.items():
            while await consumer.position(place) < end:
                found |= {one.key.decode() for one in (await consumer.getmany(place, timeout_ms=1000)).get(place, [])}
    finally:
        await consumer.stop()
    return found


async def delete(ground: Ground, conversation: UUID) -> None:
    """Delete a conversation, and what the database has of it, as if it was purged."""
    async with ground.db.transaction(system_actor(ground.engine.org)) as tx:
        await tx.run(
            "update conversations set deleted_at = now(), status = 'deleted' where id = %(id)s", {"id": conversation}
        )
    await until(lambda: not ground.query("select 1 from log_topics where conversation_id = %s", conversation))
    ground.query("alter table message_records disable trigger user")
    ground.query("delete from message_records where conversation_id = %s", conversation)
    ground.query("alter table message_records enable trigger user")


@pytest.mark.rule("A3", "A4")
async def test_a_deleted_conversation_does_not_come_back_and_is_gone_with_the_former_topic(
    urls: DatabaseUrls, broker: SharedBroker
) -> None:
    settings = kafka_settings(broker.bootstrap, shared=2)
    async with ground_on(urls, settings) as ground:
        engine = ground.engine
        kept, deleted = [await engine.conversation() for _ in range(2)], await engine.conversation()
        for n in range(3):
            for one in (*kept, deleted):
                await engine.log.append(engine.record(one, f"m{n}"))
        topic, _ = ground.topic(kept[0])
        await delete(ground, deleted)
        assert await said_in(topic, broker.bootstrap) == {str(one) for one in (*kept, deleted)}  # it is a log
        assert {one.conversation_id for one in await rebuilt(ground)} == set(kept)
    async with returning(urls, settings, engine.org) as ground:
        assert (await ground.engine.log.append(ground.engine.record(kept[0], "later"))).seq == 4
        assert all(one.is_equal for one in await rebuilt(ground))
        assert ground.query("select 1 from message_records where conversation_id = %s", deleted) == []
    assert (await leave(urls, settings)).topics == [topic]
    async with returning(urls, settings, engine.org) as ground:
        for one, last in zip(kept, (4, 3), strict=True):
            assert (await ground.engine.log.append(ground.engine.record(one, "again"))).seq == last + 1
        again, _ = ground.topic(kept[0])
        assert again != topic
        assert await said_in(again, broker.bootstrap) == {str(one) for one in kept}
        assert [(one.records, one.is_equal) for one in await rebuilt(ground)] in (
            [(5, True), (4, True)],
            [(4, True), (5, True)],
        )
        assert ground.query("select 1 from message_records where conversation_id = %s", deleted) == []


@pytest.mark.rule("A3", "D11")
async def test_what_a_purged_agent_was_told_stays_in_a_shared_topic_and_is_read_by_nobody(
    urls: DatabaseUrls, broker: SharedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = kafka_settings(broker.bootstrap, shared=1)
    for name, value in (("LOG", "kafka"), ("KAFKA_TOPICS", "shared"), ("KAFKA_PARTITIONS", "1")):
        monkeypatch.setenv(f"CREWHALL_{name}", value)
    monkeypatch.setenv("CREWHALL_KAFKA_BOOTSTRAP", broker.bootstrap)
    monkeypatch.setenv("CREWHALL_KAFKA_PREFIX", settings.kafka_prefix)
    with psycopg.connect(urls.admin, autocommit=True) as operator:
        async with Server(urls) as server:
            org = await server.make_org()
            agent, general = await server.hire(org), await server.general(org)
            inbox = UUID(agent.inbox_id)
            ada = Author(ActorType.USER, org.owner.id, "Ada")
            await server.hub._log.append(
                NewRecord(org_id=org.id, conversation_id=inbox, author=ada, content="for the agent")
            )
            (await org.owner.api.delete(f"/agents/{agent.id}", params={"confirm": agent.code})).raise_for_status()
            assert purge_deleted(operator, "agent", UUID(agent.id))["conversations"] == 1
            await until(
                lambda: not operator.execute("select from log_topics where conversation_id = %s", (inbox,)).fetchall()
            )
            assert (await post(org.owner, general, "goes on"))["seq"]
            ((topic, read),) = operator.execute("select topic, next_offset from log_partitions").fetchall()
            assert read > 0
            assert str(inbox) in await said_in(topic, broker.bootstrap)
            proofs = [one async for one in rebuild(operator, settings, repair=True)]
            assert inbox not in {one.conversation_id for one in proofs}
            assert UUID(general) in {one.conversation_id for one in proofs}
            assert all(one.is_equal for one in proofs)
            assert server.services.log.state().stopped == []
        records = operator.execute("select from message_records where conversation_id = %s", (inbox,)).fetchall()
        assert records == []
