"""Where partitions end, asked of Kafka."""

from collections.abc import Iterable

from crewhall.adapters.kafka.client import KAFKA_AWAY, make_consumer
from crewhall.adapters.kafka.producing import Place, started
from crewhall.adapters.kafka.settings import LogSettings

AT_ONCE = 200


async def ends_of(places: Iterable[Place], settings: LogSettings) -> dict[Place, int]:
    """The offset that comes next in each of these partitions. Raises KAFKA_AWAY."""
    from aiokafka import TopicPartition
    from aiokafka.errors import KafkaError

    wanted = [TopicPartition(*place) for place in places]
    found: dict[Place, int] = {}
    if not wanted:
        return found
    consumer = await started(make_consumer(settings), settings)
    try:
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
