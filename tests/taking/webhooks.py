"""A runtime that is scripted: it checks what it is sent, and answers as it is told."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import httpx

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database
from crewhall.kernel.outbound import Outbound
from crewhall.kernel.webhook_signatures import verify
from crewhall.runtime.calling import RuntimeCaller
from crewhall.runtime.runtimes import serve_agent
from crewhall.runtime.schemas_runtimes import NewAgentRuntime
from tests.identity.hall import Org
from tests.taking.hall import Asked, TakingHall

ADDRESS = "https://agents.example.org/scout"


class Answered(NamedTuple):
    """An answer over HTTP."""

    status: int
    body: bytes
    headers: dict[str, str]


Reply = Answered | Exception | dict[str, Any]


class Names:
    """Every name stands at one address."""

    def __init__(self, address: str = "93.184.216.34") -> None:
        self.address = address

    async def resolve(self, host: str, port: int) -> list[str]:
        return [self.address]


class Elsewhere(httpx.AsyncBaseTransport):
    """Where an agent is served. `replies` are given in turn, the last one again and again."""

    def __init__(self, *replies: Reply | Callable[[dict[str, Any]], Any]) -> None:
        self.replies = list(replies)
        self.secrets: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.ids: list[str] = []
        self.waits: list[float] = []

    async def note_wait(self, seconds: float) -> None:
        """Wait in its caller's place: not at all."""
        self.waits.append(seconds)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        verify(self.secrets, request.headers, body, datetime.now(UTC))
        self.raw.append(body)
        self.sent.append(json.loads(body))
        self.ids.append(request.headers["webhook-id"])
        reply: Any = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply):
            reply = await reply(self.sent[-1])
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, dict):
            reply = answered(200, json.dumps(reply).encode())
        return httpx.Response(reply.status, headers=reply.headers, stream=httpx.ByteStream(reply.body))


def answered(status: int, body: bytes = b"", **headers: str) -> Answered:
    """A response of a runtime."""
    return Answered(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def caller_of(hall: TakingHall, elsewhere: Elsewhere, names: Names | None = None, **settings: Any) -> RuntimeCaller:
    """What asks it, without waiting in between."""
    kept = hall.turn_settings.model_copy(update=settings)
    out = Outbound(
        most_bytes=kept.webhook_kb * 1024, time_s=kept.webhook_timeout_s,
        private=kept.outbound_private_hosts.split(), resolver=names or Names(), transport=elsewhere,
    )  # fmt: skip
    return RuntimeCaller(
        hall.db, hall.signals, kept, base_url="https://hall.test", outbound=out, sleep=elsewhere.note_wait
    )


async def serve(hall: TakingHall, org: Org, agent: Actor, elsewhere: Elsewhere, url: str = ADDRESS) -> NewAgentRuntime:
    """Serve an agent there."""
    async with hall.db.transaction(org.owner.actor) as tx:
        made = await serve_agent(tx, org.owner.actor, agent.id, url, hall.turn_settings)
    elsewhere.secrets.append(made.secret)
    return made


async def ask(hall: TakingHall, org: Org, elsewhere: Elsewhere, content: str = "hello @{}", **fields: Any) -> Asked:
    """Ask an agent that is served there something; decided, not taken."""
    agent = await hall.hire(org, **{"model_config": {}, **fields})
    await serve(hall, org, agent, elsewhere)
    circle = await hall.group(org, agent)
    await hall.say(org.owner.actor, circle, content.format(agent.name))
    return await hall.decided(org, circle, agent)


async def calls_of(db: Database, actor: Actor, run_id: UUID) -> list[tuple[bool, int | None, str | None]]:
    """How the calls about a run went."""
    async with db.transaction(actor) as tx:
        rows = await tx.values(
            "select jsonb_build_array(is_ok, status, error) from runtime_calls where run_id = %(id)s order by id",
            {"id": run_id},
        )
    return [tuple(row) for row in rows]
