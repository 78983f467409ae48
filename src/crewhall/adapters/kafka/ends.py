"""Where partitions end, asked of Kafka."""

import asyncio
from collections.abc import Iterable

from crewhall.adapters.kafka.client import KAFKA_AWAY, make_consumer
from crewhall.adapters.kafka.producing import Place, started
from crewhall.adapters.kafka.settings import LogSettings

AT_ONCE = 200
LOOK_AGAIN_S = 1.0


async def ends_of(places: Iterable[Place], settings: LogSettings) -> dict[Place, int]:
    """The offset that comes next in each of these partitions, without those that Kafka does not have.

    Raises KAFKA_AWAY.
    """
    from aiokafka import TopicPartition
    from aiokafka.errors import KafkaError

    asked = list(places)
    found: dict[Place, int] = {}
    if not asked:
        return found
    consumer = await started(make_consumer(settings), settings)
    try:
        there = await consumer.topics()
        if any(topic not in there for topic, _ in asked):  # one broker may not know what was made a moment ago
            await asyncio.sleep(LOOK_AGAIN_S)
            there = await consumer.topics()
        wanted = [TopicPartition(*place) for place in asked if place[0] in there]
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            consumer.assign(some)
            ends = await consumer.end_offsets(some)
            found |= {(one.topic, one.partition): end for one, end in ends.items()}
    except KafkaError as error:
        raise KAFKA_AWAY(f"Kafka did not say where the topics end: {type(error).__name__}. Ask again.") from error
    finally:
        await consumer.stop()
    return found


def topics_of(places: Iterable[Place]) -> list[str]:
    """The topics of these partitions, each once."""
    return sorted({topic for topic, _ in places})
