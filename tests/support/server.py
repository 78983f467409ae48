"""The whole product, served for real: every route and socket on a port of its own, in the test's process."""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import httpx
import msgspec
import pytest
from websockets import Close, ConnectionClosed
from websockets.asyncio.client import ClientConnection, connect

from crewhall.faces.http.server import HallServer, address_of, bind
from crewhall.faces.live.hub import Hub
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.postgres.urls import DatabaseUrls
from crewhall.kernel.process_kinds import ProcessKind
from crewhall.kernel.settings import KernelSettings
from crewhall.main import open_hall
from crewhall.main.serving import leaving_of
from tests.identity.hall import Hall, Member, Org
from tests.support.tails import tail
from tests.support.waiting import bounded
from tests.support.wire import WireClient

POOL = 6
"""Connections of one server's pool: several servers of several workers share Postgres' hundred."""


@dataclass
class AgentClient:
    """An agent with a key, as a client of the API."""

    id: str
    code: str
    key: str
    inbox_id: str
    api: httpx.AsyncClient


class Server(Hall):
    """A running product, or a process of one kind, with short ways to people, organizations, agents and channels."""

    def __init__(self, urls: DatabaseUrls, *, kind: ProcessKind = ProcessKind.UP, **settings: Any) -> None:
        super().__init__(urls.app)
        self._urls = urls
        self._kind = kind
        self._stack = contextlib.AsyncExitStack()
        self.home = Path(self._stack.enter_context(TemporaryDirectory(prefix="crewhall-")))
        own = {"home": self.home, "host": "127.0.0.1", "port": 0, "database_pool": POOL}
        self._kernel = KernelSettings(**{**own, **settings})
        self._api: list[httpx.AsyncClient] = []

    async def is_at_rest(self) -> bool:
        """Whether none of its transactions is under way."""
        stats = self.db.pool.get_stats()
        return stats.get("pool_available") == stats["pool_size"]

    async def __aenter__(self) -> Self:
        listener = bind("127.0.0.1", 0)
        self._stack.callback(listener.close)
        self.address = address_of(listener, "127.0.0.1")
        hall = await self._stack.enter_async_context(open_hall(self._kernel, self._urls, self.address, self._kind))
        self.services, self.setup_link = hall.services, hall.setup_link
        self.db, self.settings = hall.services.db, hall.services.settings_of(IdentitySettings)
        self.hub = hall.services.part(Hub)
        ready = asyncio.Event()
        self._server = HallServer(hall.application, hall.hub, ready.set, leaving_of(self._kernel, hall, self._kind))
        self._task = asyncio.create_task(self._server.serve([listener]))
        await asyncio.wait({self._task, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
        return self

    def leave(self) -> None:
        """Tell it to stop, as a signal does."""
        self._server.end()

    async def has_left(self) -> None:
        """Wait until it answers nobody any more."""
        await asyncio.shield(self._task)

    async def __aexit__(self, *_: object) -> None:
        for client in self._api:
            await client.aclose()
        self._server.should_exit = True
        await self._task
        await self._stack.aclose()

    def client(
        self, token: str | None = None, *, cookie: str | None = None, address: str | None = None
    ) -> httpx.AsyncClient:
        """A client of the API, signed in by token or cookie, or a guest."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if cookie:
            headers["cookie"] = f"crewhall_session={cookie}"
        base_url = f"{self.address}/api/v1"
        made = WireClient(base_url=base_url, headers=headers)
        self._api.append(made)
        return made

    async def hire(self, org: Org, code: str | None = None, **fields: Any) -> AgentClient:
        """Create an agent with a key."""
        code = code or f"agent-{tail()}"
        made = (await org.owner.api.post("/agents", json={"name": code, "code": code, **fields})).raise_for_status()
        agent = made.json()
        key = (await org.owner.api.post(f"/agents/{agent['id']}/credentials", json={})).raise_for_status().json()["key"]
        shown = (await org.owner.api.get(f"/agents/{agent['id']}")).raise_for_status().json()
        return AgentClient(agent["id"], code, key, shown["inbox_id"], self.client(key))

    async def channel(self, member: Member, **fields: Any) -> str:
        """Create a channel; returns its id."""
        body = {"kind": "channel", "name": f"c-{tail()}", **fields}
        made = (await member.api.post("/conversations", json=body)).raise_for_status()
        return str(made.json()["id"])

    async def general(self, org: Org) -> str:
        """The id of #general."""
        found = (await org.owner.api.get("/conversations", params={"kind": "channel"})).raise_for_status().json()
        return next(str(item["id"]) for item in found["items"] if item["name"] == "general")

    def live(self, token: str, **options: Any) -> connect:
        """Open the live socket: `async with server.live(token) as socket`."""
        url = self.address.replace("http", "ws", 1) + "/api/v1/live"
        return connect(url, additional_headers={"authorization": f"Bearer {token}"}, **options)


def token_of(api: httpx.AsyncClient) -> str:
    """The bearer token that a client sends."""
    return api.headers["authorization"].removeprefix("Bearer ")


async def until_closed(socket: ClientConnection, within: float = 5) -> Close:
    """Read whatever is still under way to a listener until the server closes; what it says of that."""
    with pytest.raises(ConnectionClosed) as closed:
        async with bounded(within):
            while True:
                await socket.recv()
    assert closed.value.rcvd is not None, "it says nothing"
    return closed.value.rcvd


async def frames_until(
    socket: ClientConnection, wanted: str, *, whole: bool = False, **told: Any
) -> list[dict[str, Any]]:
    """Read frames up to the first of type `wanted`, or ephemeral event of that name, that says what is `told`.

    Other ephemeral frames are left out unless the `whole` is asked for: they come when they like.
    """
    frames: list[dict[str, Any]] = []
    async with bounded(20):
        while True:
            frame = msgspec.json.decode(await socket.recv())
            kind = frame.get("event", frame["type"])
            if whole or kind == wanted or frame["type"] != "ephemeral":
                frames.append(frame)
            if kind == wanted and frame.items() >= told.items():
                return frames
