"""An agent's program, with a plain client of Kafka: it reads one topic and writes to another."""

import contextlib
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from jsonschema import Draft202012Validator

from tests.architecture.source import DOCS
from tests.identity.hall import Org
from tests.support.server import AgentClient, Server
from tests.support.waiting import until

SCHEMAS = {
    kind: Draft202012Validator(msgspec.json.decode((DOCS / "schemas" / f"kafka-{kind}.json").read_bytes()))
    for kind in ("inbox", "outbox", "refused")
}
"""As they are published."""


async def on_kafka(server: Server, org: Org, agent: AgentClient) -> dict[str, Any]:
    """Give an agent topics and wait until they are there."""
    (await org.owner.api.post(f"/agents/{agent.id}/topics")).raise_for_status()
    return await until(lambda: when(org, agent, lambda shown: shown["state"] == "ready"))


async def when(org: Org, agent: AgentClient, holds: Any) -> dict[str, Any] | None:
    """The topics of an agent, once something holds of them."""
    shown = (await org.owner.api.get(f"/agents/{agent.id}/topics")).raise_for_status().json()
    return shown if holds(shown) else None


class Program:
    """Reads and writes as one agent."""

    def __init__(self, bootstrap: str, topics: dict[str, Any], stack: contextlib.AsyncExitStack) -> None:
        self.topics = topics
        self._bootstrap = bootstrap
        self._stack = stack
        self._producer: AIOKafkaProducer | None = None
        self._readers: dict[str, AIOKafkaConsumer] = {}

    async def next(self, kind: str = "inbox") -> dict[str, Any]:
        """The next record of the topic of that kind."""
        if kind not in self._readers:
            group = self.topics["consumer_group"]
            reader = AIOKafkaConsumer(
                self.topics[f"{kind}_topic"],
                bootstrap_servers=self._bootstrap,
                group_id=group if kind == "inbox" else f"{group}-{kind}",
                auto_offset_reset="earliest",
            )
            await reader.start()
            self._stack.push_async_callback(reader.stop)
            self._readers[kind] = reader
        record = await self._readers[kind].getone()
        value = msgspec.json.decode(record.value)
        SCHEMAS[kind].validate(value)
        return {"headers": dict(record.headers), "key": record.key, **value}

    async def leave(self) -> None:
        """Stop reading the inbox, with what was read noted."""
        reader = self._readers.pop("inbox")
        await reader.commit()
        await reader.stop()

    async def say(self, conversation_id: str, content: str, **fields: Any) -> None:
        """Say something in a conversation."""
        said = {"conversation_id": conversation_id, "content": content, **fields}
        SCHEMAS["outbox"].validate(said)
        await self.send(msgspec.json.encode(said))

    async def send(self, value: bytes, headers: list[tuple[str, bytes]] | None = None) -> None:
        """Send a record to the outbox, whatever it is."""
        if self._producer is None:
            self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all")
            await self._producer.start()
            self._stack.push_async_callback(self._producer.stop)
        await self._producer.send_and_wait(self.topics["outbox_topic"], value, headers=headers or [])


class Programs:
    """Programs that are started, and ended together."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def start(self, topics: dict[str, Any]) -> Program:
        """The program of the agent that has these topics."""
        return Program(self._bootstrap, topics, self._stack)
