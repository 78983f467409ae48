"""What holds of the engine on Kafka alone: several processes, breaks, topics' lives, poison, the rebuild."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from crewhall.adapters.kafka import message_log
from crewhall.adapters.kafka.projection import FENCED, Batch
from crewhall.adapters.kafka.records import VERSION_HEADER, encode_record
from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.ports.message_log import Advanced, RecordType
from tests.log.engines import Engine, kafka_settings, running
from tests.log.ground import Ground, ground_on, until
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.waiting import until as until_async


@pytest.fixture(scope="module")
async def ground(cluster: SharedCluster, broker: SharedBroker, worker_id: str) -> AsyncIterator[Ground]:
    async with ground_on(cluster.clone(f"kafka_{worker_id}"), kafka_settings(broker.bootstrap)) as made:
        yield made


async def test_an_author_in_another_process_hears_when_the_projector_has_written(ground: Ground) -> None:
    conversation, heard = await ground.engine.conversation(), []
    async with running(ground.urls, ground.settings, projects=False) as (parts, db, _):
        other = Engine(parts.log, db)
        other.org = ground.engine.org
        parts.log.watch(heard.append)
        first = await other.log.append(other.record(conversation, "there", client_id="a"))
        again = await ground.engine.log.append(ground.engine.record(conversation, "there", client_id="a"))
        assert (first.seq, first.is_new, again.seq, again.is_new) == (1, True, 1, False)
        results = await asyncio.gather(
            *(one.log.append(one.record(conversation, "both", client_id="b")) for one in [other, ground.engine] * 5)
        )
        assert {one.seq for one in results} == {2}
        assert sum(one.is_new for one in results) == 1
        with pytest.raises(CrewhallError) as refused:
            await other.log.append(other.record(conversation, "else", client_id="b"))
        assert refused.value.code == "client_id_reused"
        assert await other.contents(conversation) == [(1, "there"), (2, "both")]
        await until(lambda: any(isinstance(one, Advanced) and one.last_seq == 2 for one in heard))


@pytest.mark.rule("X1")
async def test_what_kafka_has_twice_counts_once_and_the_first_wins(ground: Ground) -> None:
    engine = ground.engine
    conversation = await engine.conversation()
    first, other = engine.record(conversation, "one", client_id="x"), engine.record(conversation, "two", client_id="x")
    await engine.log.append(engine.record(conversation, "zero"))
    values = [encode_record(record, utc_now()) for record in (first, first, other, first)]
    await ground.send(conversation, *values)
    last = await engine.log.append(engine.record(conversation, "last"))
    assert last.seq == 3
    assert await engine.contents(conversation) == [(1, "zero"), (2, "one"), (3, "last")]
    assert (await ground.rebuild(conversation)).is_equal


async def test_what_cannot_be_read_or_written_is_noted_and_harms_no_other(ground: Ground) -> None:
    engine = ground.engine
    conversation = await engine.conversation()
    await engine.log.append(engine.record(conversation, "before"))
    stranger, poison = engine.record(conversation, "of another organization"), engine.record(conversation, "bad\0")
    stranger.org_id = new_id()
    await ground.send(
        conversation, b"no json", encode_record(poison, utc_now()), b"", encode_record(stranger, utc_now()),
        encode_record(engine.record(new_id(), "of no conversation"), utc_now()),
    )  # fmt: skip
    assert (await engine.log.append(engine.record(conversation, "after"))).seq == 2
    assert await engine.contents(conversation) == [(1, "before"), (2, "after")]
    topic, _ = ground.topic(conversation)
    noted = ground.query(
        "select record_offset, record_id, reason from log_refusals where topic = %s order by record_offset", topic
    )
    assert [(offset, id_) for offset, id_, _ in noted] == [(1, None), (2, poison.id), (3, None)]
    assert "schema version 1" in noted[0][2]
    assert "\\u0000" in noted[1][2]
    assert (await ground.rebuild(conversation)).is_equal


async def test_a_later_version_stops_its_conversation_and_no_other(ground: Ground) -> None:
    engine = ground.engine
    conversation, other = await engine.conversation(), await engine.conversation()
    await engine.log.append(engine.record(conversation, "before"))
    await ground.send(
        conversation, encode_record(engine.record(conversation, "of tomorrow"), utc_now()),
        headers=[(VERSION_HEADER, b"2")],
    )  # fmt: skip
    await until(lambda: ground.parts.log.state().stopped)
    assert "schema version 2" in ground.parts.log.state().stopped[0]
    assert (await engine.log.append(engine.record(other, "goes on"))).seq == 1
    assert await engine.contents(conversation) == [(1, "before")]


@pytest.mark.rule("A3")
async def test_a_deleted_conversation_takes_its_topic_along(ground: Ground) -> None:
    conversation = await ground.engine.conversation()
    await ground.engine.log.append(ground.engine.record(conversation, "gone"))
    topic, _ = ground.topic(conversation)
    admin = AIOKafkaAdminClient(bootstrap_servers=ground.settings.kafka_bootstrap)
    await admin.start()
    try:
        assert topic in await admin.list_topics()
        async with ground.db.transaction(system_actor(ground.engine.org)) as tx:
            await tx.run(
                "update conversations set deleted_at = now(), status = 'deleted' where id = %(id)s",
                {"id": conversation},
            )
        await until(lambda: not ground.query("select from log_topics where conversation_id = %s", conversation))

        async def is_gone() -> bool:
            return topic not in await admin.list_topics()

        await until_async(is_gone)
        assert ground.query("select from log_partitions where topic = %s", topic) == []
    finally:
        await admin.close()


@pytest.mark.rule("A4")
async def test_the_rebuild_says_what_differs_and_puts_it_right(ground: Ground) -> None:
    engine = ground.engine
    conversation = await engine.conversation()
    messages = [engine.record(conversation, f"m{n}", client_id=f"c{n}") for n in range(6)]
    for record in messages:
        await engine.log.append(record)
    for type_, content in ((RecordType.REACTION, "👍"), (RecordType.EDIT, "edited"), (RecordType.PIN, "")):
        overlay = engine.record(conversation, content)
        overlay.type, overlay.target_id = type_, messages[0].id
        await engine.log.append(overlay)
    before = _rows(ground, conversation)
    assert (await ground.rebuild(conversation)).is_equal

    ground.query("alter table message_records disable trigger user")
    ground.query("delete from message_records where conversation_id = %s and seq in (2, 9)", conversation)
    ground.query("update message_records set content = 'forged' where conversation_id = %s and seq = 3", conversation)
    ground.query("update message_records set seq = 40 where conversation_id = %s and seq = 4", conversation)
    ground.query("update conversation_heads set last_seq = 40 where conversation_id = %s", conversation)
    ground.query("update message_overlays set reactions = '{}' where conversation_id = %s", conversation)
    ground.query("alter table message_records enable trigger user")

    said = await ground.rebuild(conversation)
    assert (said.missing, said.different, said.extra, said.is_head_right) == (3, 1, 1, False)
    assert said.overlays == 1
    assert _rows(ground, conversation) != before
    assert not (await ground.rebuild(conversation, repair=True)).is_equal
    assert _rows(ground, conversation) == before
    assert (await ground.rebuild(conversation)).is_equal
    assert (await engine.log.append(engine.record(conversation, "next"))).seq == 10


def _rows(ground: Ground, conversation: UUID) -> list[Any]:
    records = ground.query(
        "select to_jsonb(r) - 'position' from message_records r where conversation_id = %s order by seq", conversation
    )
    overlays = ground.query(
        "select to_jsonb(o) from message_overlays o where conversation_id = %s order by message_id", conversation
    )
    heads = ground.query(
        "select last_seq, message_count from conversation_heads where conversation_id = %s", conversation
    )
    return [records, overlays, heads]


async def test_consumers_follow_nothing_a_second_time(ground: Ground) -> None:
    conversation = await ground.engine.conversation()
    for n in range(3):
        await ground.engine.log.append(ground.engine.record(conversation, str(n)))
    ground.query("alter table message_records disable trigger user")
    ground.query("delete from message_records where conversation_id = %s", conversation)
    ground.query("alter table message_records enable trigger user")
    await ground.rebuild(conversation, repair=True)
    positions = ground.query("select distinct position from message_records where conversation_id = %s", conversation)
    assert positions == [(0,)]


@pytest.mark.rule("X1")
async def test_a_projector_that_stood_still_writes_nothing_twice(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read records, another one writes them and more, then it goes on."""
    engine = ground.engine
    conversation = await engine.conversation()
    await engine.log.append(engine.record(conversation, "first"))
    stands, goes = asyncio.Event(), asyncio.Event()
    write, fenced = Batch.write, []

    async def slow(self: Batch, connection: Any, process: str) -> Any:
        if not stands.is_set() and any(record.conversation_id == conversation for record in self.records):
            stands.set()
            async with await psycopg.AsyncConnection.connect(ground.urls.app, autocommit=True) as other:
                await write(self, other, "another")
            await goes.wait()
        try:
            return await write(self, connection, process)
        except psycopg.Error as error:
            fenced.append(error.sqlstate)
            raise

    monkeypatch.setattr(Batch, "write", slow)
    posting = asyncio.create_task(engine.log.append(engine.record(conversation, "second")))
    await stands.wait()
    goes.set()
    assert (await posting).seq == 2
    await until(lambda: fenced)
    monkeypatch.undo()
    assert fenced == [FENCED]
    assert (await engine.log.append(engine.record(conversation, "third"))).seq == 3
    assert await engine.contents(conversation) == [(1, "first"), (2, "second"), (3, "third")]


async def test_who_waits_in_vain_is_told_and_may_send_again(
    cluster: SharedCluster, broker: SharedBroker, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody projects: back-pressure in number and in time, and what was sent is there once a projector comes."""
    monkeypatch.setattr(message_log, "PATIENCE_S", 4.0)
    monkeypatch.setattr(message_log, "MAX_HELD", 2)
    urls, settings = cluster.clone(f"behind_{worker_id}"), kafka_settings(broker.bootstrap, shared=1)
    async with ground_on(urls, settings) as ground:
        conversation = await ground.engine.conversation()
        org = ground.engine.org
    async with running(urls, settings, projects=False) as (parts, db, _):
        engine = Engine(parts.log, db)
        engine.org = org
        waiting = [
            asyncio.create_task(engine.log.append(engine.record(conversation, f"m{n}", client_id=f"c{n}")))
            for n in range(2)
        ]
        await asyncio.sleep(0)
        with pytest.raises(CrewhallError) as refused:
            await engine.log.append(engine.record(conversation, "m2", client_id="c2"))
        assert refused.value.code == "log_behind"
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [getattr(one, "code", one) for one in results] == ["log_behind", "log_behind"]
        monkeypatch.undo()
        async with running(urls, settings) as (projecting, _, _):
            again = await projecting.log.append(engine.record(conversation, "m0", client_id="c0"))
            assert (again.seq, again.is_new) == (1, False)
            assert await engine.contents(conversation) == [(1, "m0"), (2, "m1")]


async def test_two_projectors_share_and_one_takes_over(ground: Ground) -> None:
    def shards() -> list[int]:
        return sorted(
            count
            for (count,) in ground.query(
                "select count(*) from log_shards where projector_id is not null group by projector_id"
            )
        )

    await until(lambda: shards() == [16])
    async with running(ground.urls, ground.settings) as (parts, db, _):
        await until(lambda: shards() == [8, 8])
        conversations = [await ground.engine.conversation() for _ in range(6)]
        other = Engine(parts.log, db)
        other.org = ground.engine.org
        for one in (ground.engine, other):
            await asyncio.gather(*(one.log.append(one.record(conversation)) for conversation in conversations))
        for conversation in conversations:
            assert [seq for seq, _ in await other.contents(conversation)] == [1, 2]
    await until(lambda: shards() == [16])
