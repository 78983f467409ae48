"""The broker that tests and `make kafka` run: what was acknowledged outlives it, who may do what, when it ends."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import ClusterAuthorizationFailedError, KafkaConnectionError, KafkaError

from scripts.broker import HOST, PASSWORDS, Broker, answers
from tests.support.kafka import SharedBroker, jars_or_skip, shared_broker

TIMEOUT_MS = 1000


async def make_topic(bootstrap: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def send(bootstrap: str, topic: str, value: bytes, **options: Any) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, **options)
    try:
        await producer.start()
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def first(bootstrap: str, topic: str) -> bytes | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        value: bytes | None = (await consumer.getone()).value
        return value
    finally:
        await consumer.stop()


def signed_in(broker: SharedBroker, name: str, password: str | None = None) -> dict[str, Any]:
    return {
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=str(broker.authority)),
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": name,
        "sasl_plain_password": password or PASSWORDS[name],
    }


@pytest.mark.slow
async def test_what_was_acknowledged_outlives_a_kill_and_waits_out_a_pause(
    own_broker: Broker, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}kept"
    await make_topic(own_broker.bootstrap, topic)
    await send(own_broker.bootstrap, topic, b"kept")
    own_broker.kill()
    assert not answers(HOST, own_broker.ports.plain)
    await asyncio.to_thread(own_broker.start)
    assert await first(own_broker.bootstrap, topic) == b"kept"
    own_broker.pause()
    with pytest.raises(KafkaError):
        await send(own_broker.bootstrap, topic, b"unheard", request_timeout_ms=TIMEOUT_MS)
    own_broker.go_on()
    await send(own_broker.bootstrap, topic, b"heard")


async def test_strangers_may_nothing_at_the_address_with_passwords(broker: SharedBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}guarded"
    await make_topic(broker.bootstrap, topic)
    await send(broker.secure_bootstrap, topic, b"kept", **signed_in(broker, "crewhall"))
    with pytest.raises(ClusterAuthorizationFailedError):
        await send(broker.secure_bootstrap, topic, b"refused", **signed_in(broker, "stranger"))
    with pytest.raises(KafkaConnectionError):
        await send(broker.secure_bootstrap, topic, b"refused", **signed_in(broker, "stranger", "guessed"))


@pytest.mark.slow
def test_workers_share_it_and_the_last_one_ends_it(tmp_path: Path) -> None:
    started = shared_broker(tmp_path, jars_or_skip())
    joined = shared_broker(tmp_path, jars_or_skip())
    assert joined.bootstrap == started.bootstrap
    started.release()
    assert answers(HOST, joined.ports.plain)
    joined.release()
    assert not answers(HOST, joined.ports.plain)
    anew = shared_broker(tmp_path, jars_or_skip())
    assert answers(HOST, anew.ports.plain)
    anew.release()
