"""Moving to Kafka and back: whole, and by nobody while others run."""

import psycopg
import pytest

from crewhall.adapters.kafka.records import encode_record
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.clock import utc_now
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.postgres import DatabaseUrls
from crewhall.ports.message_log import RecordType
from tests.log.engines import Engine, engine_on, kafka_settings, running
from tests.log.ground import ground_on, leave, returning, said_on_postgres
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.server import Server


@pytest.fixture
def urls(cluster: SharedCluster, worker_id: str) -> DatabaseUrls:
    return cluster.clone(f"moving_{worker_id}")


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
        with pytest.raises(CrewhallError, match="in Postgres already"):
            await leave(urls, settings)
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
