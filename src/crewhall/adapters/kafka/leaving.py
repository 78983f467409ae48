"""For the operator: the way back. The database has every message; from now on it is the log again."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from crewhall.adapters.kafka.client import KAFKA_AWAY, make_consumer
from crewhall.adapters.kafka.producing import Place, started
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.errors import CONFLICT

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

AT_ONCE = 200
_LIVING: LiteralString = "select count(*) from log_projectors where lease_until > clock_timestamp()"
_PLACES: LiteralString = "select topic, partition, next_offset from log_partitions order by topic, partition"


async def leave_kafka(connection: Connection[TupleRow], settings: LogSettings) -> int:
    """Take Postgres for the log again; returns how many partitions were found to be written to their end.

    Topics stay as they are. Raises CONFLICT while somebody projects or anything is not written yet, KAFKA_AWAY.
    """
    (living,) = connection.execute(_LIVING).fetchone() or (0,)
    if living:
        raise CONFLICT("A server is running. Stop all of them, wait ten seconds, and ask again.")
    read = {(topic, partition): end for topic, partition, end in connection.execute(_PLACES).fetchall()}
    if read:
        await _check_ends(read, settings)
    with connection.transaction():
        connection.execute("update installation set log_engine = 'postgres'")
        connection.execute("delete from log_topics")
        connection.execute("delete from log_partitions")
        connection.execute("delete from log_refusals")
    return len(read)


async def _check_ends(read: dict[Place, int], settings: LogSettings) -> None:
    """See that the database has everything that Kafka has. Raises CONFLICT, KAFKA_AWAY."""
    from aiokafka import TopicPartition
    from aiokafka.errors import KafkaError

    consumer = await started(make_consumer(settings))
    try:
        places = [TopicPartition(*place) for place in read]
        for start in range(0, len(places), AT_ONCE):
            some = places[start : start + AT_ONCE]
            consumer.assign(some)
            for place, end in (await consumer.end_offsets(some)).items():
                left = end - read[place.topic, place.partition]
                if left > 0:
                    raise CONFLICT(
                        f"{left} records of {place.topic} are not in the database yet. Start a server with"
                        " CREWHALL_LOG=kafka until /health/ready shows a lag of 0, then stop it and ask again."
                    )
    except KafkaError as error:
        raise KAFKA_AWAY(f"Kafka did not say where the topics end: {type(error).__name__}. Ask again.") from error
    finally:
        await consumer.stop()
