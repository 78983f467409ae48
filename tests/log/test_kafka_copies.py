"""Topics keep so many copies that what was acknowledged outlives a broker, and one broker may be away."""

from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from crewhall.adapters.kafka.agent_topics import AgentTopicSettings, KafkaAgentTopics
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.ids import new_id
from crewhall.kernel.postgres import DatabaseUrls
from tests.log.engines import kafka_settings
from tests.log.ground import ground_on
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker


@pytest.fixture
def urls(cluster: SharedCluster, worker_id: str) -> DatabaseUrls:
    return cluster.clone(f"copies_{worker_id}")


@pytest.mark.parametrize("shared", [0, 1])
async def test_topics_of_each_kind_are_made_with_the_copies_that_are_wanted(
    urls: DatabaseUrls, broker: SharedBroker, monkeypatch: pytest.MonkeyPatch, shared: int
) -> None:
    """The one broker of the tests takes no second copy: what it is asked for is noted, and asked for with one."""
    asked: dict[str, tuple[int, str]] = {}
    create = AIOKafkaAdminClient.create_topics

    async def noted(self: AIOKafkaAdminClient, topics: list[Any], **options: Any) -> Any:
        for one in topics:
            asked[one.name] = one.replication_factor, one.topic_configs["min.insync.replicas"]
        for one in topics:
            one.replication_factor, one.topic_configs["min.insync.replicas"] = 1, "1"
        return await create(self, topics, **options)

    monkeypatch.setattr(AIOKafkaAdminClient, "create_topics", noted)
    settings: LogSettings = kafka_settings(broker.bootstrap, shared=shared).model_copy(update={"kafka_replication": 3})
    async with ground_on(urls, settings) as ground:
        await ground.engine.log.append(ground.engine.record(await ground.engine.conversation()))
    topics = KafkaAgentTopics(settings, AgentTopicSettings())
    await topics.make(names := topics.names(new_id()))
    await topics.close()
    assert {names.inbox, names.outbox, names.refused} < set(asked)
    assert len(asked) == 4
    assert set(asked.values()) == {(3, "2")}


@pytest.mark.parametrize(("copies", "in_step"), [(1, 1), (2, 1), (3, 2), (5, 2)])
def test_one_broker_may_be_away_where_copies_are_enough(copies: int, in_step: int) -> None:
    assert LogSettings(kafka_replication=copies).kafka_in_step == in_step
