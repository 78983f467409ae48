"""The lag is that of the topics, before anything of them was read, too; what is not known is not said to be nothing."""

import asyncio
import math
from typing import Any

import pytest

from crewhall.adapters.kafka.lag import Lag
from crewhall.adapters.kafka.projection import Batch
from crewhall.adapters.kafka.projector import Projector
from crewhall.adapters.kafka.records import encode_record
from crewhall.kernel.clock import utc_now
from crewhall.kernel.telemetry import log_lag
from tests.log.engines import kafka_settings, running
from tests.log.ground import ground_on, returning, until
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker


def shown() -> float:
    """What the metric says."""
    return float(next(iter(log_lag.collect())).samples[0].value)


@pytest.mark.parametrize("shared", [0, 1])
async def test_a_projector_that_has_written_nothing_yet_says_how_much_there_is(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str, monkeypatch: pytest.MonkeyPatch, shared: int
) -> None:
    urls, settings = cluster.clone(f"lag_{worker_id}"), kafka_settings(broker.bootstrap, shared=shared)
    async with ground_on(urls, settings) as ground:
        engine, conversation = ground.engine, await ground.engine.conversation()
        await engine.log.append(engine.record(conversation))
        await until(lambda: engine.log.state().lag == 0)
    values = [encode_record(engine.record(conversation, f"m{n}"), utc_now()) for n in range(7)]
    await ground.send(conversation, *values)
    goes, write = asyncio.Event(), Batch.write

    async def stands(self: Batch, connection: Any, process: str) -> Any:
        await goes.wait()
        return await write(self, connection, process)

    monkeypatch.setattr(Batch, "write", stands)
    async with (
        returning(urls, settings, engine.org) as ground,
        running(urls, settings, projects=False) as (other, _, _),
    ):
        log = ground.engine.log
        await until(lambda: log.state().lag is not None)
        assert (log.state().lag, shown()) == (7, 7)
        assert other.log.state().lag is None  # it reads no topics
        goes.set()
        await until(lambda: (log.state().lag, shown()) == (0, 0))
        assert await ground.engine.log.head(engine.org, conversation) == 8


async def test_while_nothing_can_be_written_kafka_is_asked_for_what_came_since(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls, settings = cluster.clone(f"lag_{worker_id}"), kafka_settings(broker.bootstrap)
    is_away, write = asyncio.Event(), Batch.write

    async def fails(self: Batch, connection: Any, process: str) -> Any:
        if is_away.is_set():
            raise OSError("the database is away")
        return await write(self, connection, process)

    monkeypatch.setattr(Batch, "write", fails)
    async with ground_on(urls, settings) as ground:
        engine, conversation = ground.engine, await ground.engine.conversation()
        await engine.log.append(engine.record(conversation))
        is_away.set()
        for n in range(2, 5):
            await ground.send(conversation, encode_record(engine.record(conversation, f"m{n}"), utc_now()))
            await until(lambda n=n: engine.log.state().lag == n - 1)  # type: ignore[misc]
        is_away.clear()
        await until(lambda: engine.log.state().lag == 0)


def test_what_is_not_known_is_nothing_but_unknown() -> None:
    lag, a, b = Lag(), ("a", 0), ("b", 0)
    assert lag.records() is None
    assert math.isnan(shown())
    lag.follow({a: 3, b: 0})
    lag.note_end(a, 10)
    lag.show()
    assert (lag.records(), lag.unmeasured()) == (None, [b])
    lag.note_end(b, 2)
    lag.show()
    lag.note_read(a, 9)
    assert lag.records() == 3
    lag.show()
    assert shown() == 3
    lag.follow({a: 9})
    lag.note_end(b, 5)  # of a partition that went to another projector meanwhile
    assert (lag.records(), lag.places()) == (1, [a])


def test_a_projector_that_has_not_begun_does_not_know() -> None:
    class Nobody:
        def __getattr__(self, _name: str) -> Any:
            return lambda *_, **__: None

    nobody: Any = Nobody()
    assert Projector(nobody, nobody, kafka_settings("127.0.0.1:1"), nobody).state().lag is None
