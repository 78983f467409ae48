"""Clients go on posting while an installation's conversations are copied to Kafka: nothing is lost, doubled or late."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from crewhall.adapters.kafka import filling
from crewhall.adapters.kafka.producing import Place, Producing
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.postgres.batch import LoggedRecord
from crewhall.kernel.errors import CrewhallError
from tests.log.engines import AUTHOR, Engine, engine_on, kafka_settings
from tests.log.ground import returning
from tests.support.database import SharedCluster
from tests.support.history import Ack, Entry, History, faults
from tests.support.kafka import SharedBroker

OLD, NEW, SAID, POSTS = 5, 2, 12, 4
PASSES = 503
WRITERS = 2


class Pages:
    """Lets pages go: the first once new conversations were opened, those of the last when posts were taken in."""

    def __init__(self) -> None:
        self.opened, self.posted = asyncio.Event(), asyncio.Event()
        self.begun: list[UUID] = []

    async def may_go(self, conversation: UUID) -> None:
        await self.opened.wait()
        if conversation not in self.begun:
            self.begun.append(conversation)
        if len(self.begun) == OLD:
            await self.posted.wait()


async def write(engine: Engine, conversation: UUID, writer: int, history: History, is_told: Any) -> None:
    """Post one message after the other, each twice at once; what may pass is sent again."""
    for n in range(POSTS):
        client_id = f"{writer}-{n}"
        record = engine.record(conversation, client_id, client_id=client_id)

        async def sent(record: Any = record) -> Any:
            while True:
                try:
                    return await engine.log.append(record)
                except CrewhallError as error:
                    if error.kind.status != PASSES:
                        raise

        again = engine.record(conversation, client_id, client_id=client_id)
        first, second = await asyncio.gather(sent(), sent(again))
        assert (first.seq, first.id) == (second.seq, second.id)
        history.acks.append(Ack(str(conversation), str(AUTHOR.id), client_id, first.seq, str(first.id)))
        is_told(conversation)


@pytest.mark.rule("A4", "X1")
async def test_posts_go_on_while_conversations_are_copied(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls, settings = cluster.clone(f"posting_{worker_id}"), kafka_settings(broker.bootstrap)
    async with engine_on(urls, LogSettings()) as before:
        old = [await before.conversation() for _ in range(OLD)]
        for one in old:
            records = [before.record(one, f"m{n}", client_id=f"m{n}") for n in range(SAID)]
            await asyncio.gather(*(before.log.append(record) for record in records))
    pages, history, send_past = Pages(), History(), Producing.send_past

    async def held(self: Producing, place: Place, records: list[LoggedRecord]) -> int:
        await pages.may_go(records[0].conversation_id)
        return await send_past(self, place, records)

    monkeypatch.setattr(filling, "FILL_PAGE", 5)
    monkeypatch.setattr(Producing, "send_past", held)
    told: set[UUID] = set()

    async with returning(urls, settings, before.org) as ground:
        engine = ground.engine
        new = [await engine.conversation() for _ in range(NEW)]

        def is_told(conversation: UUID) -> None:
            told.add(conversation)
            if told & set(new) and told & set(old):  # both while the last one is not copied yet
                pages.posted.set()

        pages.opened.set()
        async with asyncio.TaskGroup() as group:
            for one in (*old, *new):
                for writer in range(WRITERS):
                    group.create_task(write(engine, one, writer, history, is_told))
        stored = []
        for one in (*old, *new):
            read = await engine.log.read(engine.org, one, after=0, limit=1000)
            assert [record.content for record in read][: SAID if one in old else 0] == [
                f"m{n}" for n in range(SAID if one in old else 0)
            ]
            assert len(read) == (SAID if one in old else 0) + WRITERS * POSTS
            stored += [
                Entry(
                    str(one), record.seq, str(record.id), record.type, str(AUTHOR.id), record.client_id, record.content
                )
                for record in read
            ]
            proof = await ground.rebuild(one)
            assert (proof.records, proof.is_equal) == (len(read), True)
        assert faults(history, stored) == []
        assert len(history.acks) == (OLD + NEW) * WRITERS * POSTS
