"""What is sent to one agent's topics and fails, fails for it alone."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer

from crewhall.adapters.kafka.agent_topics import AgentTopicSettings, KafkaAgentTopics
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.ports.agent_topics import SentRecord
from tests.log.engines import kafka_settings
from tests.support.kafka import SharedBroker

TOO_MUCH = 2 * 1024 * 1024  # for the broker, not for the producer


@pytest.fixture
async def topics(broker: SharedBroker) -> AsyncIterator[KafkaAgentTopics]:
    made = KafkaAgentTopics(kafka_settings(broker.bootstrap), AgentTopicSettings())
    yield made
    await made.close()


async def test_one_agents_failure_is_no_others(topics: KafkaAgentTopics, broker: SharedBroker) -> None:
    """Kafka refuses what one agent gets, while the same producer sends to another without a pause."""
    failing, other = topics.names(new_id()), topics.names(new_id())
    await topics.make(failing)
    await topics.make(other)
    sent: list[str] = []
    has_failed = asyncio.Event()

    async def go_on(writer: int) -> None:
        after = 0
        while after < 5:
            after += has_failed.is_set()
            sent.append(f"{writer}-{len(sent)}")
            await topics.send([_record(other.inbox, sent[-1].encode())])

    async def fail() -> None:
        for _ in range(3):
            with pytest.raises(CrewhallError) as refused:
                await topics.send([_record(failing.outbox, b"x" * TOO_MUCH)])
            assert refused.value.code == "kafka_away"
        has_failed.set()

    await asyncio.gather(*(go_on(writer) for writer in range(4)), fail())
    await topics.send([_record(failing.outbox, b"small")])
    assert sorted(await _read(broker, other.inbox, len(sent))) == sorted(sent)
    assert await _read(broker, failing.outbox, 1) == ["small"]


async def test_a_producer_that_failed_ends_when_nobody_uses_it(topics: KafkaAgentTopics) -> None:
    names = topics.names(new_id())
    await topics.make(names)
    await topics.send([_record(names.inbox, b"first")])
    lent = topics._lent
    assert lent is not None
    async with topics._using():
        with pytest.raises(CrewhallError):
            await topics.send([_record(names.outbox, b"x" * TOO_MUCH)])
        assert not topics._ending
        await lent.producer.send_and_wait(names.inbox, b"what was begun with it")
    await asyncio.gather(*topics._ending)
    assert lent.producer._closed


def _record(topic: str, value: bytes) -> SentRecord:
    return SentRecord(topic=topic, key=b"k", value=value, headers={})


async def _read(broker: SharedBroker, topic: str, count: int) -> list[str]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [(await asyncio.wait_for(consumer.getone(), 30)).value.decode() for _ in range(count)]
    finally:
        await consumer.stop()
