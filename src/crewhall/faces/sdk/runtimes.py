"""Where agents are served, and how they answer."""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.runs import RunAgent
from crewhall.faces.sdk.transport import Nothing, Transport, join


class AgentRuntime(msgspec.Struct, frozen=True, kw_only=True):
    """The address at which an agent is served. `secret` is there only right after it was made or rotated."""

    id: str
    agent_id: str
    base_url: str
    health: str
    failures: int = 0
    failing_since: datetime | None = None
    last_ok_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    p50_ms: int | None = None
    previous_until: datetime | None = None
    secret: str | None = None


class RuntimeCall(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was made to it."""

    id: str
    webhook_id: str
    is_ok: bool
    duration_ms: int
    created_at: datetime
    run_id: str | None = None
    status: int | None = None
    error: str | None = None


class AgentOnKafka(msgspec.Struct, frozen=True, kw_only=True):
    """The topics of an agent at Kafka, and how it goes with them. `refused` counts what it said and was not posted."""

    id: str
    agent_id: str
    state: str
    bootstrap: str
    prefix: str
    inbox_topic: str
    outbox_topic: str
    refused_topic: str
    consumer_group: str
    grants: list[str]
    waiting: int = 0
    answered_by: str | None = None
    failures: int = 0
    failing_since: datetime | None = None
    last_error: str | None = None
    fed_at: datetime | None = None
    heard_at: datetime | None = None
    refused: int = 0
    last_refusal: str | None = None
    last_refused_at: datetime | None = None


class LastTurn(msgspec.Struct, frozen=True):
    """The newest turn of an agent, in short. `delivered`: its own program was told, whatever that made of it."""

    id: str
    status: str
    created_at: datetime
    reason: str | None = None


class RuntimeHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent answers (resident, webhook, kafka, client, polling, nobody), and whether it does."""

    agent: RunAgent
    way: str
    health: str
    since: datetime | None = None
    base_url: str | None = None
    last_seen_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    p50_ms: int | None = None
    last_turn: LastTurn | None = None
    waiting: int = 0
    open: int = 0


class Runtimes:
    """Where the agents are served that the signed-in person manages."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> AsyncIterator[RuntimeHealth]:
        """Give how each agent answers, and whether it does."""
        return walk(self._transport, "/runtimes", Page[RuntimeHealth])

    async def get(self, agent_id: str) -> AgentRuntime:
        """Give where an agent is served."""
        return await self._transport.call("GET", join("agents", agent_id, "runtime"), AgentRuntime)

    async def serve(self, agent_id: str, base_url: str) -> AgentRuntime:
        """Serve an agent at an address; `secret` of the answer is shown this once."""
        body = {"base_url": base_url}
        return await self._transport.call("POST", join("agents", agent_id, "runtime"), AgentRuntime, body=body)

    async def move(self, agent_id: str, base_url: str) -> AgentRuntime:
        """Serve an agent at another address, with the same secret."""
        body = {"base_url": base_url}
        return await self._transport.call("PATCH", join("agents", agent_id, "runtime"), AgentRuntime, body=body)

    async def rotate(self, agent_id: str, *, overlap_seconds: int = 86400) -> AgentRuntime:
        """Sign with a new secret; the old one signs along for that long."""
        path = join("agents", agent_id, "runtime", "rotate")
        return await self._transport.call("POST", path, AgentRuntime, body={"overlap_seconds": overlap_seconds})

    async def remove(self, agent_id: str) -> None:
        """Serve an agent at no address any more."""
        await self._transport.call("DELETE", join("agents", agent_id, "runtime"), Nothing)

    async def test(self, agent_id: str) -> RuntimeCall:
        """Send a signed ping to where an agent is served, and give how that went."""
        return await self._transport.call("POST", join("agents", agent_id, "runtime", "test"), RuntimeCall)

    def calls(self, agent_id: str) -> AsyncIterator[RuntimeCall]:
        """Give the requests that were made there, newest first."""
        return walk(self._transport, join("agents", agent_id, "runtime", "calls"), Page[RuntimeCall])

    async def topics(self, agent_id: str) -> AgentOnKafka:
        """Give the topics of an agent at Kafka."""
        return await self._transport.call("GET", join("agents", agent_id, "topics"), AgentOnKafka)

    async def give_topics(self, agent_id: str) -> AgentOnKafka:
        """Give an agent topics at Kafka; they are there when `state` says `ready`."""
        return await self._transport.call("POST", join("agents", agent_id, "topics"), AgentOnKafka)

    async def remove_topics(self, agent_id: str) -> None:
        """Take an agent's topics away, with what is in them."""
        await self._transport.call("DELETE", join("agents", agent_id, "topics"), Nothing)
