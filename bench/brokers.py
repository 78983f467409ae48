"""The Apache Kafka broker beside a ground: a real one, or the row is skipped."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.ground import Skip
from scripts.broker import Broker

JARS = Path(".tools/kafka")


def find_jars() -> Path:
    """Where `sh scripts/kafka` brought Apache Kafka. Raises Skip."""
    named = os.environ.get("CREWHALL_KAFKA_JARS")
    if named:
        return Path(named)
    if (JARS / ".ready").exists():
        return JARS.absolute()
    raise Skip("there are no jars of Apache Kafka: `sh scripts/kafka` brings them, or says what is missing")


@asynccontextmanager
async def started_broker(heap_mib: int = 256) -> AsyncIterator[Broker]:
    """A broker with an empty log, which goes with it. Raises Skip."""
    jars = find_jars()
    with tempfile.TemporaryDirectory(prefix="crewhall-bench-kafka-", ignore_cleanup_errors=True) as home:
        broker = Broker(jars, Path(home), heap_mib=heap_mib)
        await asyncio.to_thread(broker.start)
        try:
            yield broker
        finally:
            await asyncio.to_thread(broker.stop)
