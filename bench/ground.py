"""Where rows are measured: a data folder with its Postgres, the product serving on it, and the floors beside it."""

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx

from bench.meter import Meter
from bench.programs import Program
from crewhall.kernel.postgres import DatabaseUrls, EmbeddedPostgres
from crewhall.kernel.postgres.urls import DATABASE
from scripts.broker import Broker

EMAIL = "ada@example.test"
PASSWORD = "a password for benches only"
UNLIMITED = str(10**9)
TIMEOUT_S = 120
AT_ONCE = 4
"""Channels that are opened side by side."""


class Skip(Exception):
    """A row cannot be measured here; the message says why."""


def server_environment(home: Path) -> dict[str, str]:
    """The environment of a server on a home: a free port, an owner, and no limits in the way of the load."""
    return {
        "CREWHALL_HOME": str(home),
        "CREWHALL_HOST": "127.0.0.1",
        "CREWHALL_PORT": "0",
        "CREWHALL_OWNER_EMAIL": EMAIL,
        "CREWHALL_OWNER_PASSWORD": PASSWORD,
        "CREWHALL_LOG_LEVEL": "warning",
        "CREWHALL_MESSAGES_BY_MEANING": "false",  # a million messages would be embedded beside what is measured
        "CREWHALL_RATE_ADDRESS_PER_MINUTE": UNLIMITED,
        "CREWHALL_RATE_ACTOR_PER_MINUTE": UNLIMITED,
        "CREWHALL_RATE_POST_PER_SECOND": UNLIMITED,
        "CREWHALL_RATE_LOGIN_PER_MINUTE": UNLIMITED,
        "CREWHALL_LIVE_CONNECTIONS_PER_ACTOR": UNLIMITED,
    }


@contextlib.contextmanager
def temporary_home() -> Iterator[Path]:
    """An empty data folder, removed with all that is in it. Open to the user who runs Postgres for root."""
    home = Path(tempfile.mkdtemp(prefix="crewhall-bench-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


class Ground:
    """One home, served. Use `async with Ground(home) as ground`."""

    def __init__(
        self,
        home: Path,
        environment: dict[str, str] | None = None,
        model: Program | None = None,
        broker: Broker | None = None,
    ) -> None:
        """`model` answers agents, `broker` keeps the messages; both are somebody else's to stop."""
        self.home = home
        self.neighbours: set[int] = set()
        """Process trees of another ground that take part in what is measured here."""
        self._environment = dict(environment or {})
        if model is not None:
            self.model = model
            self._environment |= {"CREWHALL_MODEL_ENDPOINTS": f"bench={model.address}/v1"}
        self._broker = broker
        if broker is not None:
            self._environment |= {"CREWHALL_LOG": "kafka", "CREWHALL_KAFKA_BOOTSTRAP": broker.bootstrap}
        self._postgres = EmbeddedPostgres(home, dump_on_stop=False)
        self._floors: Program | None = None
        self._channels: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self.urls: DatabaseUrls = await asyncio.to_thread(self._postgres.start)
        try:
            self.superuser_url = self._postgres.superuser_url(DATABASE)
            await self.serve()
            await self._sign_in()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if hasattr(self, "api"):
            await self.api.aclose()
        if hasattr(self, "server"):
            await self.server.stop()
        if self._floors:
            await self._floors.stop()
        await asyncio.to_thread(self._postgres.release)

    async def serve(self) -> None:
        """Start the server; again, after it was stopped: somewhere else."""
        self.server = await Program.start(
            "bench.serving", environment=server_environment(self.home) | self._environment
        )
        self.address = self.server.address
        if hasattr(self, "api"):
            self.api.base_url = f"{self.address}/api/v1"

    async def _sign_in(self) -> None:
        self.api = httpx.AsyncClient(base_url=f"{self.address}/api/v1", timeout=TIMEOUT_S)
        answer = await self.post("/auth/login", {"email": EMAIL, "password": PASSWORD})
        self.headers = {"Authorization": f"Bearer {answer['access_token']}"}
        self.org_id, self.user_id = answer["organizations"][0]["id"], answer["user"]["id"]
        self.api.headers.update(self.headers)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST to the API; returns the answer."""
        answer = await self.api.post(path, json=body)
        return answer.raise_for_status().json()

    async def channels(self, kind: str, count: int) -> list[str]:
        """The ids of the channels `<kind>-0`, `<kind>-1` …, opened where they are missing."""
        if not self._channels:
            await self._known_channels()
        names = [f"{kind}-{i}" for i in range(count)]
        missing = iter([name for name in names if name not in self._channels])
        await asyncio.gather(*[self._open_channels(missing) for _ in range(AT_ONCE)])
        return [self._channels[name] for name in names]

    async def _open_channels(self, names: Iterator[str]) -> None:
        for name in names:
            made = await self.post("/conversations", {"kind": "channel", "name": name})
            self._channels[name] = made["id"]

    async def _known_channels(self) -> None:
        following: str | None = None
        while True:
            query = {"kind": "channel", "limit": "100"} | ({"after": following} if following else {})
            page = (await self.api.get("/conversations", params=query)).raise_for_status().json()
            self._channels |= {item["name"]: item["id"] for item in page["items"]}
            following = page["next"]
            if following is None:
                return

    async def floors(self) -> Program:
        """The floors' process, started when it is first asked for."""
        if self._floors is None:
            environment = {"BENCH_DATABASE_URL": self.superuser_url}
            if self._broker is not None:
                environment["BENCH_KAFKA_BOOTSTRAP"] = self._broker.bootstrap
            self._floors = await Program.start("bench.floors.serve", environment=environment)
        return self._floors

    async def asked(self, path: str) -> Any:
        """What a floor answers to a GET."""
        floors = await self.floors()
        return (await self.api.get(f"{floors.address}{path}")).raise_for_status().json()

    @property
    def broker(self) -> Broker:
        """The broker that keeps this ground's messages."""
        assert self._broker is not None
        return self._broker

    @property
    def postgres_pid(self) -> int:
        """The postmaster's process id."""
        pid = self._postgres.status().pid
        assert pid is not None
        return pid

    @property
    def pids(self) -> set[int]:
        """The process trees that take part here."""
        beside = {program.pid for program in (self._floors, getattr(self, "model", None), self._broker) if program}
        return {self.server.pid, self.postgres_pid, *beside, *self.neighbours}

    def meter(self) -> Meter:
        """A meter of everything that takes part here."""
        return Meter(self.pids)


def json_body(fields: dict[str, Any]) -> bytes:
    """Fields as the body of a request."""
    return json.dumps(fields, separators=(",", ":")).encode()
