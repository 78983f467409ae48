"""Agents on Kafka where Kafka keeps the messages, too, and what such a server says of itself."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from crewhall.adapters.kafka.client import make_producer
from crewhall.adapters.kafka.records import VERSION_HEADER
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.actor import system_actor
from tests.conversations.ways import group, post
from tests.identity.hall import Org
from tests.kafka_agents.program import Programs, on_kafka
from tests.kafka_agents.test_talking import said
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.server import Server
from tests.support.tails import tail
from tests.support.waiting import until


@pytest.fixture(scope="module")
async def server(cluster: SharedCluster, broker: SharedBroker, worker_id: str) -> AsyncIterator[Server]:
    """The product with CREWHALL_LOG=kafka."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREWHALL_LOG", "kafka")
        patch.setenv("CREWHALL_KAFKA_BOOTSTRAP", broker.bootstrap)
        patch.setenv("CREWHALL_KAFKA_PREFIX", f"t{tail()}")
        async with Server(cluster.clone(f"kafka_all_{worker_id}")) as running:
            yield running


@pytest.mark.rule("X4")
async def test_an_agent_hears_and_answers_where_kafka_is_the_log(server: Server, org: Org, programs: Programs) -> None:
    agent = await server.hire(org)
    circle = await group(org.owner, agent)
    program = programs.start(await on_kafka(server, org, agent))
    asked = await post(org.owner, circle, f"are you there, @{agent.code}")
    heard = await program.next()
    assert (heard["reason"], heard["message"]["id"]) == ("mention", asked["id"])
    for _ in range(2):
        await program.say(circle, "here I am", client_id=f"answer:{asked['id']}")
    await program.say(circle, "and here still")
    found = await said(org, circle, 3)
    assert [message["content"] for message in found[1:]] == ["here I am", "and here still"]
    assert {message["author"]["id"] for message in found[1:]} == {agent.id}


async def test_a_server_says_that_a_partition_stands_still_and_goes_on(server: Server, org: Org) -> None:
    broken, well = await group(org.owner), await group(org.owner)
    await post(org.owner, broken, "before")
    async with server.db.transaction(system_actor(org.id)) as tx:
        topic = await tx.value("select topic from log_topics where conversation_id = %(id)s", {"id": UUID(broken)})
    producer = make_producer(server.services.settings_of(LogSettings))
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"{}", partition=0, headers=[(VERSION_HEADER, b"2")])
    finally:
        await producer.stop()

    async def stands_still() -> bool:
        found = await server.client().get(f"{server.address}/health/ready")
        assert (found.status_code, found.json()["status"], found.json()["log"]["engine"]) == (200, "ok", "kafka")
        return bool(found.json()["log"]["stopped"] == 1)

    await until(stands_still)
    assert (await post(org.owner, well, "goes on"))["content"] == "goes on"
