"""What goes for good on Kafka goes there, too; and what a repair brings back is attached and found as before."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from crewhall.adapters.kafka.client import make_admin
from crewhall.adapters.kafka.rebuild import Rebuilt, rebuild
from crewhall.adapters.kafka.records import encode_record
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.actor import ActorType
from crewhall.kernel.clock import utc_now
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres import DatabaseUrls
from crewhall.ports.message_log import Advanced, Author, NewRecord
from crewhall.work import purge_deleted
from tests.conversations.ways import caught_up, post
from tests.identity.hall import Org
from tests.log.engines import kafka_settings, running
from tests.log.ground import ground_on, until
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.server import Server
from tests.support.waiting import until as until_async


@pytest.fixture(scope="module")
def urls(cluster: SharedCluster, worker_id: str) -> DatabaseUrls:
    return cluster.clone(f"kafka_purged_{worker_id}")


@pytest.fixture(scope="module")
def settings(broker: SharedBroker) -> LogSettings:
    return kafka_settings(broker.bootstrap)


@pytest.fixture(scope="module")
async def server(urls: DatabaseUrls, settings: LogSettings) -> AsyncIterator[Server]:
    """The product with its messages in Kafka."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREWHALL_LOG", "kafka")
        patch.setenv("CREWHALL_KAFKA_BOOTSTRAP", settings.kafka_bootstrap)
        patch.setenv("CREWHALL_KAFKA_PREFIX", settings.kafka_prefix)
        async with Server(urls) as made:
            yield made


@pytest.fixture
def operator(urls: DatabaseUrls, server: Server) -> Any:
    """The administrator's connection."""
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        yield connection


async def topics_of(settings: LogSettings) -> list[str]:
    admin = make_admin(settings)
    await admin.start()
    try:
        return list(await admin.list_topics())
    finally:
        await admin.close()


@pytest.mark.rule("A3", "D11")
async def test_the_topic_of_an_agents_inbox_is_kept_until_the_agent_is_purged(
    server: Server, org: Org, settings: LogSettings, operator: Any
) -> None:
    agent = await server.hire(org)
    inbox = UUID(agent.inbox_id)
    record = NewRecord(
        org_id=org.id, conversation_id=inbox, author=Author(ActorType.USER, org.owner.id, "Ada"), content="hello"
    )
    log = server.hub._log
    await log.append(record)
    read = "select topic from log_topics where conversation_id = %s and state = 'ready'"
    ((topic,),) = operator.execute(read, (inbox,)).fetchall()

    (await org.owner.api.delete(f"/agents/{agent.id}", params={"confirm": agent.code})).raise_for_status()
    with pytest.raises(CrewhallError) as refused:
        await log.append(record)
    assert refused.value.code == "conversation_closed"
    assert operator.execute(read, (inbox,)).fetchall() == [(topic,)]
    assert topic in await topics_of(settings)
    assert [one.content for one in await log.read(record.org_id, inbox, after=0, limit=9)] == ["hello"]

    assert purge_deleted(operator, "agent", UUID(agent.id))["conversations"] == 1

    async def is_gone() -> bool:
        return topic not in await topics_of(settings)

    await until_async(is_gone)
    await until(lambda: not operator.execute("select from log_topics where topic = %s", (topic,)).fetchall())
    assert operator.execute("select from log_partitions where topic = %s", (topic,)).fetchall() == []


@pytest.mark.rule("A4")
async def test_what_a_repair_brings_back_is_attached_and_found(
    server: Server, org: Org, settings: LogSettings, operator: Any
) -> None:
    general = await server.general(org)
    held = await org.owner.api.post(f"/conversations/{general}/files", params={"name": "a.txt"}, content=b"words")
    file = held.raise_for_status().json()["id"]
    await post(org.owner, general, "ibis", files=[file])
    edited, deleted = await post(org.owner, general, "heron"), await post(org.owner, general, "stork")
    path = f"/conversations/{general}/messages"
    (await org.owner.api.patch(f"{path}/{edited['id']}", json={"content": "egret"})).raise_for_status()
    (await org.owner.api.delete(f"{path}/{deleted['id']}")).raise_for_status()
    await caught_up(server.db, "search")
    conversation, before = UUID(general), _derived(operator, general)
    assert (len(before[0]), before[1] != []) == (1, True)
    assert (await _rebuilt(operator, settings, conversation)).is_equal

    operator.execute("alter table message_records disable trigger user")
    for table in ("message_search", "message_files", "message_overlays", "message_records"):
        lose = psycopg.sql.SQL("delete from {} where conversation_id = %s").format(psycopg.sql.Identifier(table))
        operator.execute(lose, (conversation,))
    operator.execute("alter table message_records enable trigger user")

    said = await _rebuilt(operator, settings, conversation)
    assert (said.missing, said.is_equal) == (said.records, False)
    assert _derived(operator, general) == [[], []], "it is only said"
    repaired = await _rebuilt(operator, settings, conversation, repair=True)
    assert (repaired.files, repaired.unsearched) == (1, len(before[1]))
    assert _derived(operator, general) == before
    assert (await _rebuilt(operator, settings, conversation)).is_equal
    for q, found in (("ibis has:file", ["ibis"]), ("egret", ["egret"]), ("heron", []), ("stork", [])):
        answer = await org.owner.api.get("/search", params={"q": q})
        assert [one["content"] for one in answer.raise_for_status().json()["items"]] == found, q
    assert (await org.owner.api.get(f"/files/{file}/content")).content == b"words"


@pytest.mark.rule("A4")
async def test_what_alone_is_not_attached_or_found_is_told_and_put_right(
    server: Server, org: Org, settings: LogSettings, operator: Any
) -> None:
    general = await server.general(org)
    held = await org.owner.api.post(f"/conversations/{general}/files", params={"name": "a.txt"}, content=b"words")
    await post(org.owner, general, "ibis", files=[held.raise_for_status().json()["id"]])
    await post(org.owner, general, "heron")
    await caught_up(server.db, "search")
    conversation, before = UUID(general), _derived(operator, general)
    operator.execute("delete from message_files where conversation_id = %s", (conversation,))
    operator.execute("delete from message_search where conversation_id = %s and seq = 2", (conversation,))
    said = await _rebuilt(operator, settings, conversation, repair=True)
    assert (said.missing, said.overlays, said.files, said.unsearched) == (0, 0, 1, 1)
    assert _derived(operator, general) == before
    assert (await _rebuilt(operator, settings, conversation)).is_equal


async def _rebuilt(operator: Any, settings: LogSettings, conversation: UUID, *, repair: bool = False) -> Rebuilt:
    (one,) = [one async for one in rebuild(operator, settings, conversation=conversation, repair=repair)]
    return one


def _derived(operator: Any, conversation: str) -> list[list[Any]]:
    """Files at messages, and what search finds them by."""
    return [
        operator.execute(query, (conversation,)).fetchall()
        for query in (
            "select to_jsonb(k) from message_files k where conversation_id = %s order by message_id, file_id",
            "select to_jsonb(s) from message_search s where conversation_id = %s order by message_id",
        )
    ]


async def test_a_record_that_is_refused_makes_nobody_forget_other_conversations(
    cluster: SharedCluster, settings: LogSettings, worker_id: str
) -> None:
    heard: list[Advanced | None] = []
    async with ground_on(cluster.clone(f"kafka_refused_{worker_id}"), settings) as ground:
        conversation = await ground.engine.conversation()
        await ground.engine.log.append(ground.engine.record(conversation, "before"))
        async with running(ground.urls, ground.settings, projects=False) as (parts, _, _):
            parts.log.watch(heard.append)
            poison = ground.engine.record(conversation, "bad\0")
            await ground.send(conversation, encode_record(poison, utc_now()))
            await until(lambda: ground.query("select from log_refusals where record_id = %s", poison.id))
            await until(lambda: heard)
            assert [one and one.conversation_id for one in heard] == [conversation]
