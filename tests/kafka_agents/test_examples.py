"""The agents of examples/kafka: a plain client of Kafka in Python and in Java, with the grants of the documentation."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import TopicAuthorizationFailedError
from aiokafka.protocol.admin import CreateAclsRequest

from scripts.broker import PASSWORDS
from tests.architecture.source import ROOT
from tests.conversations.ways import group, post
from tests.identity.hall import Org
from tests.kafka_agents.program import on_kafka
from tests.scripts.test_broker import signed_in
from tests.support.kafka import SharedBroker
from tests.support.server import AgentClient, Server
from tests.support.waiting import bounded, until

EXAMPLES = ROOT / "examples" / "kafka"


class Running:
    """Programs that were started; they are ended with the test."""

    def __init__(self) -> None:
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self, *command: str, **environment: str) -> asyncio.subprocess.Process:
        """Start a program and wait until it listens."""
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
        )
        self._processes.append(process)
        assert process.stdout is not None
        async with bounded(60):
            assert await process.stdout.readline() == b"listening\n"
        return process

    async def end(self) -> None:
        """End them as a supervisor would."""
        for process in self._processes:
            if process.returncode is None:
                process.terminate()
            async with bounded(30):
                await process.communicate()


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    made = Running()
    yield made
    await made.end()


LITERAL, ALLOW = 3, 3
KINDS = {"--topic": 2, "--group": 3}
OPERATIONS = {"Read": 3, "Write": 4}


async def grant(bootstrap: str, lines: list[str], user: str) -> None:
    """Do what `kafka-acls.sh` would do with these lines."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for line in lines:
            add, allow, principal, _, operation, kind, name = line.split()
            assert (add, allow) == ("--add", "--allow-principal")
            asked = CreateAclsRequest(
                KINDS[kind], name, LITERAL, principal.replace("AGENT", user), "*", OPERATIONS[operation], ALLOW
            )
            answer = await admin._send_to_controller(asked)
            assert [one["error_code"] for one in answer.to_object()["creation_responses"]] == [0]
    finally:
        await admin.close()


async def answers(org: Org, circle: str, agent: AgentClient, count: int) -> list[dict[str, Any]]:
    """What the agent said, once it has said so much."""

    async def look() -> list[dict[str, Any]] | None:
        items = (await org.owner.api.get(f"/conversations/{circle}/messages")).raise_for_status().json()["items"]
        mine = [item for item in items if item["author"]["id"] == agent.id]
        return mine if len(mine) >= count else None

    return await until(look)


@pytest.mark.slow
@pytest.mark.rule("X4")
async def test_the_agent_in_python_talks_in_a_conversation(
    server: Server, org: Org, broker: SharedBroker, running: Running
) -> None:
    agent = await server.hire(org)
    circle = await group(org.owner, agent)
    topics = await on_kafka(server, org, agent)
    await grant(broker.bootstrap, topics["grants"], "agent")
    await running.start(
        sys.executable, str(EXAMPLES / "agent.py"), CREWHALL_TOPICS=topics["prefix"],
        KAFKA_BOOTSTRAP=broker.secure_bootstrap, KAFKA_USER="agent", KAFKA_PASSWORD=PASSWORDS["agent"],
        KAFKA_CA=str(broker.authority),
    )  # fmt: skip
    asked = await post(org.owner, circle, f"@{agent.code} count these five words")
    (answer,) = await answers(org, circle, agent, 1)
    assert answer["content"] == f"{asked['author']['name']}, you wrote 5 words."
    assert answer["client_id"] == f"answer:{asked['id']}"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.rule("X4")
async def test_the_agent_in_java_talks_in_a_conversation(
    server: Server, org: Org, broker: SharedBroker, running: Running, tmp_path: Path
) -> None:
    agent = await server.hire(org)
    circle = await group(org.owner, agent)
    topics = await on_kafka(server, org, agent)
    await grant(broker.bootstrap, topics["grants"], "agent")
    project = shutil.copytree(EXAMPLES / "java", tmp_path / "java", ignore=shutil.ignore_patterns("target"))
    await asyncio.to_thread(built, project)
    settings = tmp_path / "client.properties"
    settings.write_text(
        f"security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location={broker.authority}\n"
        "sasl.mechanism=PLAIN\nsasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required"
        f' username="agent" password="{PASSWORDS["agent"]}";\n'
    )
    program = await running.start(
        "java", "-Xmx64m", "-cp", f"{project}/target/classes:{project}/target/lib/*", "dev.crewhall.example.Agent",
        CREWHALL_TOPICS=topics["prefix"], KAFKA_BOOTSTRAP=broker.secure_bootstrap, KAFKA_SETTINGS=str(settings),
    )  # fmt: skip
    said = f'@{agent.code} three "wörds" 🎉'
    asked = await post(org.owner, circle, said)
    under = await post(org.owner, circle, f"@{agent.code} here?", parent_id=asked["id"])
    first, second = await answers(org, circle, agent, 2)
    name = asked["author"]["name"]
    assert (first["content"], first["parent_id"]) == (f"{name}, you wrote 4 words, says Java.", None)
    assert (second["content"], second["parent_id"]) == (f"{name}, you wrote 2 words, says Java.", asked["id"])
    assert second["client_id"] == f"answer:{under['id']}"
    program.terminate()
    out, _ = await program.communicate()
    assert out == b"stopped\n"


def built(project: Path) -> None:
    """Build it as its README says, with Maven."""
    made = subprocess.run(
        ["mvn", "-B", "-q", "compile", "dependency:copy-dependencies", "-DoutputDirectory=target/lib"],
        cwd=project, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr


async def test_a_program_writes_to_its_outbox_alone(server: Server, org: Org, broker: SharedBroker) -> None:
    agent, other = await server.hire(org), await server.hire(org)
    mine, theirs = await on_kafka(server, org, agent), await on_kafka(server, org, other)
    await grant(broker.bootstrap, mine["grants"], "agent")
    producer = AIOKafkaProducer(bootstrap_servers=broker.secure_bootstrap, **signed_in(broker, "agent"))
    async with producer:
        await producer.send_and_wait(mine["outbox_topic"], b"{}")
        for refused in (mine["inbox_topic"], theirs["outbox_topic"]):
            with pytest.raises(TopicAuthorizationFailedError):
                await producer.send_and_wait(refused, b"{}")
