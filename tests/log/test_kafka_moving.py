"""Moving to Kafka and back: whole, once, resumable, and by nobody while others run."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest

from crewhall.adapters.kafka import filling, topics
from crewhall.adapters.kafka.client import make_admin
from crewhall.adapters.kafka.filling import Filled
from crewhall.adapters.kafka.producing import Place, Producing
from crewhall.adapters.kafka.projection import Batch
from crewhall.adapters.kafka.records import encode_record
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.postgres.batch import LoggedRecord
from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.postgres import DatabaseUrls
from crewhall.ports.message_log import RecordType
from tests.log.engines import AUTHOR, Engine, engine_on, kafka_settings, running
from tests.log.ground import Ground, end_of, ground_on, leave, returning, said_on_postgres, until
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.server import Server
from tests.support.waiting import until as until_async

Send = Callable[[int, list[LoggedRecord]], Any]


@pytest.fixture
def urls(cluster: SharedCluster, worker_id: str) -> DatabaseUrls:
    return cluster.clone(f"moving_{worker_id}")


@pytest.fixture(scope="module")
async def ground(cluster: SharedCluster, broker: SharedBroker, worker_id: str) -> AsyncIterator[Ground]:
    async with ground_on(cluster.clone(f"past_{worker_id}"), kafka_settings(broker.bootstrap)) as made:
        yield made


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


@pytest.mark.rule("A4")
@pytest.mark.parametrize("shared", [0, 2])
async def test_an_installation_moves_to_kafka_with_all_it_has_and_not_back_by_a_setting(
    urls: DatabaseUrls, broker: SharedBroker, shared: int
) -> None:
    settings = kafka_settings(broker.bootstrap, shared=shared)
    async with engine_on(urls, LogSettings()) as engine:
        conversation = await engine.conversation()
        for n in range(5):
            await engine.log.append(engine.record(conversation, f"m{n}", client_id=f"c{n}"))
        deletion = engine.record(conversation, "")
        deletion.type = RecordType.DELETION
        deletion.target_id = (await engine.log.read(engine.org, conversation, after=0, limit=1))[0].id
        await engine.log.append(deletion)
        async with returning(urls, settings, engine.org) as ground:
            moved = ground.engine
            assert (await moved.log.append(moved.record(conversation, "m4", client_id="c4"))).seq == 5
            assert (await moved.log.append(moved.record(conversation, "on Kafka"))).seq == 7
            said = await ground.rebuild(conversation)
            assert (said.records, said.is_equal) == (7, True)
            with pytest.raises(CrewhallError) as refused:
                await engine.log.append(engine.record(conversation, "past the log"))
            assert refused.value.code == "unavailable"
            with pytest.raises(CrewhallError) as refused:
                await leave(urls, settings)
            assert refused.value.code == "conflict"
    with pytest.raises(CrewhallError) as refused:
        async with running(urls, LogSettings()):
            pytest.fail("messages live in Kafka")
    assert refused.value.code == "bad_setting"
    assert (await leave(urls, settings)).partitions == max(1, shared)
    for again in (LogSettings(), settings, LogSettings()):  # there, and back once more
        async with returning(urls, again, engine.org) as ground:
            await ground.engine.log.append(ground.engine.record(conversation, "said"))
            if again is settings:
                ground.settings = settings
                said = await ground.rebuild(conversation)
                assert (said.records, said.is_equal) == (9, True)
        if again is settings:
            await leave(urls, settings)


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


async def test_what_was_left_in_a_former_topic_is_not_read_again(urls: DatabaseUrls, broker: SharedBroker) -> None:
    """A record that nobody acknowledged before Kafka was left would come between what was said since."""
    org, conversation = await said_on_postgres(urls, 2)
    settings = kafka_settings(broker.bootstrap)
    async with returning(urls, settings, org) as ground:
        await ground.engine.log.append(ground.engine.record(conversation, "on Kafka"))
        former = ground.topic(conversation)
    left = await leave(urls, settings)
    assert left.topics == [former[0]]
    stray = encode_record(ground.engine.record(conversation, "stray"), utc_now())
    await ground.send_to(former, stray)
    async with returning(urls, LogSettings(), org) as between:
        await between.engine.log.append(between.engine.record(conversation, "on Postgres"))
    async with returning(urls, settings, org) as ground:
        assert (await ground.engine.log.append(ground.engine.record(conversation, "again"))).seq == 5
        assert ground.topic(conversation)[0] == f"{former[0]}.2"
        assert [content for _, content in await ground.engine.contents(conversation)] == [
            "m0", "m1", "on Kafka", "on Postgres", "again",
        ]  # fmt: skip
        said = await ground.rebuild(conversation)
        assert (said.records, said.is_equal) == (5, True)


async def test_nobody_moves_or_leaves_while_others_run(
    urls: DatabaseUrls, broker: SharedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = kafka_settings(broker.bootstrap)
    async with Server(urls):
        with pytest.raises(CrewhallError, match=r"up since .* UTC.*crewhall stop") as refused:
            async with running(urls, settings):
                pytest.fail("a process runs that writes to Postgres")
        assert refused.value.code == "conflict"
    monkeypatch.setenv("CREWHALL_LOG", "kafka")
    monkeypatch.setenv("CREWHALL_KAFKA_BOOTSTRAP", broker.bootstrap)
    monkeypatch.setenv("CREWHALL_KAFKA_PREFIX", settings.kafka_prefix)
    async with Server(urls):
        with pytest.raises(CrewhallError, match=r"up since .* UTC.*crewhall stop") as refused:
            await leave(urls, settings)
        assert refused.value.code == "conflict"
    with psycopg.connect(urls.admin, autocommit=True) as connection:  # one that was killed holds no lock
        connection.execute(
            "insert into processes (id, kind, lease_until) values (%s, 'serve', now() + interval '1 hour')", (new_id(),)
        )
    await leave(urls, settings)


async def test_a_process_that_outlives_the_leaving_is_refused(urls: DatabaseUrls, broker: SharedBroker) -> None:
    org, conversation = await said_on_postgres(urls, 1)
    settings = kafka_settings(broker.bootstrap)
    async with returning(urls, settings, org) as ground:
        await ground.engine.log.append(ground.engine.record(conversation, "on Kafka"))
    async with running(urls, settings, projects=False) as (parts, db, _):
        await leave(urls, settings)
        late = Engine(parts.log, db)
        late.org = org
        with pytest.raises(CrewhallError, match="CREWHALL_LOG=postgres") as refused:
            await late.log.append(late.record(conversation, "to Kafka"))
        assert refused.value.code == "unavailable"


async def test_a_topic_that_is_still_to_be_deleted_keeps_the_engine(
    urls: DatabaseUrls, broker: SharedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = kafka_settings(broker.bootstrap)
    async with ground_on(urls, settings) as ground:
        conversation = await ground.engine.conversation()
        await ground.engine.log.append(ground.engine.record(conversation))
    ground.query("update log_topics set state = 'retiring'")
    with pytest.raises(CrewhallError, match="1 deleted conversations"):
        await leave(urls, settings)


async def test_another_number_of_partitions_is_refused(urls: DatabaseUrls, broker: SharedBroker) -> None:
    settings = kafka_settings(broker.bootstrap, shared=2)
    async with running(urls, settings):
        pass
    with pytest.raises(CrewhallError, match="Set CREWHALL_KAFKA_PARTITIONS=2") as refused:
        async with running(urls, kafka_settings(broker.bootstrap, shared=3, prefix=settings.kafka_prefix)):
            pytest.fail("conversations were shared out by two")
    assert refused.value.code == "bad_setting"


def _past(count: int) -> str:
    return json.dumps([
        {"i": n, "id": str(new_id()), "type": "message", "author": str(AUTHOR.id), "author_name": "Ada",
         "content": f"p{n}", "at": "2099-01-01T00:00:00Z"}
        for n in range(count)
    ])  # fmt: skip


async def test_what_is_taken_in_as_past_goes_to_the_topic_before_anything_else(ground: Ground) -> None:
    engine = ground.engine
    conversation = await engine.conversation()
    await engine.log.append(engine.record(conversation, "first"))
    async with ground.db.transaction(system_actor(engine.org)) as tx:
        await engine.log.retire(tx, engine.org, conversation)
        await tx.run("select take_past(%(id)s, %(past)s)", {"id": conversation, "past": _past(3)})
    async with ground.db.transaction(system_actor(engine.org)) as tx:
        await engine.log.reopen(tx, engine.org, conversation)
    assert (await engine.log.append(engine.record(conversation, "last"))).seq == 5
    assert [content for _, content in await engine.contents(conversation)] == ["first", "p0", "p1", "p2", "last"]
    assert await end_of(ground, conversation) == 5  # what was there before stands there once
    said = await ground.rebuild(conversation)
    assert (said.records, said.is_equal) == (5, True)


@pytest.mark.parametrize("reopened", [False, True])
async def test_what_is_written_after_the_past_and_was_sent_before_it_is_refused(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, reopened: bool
) -> None:
    """It would have one place in the topic and another in the database."""
    engine = ground.engine
    conversation = await engine.conversation()
    await engine.log.append(engine.record(conversation, "first"))
    stands, goes, write = asyncio.Event(), asyncio.Event(), Batch.write

    async def slow(self: Batch, connection: Any, process: str) -> Any:
        if any(record.content == "late" for record in self.records):
            stands.set()
            await goes.wait()
        return await write(self, connection, process)

    monkeypatch.setattr(Batch, "write", slow)
    posting = asyncio.create_task(engine.log.append(engine.record(conversation, "late", client_id="l")))
    await stands.wait()
    async with ground.db.transaction(system_actor(engine.org)) as tx:
        await engine.log.retire(tx, engine.org, conversation)
        await tx.run("select take_past(%(id)s, %(past)s)", {"id": conversation, "past": _past(2)})
    if reopened:
        async with ground.db.transaction(system_actor(engine.org)) as tx:
            await engine.log.reopen(tx, engine.org, conversation)

        async def is_filled() -> bool:
            return await end_of(ground, conversation) == 4

        await until_async(is_filled)
    goes.set()
    with pytest.raises(CrewhallError) as refused:
        await posting
    assert refused.value.code == "conversation_closed"
    if not reopened:
        async with ground.db.transaction(system_actor(engine.org)) as tx:
            await engine.log.reopen(tx, engine.org, conversation)
    assert (await engine.log.append(engine.record(conversation, "last"))).seq == 4
    assert [content for _, content in await engine.contents(conversation)] == ["first", "p0", "p1", "last"]
    said = await ground.rebuild(conversation)
    assert (said.records, said.is_equal) == (4, True)


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
