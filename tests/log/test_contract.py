"""The contract of every log engine: the real ones and the fake pass the same tests."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.ports.memory_log import MemoryMessageLog
from crewhall.ports.message_log import Advanced, RecordType
from tests.log.engines import Engine, engine_on, kafka_settings
from tests.support.database import SharedCluster


@pytest.fixture(scope="module")
async def postgres(cluster: SharedCluster, worker_id: str) -> AsyncIterator[Engine]:
    async with engine_on(cluster.clone(f"log_{worker_id}"), LogSettings()) as made:
        yield made


@pytest.fixture(scope="module", params=["memory", "postgres", "kafka", "kafka_shared"])
async def engines(
    request: pytest.FixtureRequest, cluster: SharedCluster, worker_id: str
) -> AsyncIterator[Callable[[], Engine]]:
    """Each engine once for all tests; one in memory is made for each."""
    if request.param == "memory":
        yield lambda: Engine(MemoryMessageLog())
        return
    settings = LogSettings()
    if request.param != "postgres":
        broker = request.getfixturevalue("broker")
        settings = kafka_settings(broker.bootstrap, shared=4 if request.param == "kafka_shared" else 0)
    async with engine_on(cluster.clone(f"log_{request.param}_{worker_id}"), settings) as made:
        yield lambda: made


@pytest.fixture
def engine(engines: Callable[[], Engine]) -> Engine:
    return engines()


async def test_seqs_rise_and_what_is_acknowledged_is_readable(engine: Engine) -> None:
    conversation = await engine.conversation()
    acknowledged = [await engine.log.append(engine.record(conversation, f"m{n}")) for n in range(5)]
    assert [appended.seq for appended in acknowledged] == [1, 2, 3, 4, 5]
    assert await engine.contents(conversation) == [(n + 1, f"m{n}") for n in range(5)]
    assert await engine.log.head(engine.org, conversation) == 5


@pytest.mark.rule("X1")
async def test_a_repeated_client_id_is_the_same_record_and_another_body_is_refused(engine: Engine) -> None:
    conversation = await engine.conversation()
    first = await engine.log.append(engine.record(conversation, "once", client_id="a"))
    again = await engine.log.append(engine.record(conversation, "once", client_id="a"))
    assert (again.id, again.seq, again.is_new) == (first.id, first.seq, False)
    with pytest.raises(CrewhallError) as refused:
        await engine.log.append(engine.record(conversation, "twice", client_id="a"))
    assert refused.value.code == "client_id_reused"
    assert await engine.contents(conversation) == [(1, "once")]


async def test_the_same_client_id_at_the_same_time_is_written_once(engine: Engine) -> None:
    conversation = await engine.conversation()
    results = await asyncio.gather(
        *(engine.log.append(engine.record(conversation, "once", client_id="same")) for _ in range(20))
    )
    assert {appended.seq for appended in results} == {1}
    assert sum(appended.is_new for appended in results) == 1


async def test_many_writers_keep_their_own_order(engine: Engine) -> None:
    conversation, other = await engine.conversation(), await engine.conversation()

    async def write(writer: int) -> list[int]:
        target = conversation if writer % 2 else other
        return [(await engine.log.append(engine.record(target, f"{writer}-{n}"))).seq for n in range(20)]

    for seqs in await asyncio.gather(*(write(writer) for writer in range(16))):
        assert seqs == sorted(seqs)
    for target in (conversation, other):
        found = await engine.contents(target)
        assert [seq for seq, _ in found] == list(range(1, 161))
        assert len({content for _, content in found}) == 160


async def test_what_was_deleted_is_read_by_nobody(engine: Engine) -> None:
    conversation = await engine.conversation()
    first, kept = engine.record(conversation, "secret"), engine.record(conversation, "kept")
    first.title, first.html, first.metadata = "secret", "<p>secret</p>", {"secret": 1}
    edit, deletion = engine.record(conversation, "secret, edited"), engine.record(conversation, "")
    edit.type, deletion.type = RecordType.EDIT, RecordType.DELETION
    edit.target_id = deletion.target_id = first.id
    for record in (first, kept, edit, deletion):
        await engine.log.append(record)
    records = await engine.log.read(engine.org, conversation, after=0, limit=10)
    assert [(record.type, record.content, record.title) for record in records] == [
        ("message", "", None), ("message", "kept", None), ("edit", "", None), ("deletion", "", None),
    ]  # fmt: skip
    assert not any("secret" in f"{record.html} {record.metadata}" for record in records)


async def test_a_delivery_shows_its_message_as_it_is_now(engine: Engine) -> None:
    conversation, inbox = await engine.conversation(), await engine.conversation()
    heard: list[Advanced] = []
    engine.log.watch(lambda advanced: heard.append(advanced) if advanced else None)
    message = engine.record(conversation, "first")
    edit, deletion = engine.record(conversation, "second"), engine.record(conversation, "")
    edit.type, deletion.type = RecordType.EDIT, RecordType.DELETION
    message.html, edit.html = "first", "second"
    edit.target_id = deletion.target_id = message.id
    delivery = engine.record(inbox, "")
    delivery.type, delivery.target_id = RecordType.DELIVERY, message.id
    delivery.metadata = {"reason": "mention", "message": {"id": str(message.id), "content": "first", "html": "first"}}

    async def shown() -> tuple[str, str, bool]:
        (record,) = await engine.log.read(engine.org, inbox, after=0, limit=10)
        assert record.metadata
        assert record.metadata["reason"] == "mention"
        found = record.metadata["message"]
        return found["content"], found["html"], found.get("deleted_at") is not None

    await engine.log.append(message)
    await engine.log.append(delivery)
    assert await shown() == ("first", "first", False)
    await engine.log.append(edit)
    assert await shown() == ("second", "second", False)
    await engine.log.append(deletion)
    assert await shown() == ("", "", True)
    assert [advanced.records for advanced in heard if advanced.conversation_id == inbox] == [None]


async def test_reading_continues_after_a_seq(engine: Engine) -> None:
    conversation = await engine.conversation()
    for n in range(7):
        await engine.log.append(engine.record(conversation, str(n)))
    page = await engine.log.read(engine.org, conversation, after=2, limit=3)
    assert [record.seq for record in page] == [3, 4, 5]
    assert await engine.log.read(engine.org, conversation, after=7, limit=3) == []
    assert await engine.log.read(new_id(), conversation, after=0, limit=3) == []


@pytest.mark.rule("A3")
async def test_a_retired_or_missing_topic_takes_nothing(engine: Engine) -> None:
    conversation = await engine.conversation()
    await engine.log.append(engine.record(conversation, "kept", client_id="k"))
    await engine.close(conversation)
    for target in (conversation, new_id()):
        with pytest.raises(CrewhallError) as refused:
            await engine.log.append(engine.record(target))
        assert refused.value.code == "conversation_closed"
    assert await engine.contents(conversation) == [(1, "kept")]


async def test_a_stale_membership_version_is_refused(engine: Engine) -> None:
    conversation = await engine.conversation()
    record = engine.record(conversation)
    record.membership_version = 1
    assert (await engine.log.append(record)).seq == 1
    record = engine.record(conversation)
    record.membership_version = 99
    with pytest.raises(CrewhallError) as refused:
        await engine.log.append(record)
    assert refused.value.code == "membership_changed"


async def test_one_poisonous_record_harms_no_other(engine: Engine) -> None:
    conversation = await engine.conversation()
    records = [engine.record(conversation, f"m{n}" if n != 3 else "bad\0") for n in range(8)]
    results = await asyncio.gather(*(engine.log.append(record) for record in records), return_exceptions=True)
    refused = [n for n, result in enumerate(results) if isinstance(result, Exception)]
    assert refused == [3]
    assert isinstance(results[3], CrewhallError)
    assert results[3].code == "invalid"
    assert [content for _, content in await engine.contents(conversation)] == [f"m{n}" for n in range(8) if n != 3]


async def test_watchers_see_every_record_in_order_without_a_gap(engine: Engine) -> None:
    conversation = await engine.conversation()
    seen: list[int] = []
    expected = 0

    def watch(advanced: Advanced | None) -> None:
        nonlocal expected
        if advanced is None or advanced.conversation_id != conversation:
            return
        assert advanced.previous_seq == expected
        assert advanced.records is not None
        seen.extend(record.seq for record in advanced.records)
        expected = advanced.last_seq

    engine.log.watch(watch)
    await asyncio.gather(*(engine.log.append(engine.record(conversation, str(n))) for n in range(50)))
    assert seen == list(range(1, 51))
