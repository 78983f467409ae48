"""Topics are made and filled: each by one process, from where it was left, and nobody waits for those of others."""

import asyncio
from typing import Any

import pytest

from crewhall.adapters.kafka import filling, topics
from crewhall.adapters.kafka.client import make_admin
from crewhall.adapters.kafka.filling import Filled
from crewhall.adapters.kafka.producing import Place, Producing
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.postgres.batch import LoggedRecord
from crewhall.kernel.postgres import DatabaseUrls
from tests.log.engines import engine_on, kafka_settings, running
from tests.log.ground import end_of, ground_on, returning, said_on_postgres, until
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.waiting import until as until_async


@pytest.fixture
def urls(cluster: SharedCluster, worker_id: str) -> DatabaseUrls:
    return cluster.clone(f"filling_{worker_id}")


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The seqs of each page that was sent; pages are of five."""
    monkeypatch.setattr(filling, "FILL_PAGE", 5)
    sent: list[list[int]] = []
    send_past = Producing.send_past

    async def noted(self: Producing, place: Place, records: list[LoggedRecord]) -> int:
        end = await send_past(self, place, records)
        sent.append([record.seq or 0 for record in records])
        return end

    monkeypatch.setattr(Producing, "send_past", noted)
    return sent


async def test_a_move_that_is_cut_off_goes_on_where_it_was(
    urls: DatabaseUrls, broker: SharedBroker, pages: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends after Kafka has the third page and before that is noted: what stands twice counts once."""
    org, conversation = await said_on_postgres(urls, 30)
    settings, noting = kafka_settings(broker.bootstrap), Producing.send_past

    async def stuck(self: Producing, place: Place, records: list[LoggedRecord]) -> int:
        end = await noting(self, place, records)
        if len(pages) == 3:
            await asyncio.Event().wait()
        return end

    monkeypatch.setattr(Producing, "send_past", stuck)
    async with returning(urls, settings, org):
        await until(lambda: len(pages) == 3)
    monkeypatch.setattr(Producing, "send_past", noting)
    async with returning(urls, settings, org) as ground:
        assert (await ground.engine.log.append(ground.engine.record(conversation, "next"))).seq == 31
        assert pages[2:4] == [[11, 12, 13, 14, 15]] * 2
        assert sum(pages[4:], []) == list(range(16, 31))  # noqa: RUF017 - pages are few
        assert await end_of(ground, conversation) == 36
        said = await ground.rebuild(conversation)
        assert (said.records, said.is_equal) == (31, True)
        assert [content for _, content in await ground.engine.contents(conversation)] == [
            *(f"m{n}" for n in range(30)), "next",
        ]  # fmt: skip


async def test_two_processes_do_not_fill_one_topic(
    urls: DatabaseUrls, broker: SharedBroker, pages: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    org, conversation = await said_on_postgres(urls, 12)
    left_to_others, fill, noting = asyncio.Event(), filling.fill, Producing.send_past

    async def waits(self: Producing, place: Place, records: list[LoggedRecord]) -> int:
        await left_to_others.wait()
        return await noting(self, place, records)

    async def watched(*given: Any) -> Filled:
        filled = await fill(*given)
        if filled is Filled.BY_OTHERS:
            left_to_others.set()
        return filled

    monkeypatch.setattr(Producing, "send_past", waits)
    monkeypatch.setattr(topics, "fill", watched)
    monkeypatch.setattr(topics, "LOOK_AGAIN_S", 0.05)
    settings = kafka_settings(broker.bootstrap)
    async with returning(urls, settings, org) as ground, running(urls, settings):
        assert (await ground.engine.log.append(ground.engine.record(conversation, "next"))).seq == 13
        assert pages == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12]]
        assert await end_of(ground, conversation) == 13


async def test_who_opens_a_conversation_does_not_wait_until_others_are_filled(
    urls: DatabaseUrls, broker: SharedBroker, pages: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    org, conversation = await said_on_postgres(urls, 12)
    begun, opened, posted, noting = asyncio.Event(), asyncio.Event(), asyncio.Event(), Producing.send_past

    async def waits(self: Producing, place: Place, records: list[LoggedRecord]) -> int:
        begun.set()
        await (posted if pages else opened).wait()
        return await noting(self, place, records)

    monkeypatch.setattr(Producing, "send_past", waits)
    async with returning(urls, kafka_settings(broker.bootstrap), org) as ground:
        await begun.wait()
        new = await ground.engine.conversation()
        await until(lambda: ground.parts._keeper and ground.parts._keeper._wanted.is_set())
        opened.set()
        assert (await ground.engine.log.append(ground.engine.record(new, "at once"))).seq == 1
        assert len(pages) == 1
        posted.set()
        assert (await ground.engine.log.append(ground.engine.record(conversation, "then"))).seq == 13


async def test_conversations_without_a_topic_are_looked_for_once(
    urls: DatabaseUrls, broker: SharedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At rest nothing is searched; what a process opened that took Postgres for the log gets its topic by a post."""
    looked: list[bool] = []
    note = topics.TopicKeeper._note_homeless

    async def counted(self: topics.TopicKeeper) -> bool:
        looked.append(await note(self))
        return looked[-1]

    monkeypatch.setattr(topics.TopicKeeper, "_note_homeless", counted)
    async with engine_on(urls, LogSettings()) as old:
        await old.conversation()
        async with returning(urls, kafka_settings(broker.bootstrap), old.org) as ground:
            await until(lambda: looked == [True, False])
            for _ in range(3):
                conversation = await ground.engine.conversation()
                assert (await ground.engine.log.append(ground.engine.record(conversation))).seq == 1
            homeless = await old.conversation()
            assert (await ground.engine.log.append(ground.engine.record(homeless))).seq == 1
            assert looked == [True, False]


async def test_a_conversation_that_is_deleted_while_its_topic_is_made_leaves_none(
    urls: DatabaseUrls, broker: SharedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has deleted it, with its topic, when Kafka makes that anew."""
    make, raced = topics.TopicKeeper._make, asyncio.Event()

    async def races(self: topics.TopicKeeper, coming: Any) -> None:
        if coming and not raced.is_set():
            made.query("delete from log_topics where conversation_id = %s", coming[0].conversation_id)
            raced.set()
        await make(self, coming)

    settings = kafka_settings(broker.bootstrap)
    async with ground_on(urls, settings) as made:
        monkeypatch.setattr(topics.TopicKeeper, "_make", races)
        await made.engine.conversation()
        await raced.wait()
        other = await made.engine.conversation()
        await made.engine.log.append(made.engine.record(other))

        async def is_gone() -> bool:
            return await _topics(settings) == [made.topic(other)[0]]

        await until_async(is_gone)


async def _topics(settings: LogSettings) -> list[str]:
    admin = make_admin(settings)
    await admin.start()
    try:
        return [name for name in await admin.list_topics() if name.startswith(settings.kafka_prefix)]
    finally:
        await admin.close()
