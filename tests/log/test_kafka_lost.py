"""A topic that somebody deleted at the brokers: it shows, others go on, and nothing that was acknowledged is lost."""

import psycopg
import pytest
from aiokafka.admin import NewTopic

from crewhall.adapters.kafka import producing, projector
from crewhall.adapters.kafka.client import make_admin
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.kafka.status import LogStatus, status
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres import DatabaseUrls
from tests.log.engines import kafka_settings
from tests.log.ground import Ground, ground_on, leave, returning, until
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker


@pytest.fixture
def urls(cluster: SharedCluster, worker_id: str) -> DatabaseUrls:
    return cluster.clone(f"lost_{worker_id}")


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits as long as the product does for what does not come."""
    monkeypatch.setattr(projector, "LOST_S", 1.0)
    monkeypatch.setattr(projector, "FOUND_S", 0.1)
    monkeypatch.setattr(producing, "STOP_S", 0.2)


async def delete_at_kafka(settings: LogSettings, topic: str) -> None:
    admin = make_admin(settings)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()


async def status_of(ground: Ground) -> LogStatus:
    with psycopg.connect(ground.urls.admin, autocommit=True) as connection:
        return await status(connection, ground.settings)


@pytest.mark.rule("A4")
@pytest.mark.parametrize("shared", [0, 1])
async def test_a_topic_that_was_deleted_shows_and_is_made_anew_by_moving(
    urls: DatabaseUrls, broker: SharedBroker, shared: int
) -> None:
    settings = kafka_settings(broker.bootstrap, shared=shared)
    async with ground_on(urls, settings) as ground:
        engine = ground.engine
        lost, other = await engine.conversation(), await engine.conversation()
        for one in (lost, other):
            await engine.log.append(engine.record(one, "before"))
        topic, partition = ground.topic(lost)
        assert not (await status_of(ground)).lost
        await delete_at_kafka(settings, topic)
        await until(lambda: engine.log.state().stopped)
        (stopped,) = engine.log.state().stopped
        assert stopped.startswith(f"{topic}/{partition}: Kafka has no such topic any more")
        await until(lambda: engine.log.state().lag == 0)
        assert (await status_of(ground)).lost == [topic]
        if not shared:
            assert (await engine.log.append(engine.record(other, "goes on"))).seq == 2
            ground.parts.log._deadlines._patience_s = 0.5  # type: ignore[union-attr]
            with pytest.raises(CrewhallError) as refused:
                await engine.log.append(engine.record(lost, "nowhere"))
            assert refused.value.code == "log_behind"
        assert await engine.contents(lost) == [(1, "before")]

    async with returning(urls, settings, engine.org) as ground:  # who starts later finds it gone, too
        await until(lambda: ground.engine.log.state().stopped)  # the shared one is there again, without what was read
        assert ground.engine.log.state().stopped[0].startswith(f"{topic}/{partition}: Kafka ")
    if not shared:
        with pytest.raises(CrewhallError, match="with --lost"):
            await leave(urls, settings)
    left = await leave(urls, settings, lost=True)
    assert (left.partitions, topic in left.topics) == (1, bool(shared))
    async with returning(urls, settings, engine.org) as ground:
        for one, last in ((lost, 1), (other, 1 if shared else 2)):
            assert (await ground.engine.log.append(ground.engine.record(one, "after"))).seq == last + 1
            assert (await ground.rebuild(one)).is_equal
        assert not ground.engine.log.state().stopped


async def test_a_conversation_that_is_deleted_takes_its_topic_along_and_stops_nothing(
    urls: DatabaseUrls, broker: SharedBroker
) -> None:
    async with ground_on(urls, kafka_settings(broker.bootstrap)) as ground:
        conversation, other = await ground.engine.conversation(), await ground.engine.conversation()
        await ground.engine.log.append(ground.engine.record(conversation))
        ground.query("update conversations set status = 'deleted', deleted_at = now() where id = %s", conversation)
        await until(lambda: not ground.query("select from log_topics where conversation_id = %s", conversation))
        await ground.engine.log.append(ground.engine.record(other))
        assert ground.engine.log.state().stopped == []


async def test_a_topic_that_is_there_again_is_read_on_from_where_it_was_left(
    urls: DatabaseUrls, broker: SharedBroker
) -> None:
    settings = kafka_settings(broker.bootstrap)
    async with ground_on(urls, settings) as ground:
        state, conversation = ground.engine.log.state, await ground.engine.conversation()
        await ground.engine.log.append(ground.engine.record(conversation))
        topic, _ = ground.topic(conversation)
        await delete_at_kafka(settings, topic)
        await until(lambda: any("no such topic" in one for one in state().stopped))
        admin = make_admin(settings)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(topic, 1, 1)])
        finally:
            await admin.close()
        await until(lambda: any("does not have offset 1" in one for one in state().stopped))  # it has nothing of before
