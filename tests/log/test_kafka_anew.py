"""The projector begins anew, whatever broke: also where the database is away at the very moment at which it does."""

from typing import Any

import psycopg
import pytest

from crewhall.adapters.kafka import projector as projecting
from crewhall.adapters.kafka.asking import connect
from tests.log.engines import Engine, found, kafka_settings, running
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.waiting import until

AWAY = 3
"""Times that it begins and finds no database: the library's tasks of each are ended before they have begun."""


@pytest.mark.rule("X1")
async def test_a_projector_that_finds_no_database_begins_anew_until_there_is_one(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = cluster.clone(f"anew_{worker_id}")
    tried = 0

    async def refused(*about: Any) -> Any:
        nonlocal tried
        tried += 1
        if tried <= AWAY:
            raise psycopg.OperationalError("the server is away")
        return await connect(*about)

    async with running(urls, kafka_settings(broker.bootstrap)) as (parts, db, _):
        engine = Engine(parts.log, db)
        await found(db, engine.org)
        conversation = await engine.conversation()
        assert (await engine.log.append(engine.record(conversation, "before"))).seq == 1
        monkeypatch.setattr(projecting, "connect", refused)
        assert parts.projector is not None
        assert parts.projector._connection is not None
        await parts.projector._connection.close()
        parts.projector._change()

        async def is_back() -> bool:
            return tried > AWAY

        await until(is_back)
        assert (await engine.log.append(engine.record(conversation, "after"))).seq == 2
    cluster.drop(f"anew_{worker_id}")
