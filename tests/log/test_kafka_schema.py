"""What stands in topics is what docs/schemas/kafka-conversation.json says, told there or copied there."""

from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from jsonschema import Draft202012Validator, ValidationError

from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.ids import new_id
from crewhall.ports.message_log import MessageKind, RecordType
from tests.architecture.source import DOCS
from tests.log.engines import Engine, engine_on, kafka_settings
from tests.log.ground import Ground, end_of, returning, until
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker

SCHEMA = Draft202012Validator(
    msgspec.json.decode((DOCS / "schemas" / "kafka-conversation.json").read_bytes()),
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)


async def say(engine: Engine, conversation: Any) -> None:
    """A message with all that one may have, and something laid over it."""
    message = engine.record(conversation, "all of it", client_id=f"c{new_id()}")
    message.title, message.html, message.kind = "A title", "<p>all of it</p>", MessageKind.ANSWER
    message.metadata, message.mentions = {"deep": [1, {"a": None}]}, [new_id()]
    await engine.log.append(message)
    overlay = engine.record(conversation, "👍")
    overlay.type, overlay.target_id = RecordType.REACTION, message.id
    await engine.log.append(overlay)


async def read(ground: Ground, conversation: Any) -> list[dict[str, Any]]:
    """The values in a conversation's topic."""
    place, end = TopicPartition(*ground.topic(conversation)), await end_of(ground, conversation)
    consumer = AIOKafkaConsumer(bootstrap_servers=ground.settings.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([place])
        return [msgspec.json.decode((await consumer.getone()).value) for _ in range(end)]
    finally:
        await consumer.stop()


async def test_records_of_a_topic_are_as_the_published_schema_says(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str
) -> None:
    urls = cluster.clone(f"schema_{worker_id}")
    async with engine_on(urls, LogSettings()) as engine:
        conversation = await engine.conversation()
        await say(engine, conversation)
    async with returning(urls, kafka_settings(broker.bootstrap), engine.org) as ground:
        await until(lambda: ground.query("select from log_topics where state = 'ready'"))
        await say(ground.engine, conversation)
        found = await read(ground, conversation)
    assert [(one["type"], one.get("seq")) for one in found] == [
        ("message", 1), ("reaction", 2), ("message", None), ("reaction", None),
    ]  # fmt: skip
    assert all({"title", "html", "metadata", "mentions", "client_id", "body_digest"} <= set(one) for one in found[::2])
    for one in found:
        SCHEMA.validate(one)
    for wrong in ({"seq": "1"}, {"type": "whisper"}, {"author": {}}, {"mentions": ["nobody"]}):
        with pytest.raises(ValidationError):
            SCHEMA.validate(found[0] | wrong)
