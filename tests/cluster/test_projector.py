"""`crewhall serve`, `worker` and `projector` on Kafka, as a person types them: who does what, who takes over."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import httpx
import psycopg
import pytest

from crewhall.kernel.postgres.urls import DatabaseUrls
from tests.cli.conftest import PROGRAM, QuickCli
from tests.identity.hall import PASSWORD
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.openai import MODEL, Say, ScriptedModel
from tests.support.said import last_words, note_log
from tests.support.site import OWNER, UNLIMITED, quiet_port
from tests.support.waiting import PATIENCE, bounded, in_time, until

START_S, END_S = 60.0, 30.0
SHARES = "select count(*)::int from log_shards where projector_id is not null group by projector_id order by 1"


class Command:
    """A process that a person started by a word."""

    def __init__(self, kind: str, folder: Path, environment: dict[str, str]) -> None:
        self.kind = kind
        self.url = f"http://127.0.0.1:{(port := quiet_port())}"
        self._log = folder / f"{kind}-{port}.log"
        name = "CREWHALL_PORT" if kind == "serve" else "CREWHALL_HEALTH_PORT"
        self._environment = environment | {name: str(port)}

    async def __aenter__(self) -> Self:
        note_log(self._log)
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(PROGRAM), self.kind, env=self._environment, stdin=DEVNULL, stdout=PIPE, stderr=log
            )
        assert self._process.stdout is not None
        async with bounded(START_S):
            while b"Press Ctrl-C" not in (line := await self._process.stdout.readline()):
                assert line, last_words(self._log)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the end; returns the exit code."""
        return await in_time(self._process.wait(), END_S)

    async def ask(self, path: str) -> httpx.Response:
        """Ask what a process tells everybody."""
        async with httpx.AsyncClient(base_url=self.url, timeout=20 * PATIENCE) as client:
            return await client.get(path)


class Ground:
    """An installation on Kafka with a database of its own, a person who owns it, and commands that are started."""

    def __init__(self, urls: DatabaseUrls, broker: SharedBroker, prefix: str, folder: Path, model: ScriptedModel):
        self._urls, self._folder = urls, folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CREWHALL_")},
            **UNLIMITED,
            "CREWHALL_HOME": str(folder / "home"),
            "CREWHALL_DATABASE_URL": urls.app,
            "CREWHALL_DATABASE_POOL": "4",
            "CREWHALL_LOG": "kafka",
            "CREWHALL_KAFKA_BOOTSTRAP": broker.bootstrap,
            "CREWHALL_KAFKA_PREFIX": prefix,
            "CREWHALL_MODEL_ENDPOINTS": f"scripted={model.url}",
            "CREWHALL_OWNER_EMAIL": OWNER,
            "CREWHALL_OWNER_PASSWORD": PASSWORD,
            "CREWHALL_DRAIN_WAIT_S": "2",
            "CREWHALL_DRAIN_S": "10",
        }

    def command(self, kind: str) -> Command:
        return Command(kind, self._folder, self._environment)

    async def shares(self) -> list[int]:
        """How many shares of the topics each projector has."""
        async with await psycopg.AsyncConnection.connect(self._urls.admin) as connection:
            return [count for (count,) in await (await connection.execute(SHARES)).fetchall()]

    def are_shared(self, *wanted: int) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return await self.shares() == list(wanted)

        return look


@pytest.fixture
async def ground(
    cluster: SharedCluster, broker: SharedBroker, topic_prefix: str, worker_id: str, tmp_path: Path
) -> AsyncIterator[Ground]:
    name = f"projector_{worker_id}"
    async with ScriptedModel() as model:
        model.play(Say("It is answered."))
        yield Ground(cluster.clone(name), broker, topic_prefix, tmp_path, model)
    cluster.drop(name)


async def signed_in(server: Command) -> httpx.AsyncClient:
    client = httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=30 * PATIENCE)
    login = await client.post("/auth/login", json={"email": OWNER, "password": PASSWORD})
    client.headers["authorization"] = f"Bearer {login.raise_for_status().json()['access_token']}"
    return client


async def posted(client: httpx.AsyncClient, conversation: str, content: str) -> int:
    """Post until it is taken, as clients do; returns its seq."""

    async def attempt() -> dict[str, Any] | None:
        body = {"content": content, "client_id": content}
        answer = await client.post(f"/conversations/{conversation}/messages", json=body)
        assert answer.is_success or answer.status_code == 503, answer.text
        return dict(answer.json()) if answer.is_success else None

    return int((await until(attempt))["seq"])


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.rule("A4", "C5", "X1")
async def test_servers_workers_and_projectors_are_processes_of_their_own(ground: Ground):
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        first = await start(ground.command("projector"))
        server, _, second = await asyncio.gather(
            *(start(ground.command(kind)) for kind in ("serve", "worker", "projector"))
        )
        owner = await signed_in(server)
        stack.push_async_callback(owner.aclose)
        await until(ground.are_shared(8, 8))
        await says_how_it_is(first)

        agent = (await owner.post("/agents", json={
            "name": "Sage", "code": "sage", "model_config": {"provider": "scripted", "model": MODEL},
        })).raise_for_status().json()  # fmt: skip
        made = await owner.post("/conversations", json={"kind": "channel", "name": "mill"})
        place = made.raise_for_status().json()["id"]
        assert await posted(owner, place, "@sage does it turn?") == 1

        async def is_answered() -> bool:
            page = (await owner.get(f"/conversations/{place}/messages")).raise_for_status().json()["items"]
            return [item["content"] for item in page if item["author"]["id"] == agent["id"]] == ["It is answered."]

        await until(is_answered)

        first.tell(signal.SIGTERM)
        await until(lambda: says_that_it_leaves(first))
        assert await first.ended() == 0
        await until(ground.are_shared(16))
        assert await posted(owner, place, "one is left") == 3
        second.tell(signal.SIGKILL)
        await second.ended()
        waiting = asyncio.create_task(posted(owner, place, "nobody projects"))
        await start(ground.command("projector"))
        assert await waiting == 4
        page = (await owner.get(f"/conversations/{place}/messages")).raise_for_status().json()["items"]
        assert [item["seq"] for item in page] == [1, 2, 3, 4]


async def says_how_it_is(projector: Command) -> None:
    """It answers whoever looks after it, and nobody else."""
    ready = await projector.ask("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ok"
    assert ready.json()["log"]["engine"] == "kafka"
    assert (await projector.ask("/health/live")).json()["status"] == "ok"
    metrics = (await projector.ask("/metrics")).text
    assert "crewhall_log_lag " in metrics
    assert "crewhall_log_refused_total " in metrics
    assert [(await projector.ask(path)).status_code for path in ("/api/v1/me", "/login", "/")] == [404] * 3


async def says_that_it_leaves(projector: Command) -> bool:
    return bool((await projector.ask("/health/ready")).json()["status"] == "leaving")


async def test_where_postgres_keeps_the_log_there_is_nothing_to_project(tmp_path: Path):
    refused = await QuickCli(tmp_path, "").run("projector")
    assert (refused.code, refused.out) == (1, "")
    assert "CREWHALL_LOG is postgres" in refused.err
    assert "set CREWHALL_LOG=kafka" in refused.err
    assert not (tmp_path / "home").exists(), "no database was made for it"
