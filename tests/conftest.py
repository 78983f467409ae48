"""One Postgres for the run; one database, one running server and one Chromium for each worker."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from hypothesis import settings
from playwright.async_api import Browser, async_playwright

from crewhall.agents.keys import make_key
from crewhall.kernel.crypto import hash_secret, verify_secret
from scripts.broker import Broker
from tests.identity.hall import Org
from tests.sdk.processes import AgentProcesses
from tests.sdk.relay import Relay
from tests.support.database import SharedCluster, shared_cluster
from tests.support.kafka import SharedBroker, jars_or_skip, shared_broker
from tests.support.said import note_log
from tests.support.server import Server
from tests.support.tails import tail
from tests.support.waiting import until
from tests.web.browser import CLOSE_S, FLAGS, find_chromium

HASHING = {hashing: hashing.__defaults__ for hashing in (hash_secret, verify_secret, make_key)}
LEAST_COST = 4
SERVING: list[Server] = []
if os.environ.get("CI") != "true":  # there Hypothesis has a profile of its own, without one, too
    settings.register_profile("patient", deadline=None)  # whoever shares the processors is nobody's fault
    settings.load_profile("patient")


@pytest.fixture(scope="session")
def _asyncio_loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Every test runs on the loop that the product runs on. (Overrides a fixture of pytest-asyncio: its hook for this
    makes another loop, and so another server, for each test that is not a coroutine itself.)"""
    return uvloop.new_event_loop


@pytest.fixture(scope="session", autouse=True)
def least_cost() -> Iterator[None]:
    """Passwords and keys of tests are hashed at bcrypt's least cost; what is about the cost asks for `whole_cost`."""
    with pytest.MonkeyPatch.context() as patch:
        for hashing in HASHING:
            patch.setattr(hashing, "__defaults__", (LEAST_COST,))
        yield


@pytest.fixture
def whole_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash as the product does."""
    for hashing, defaults in HASHING.items():
        monkeypatch.setattr(hashing, "__defaults__", defaults)


@pytest.fixture(scope="session", autouse=True)
def documents_wait() -> Iterator[None]:
    """Servers of tests make no document searchable by themselves: tests that are about it have their own workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREWHALL_DOCUMENTS_AT_ONCE", "0")
        yield


@pytest.fixture(scope="session", autouse=True)
def github_waits() -> Iterator[None]:
    """Servers of tests do nothing of GitHub's by themselves, and find nobody where it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREWHALL_GITHUB_SYNCS_AT_ONCE", "0")
        patch.setenv("CREWHALL_GITHUB_API", "http://127.0.0.1:1")
        yield


@pytest.fixture(scope="session", autouse=True)
def kpis_wait() -> Iterator[None]:
    """Servers of tests calculate nothing by themselves: tests that are about it do so at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREWHALL_KPIS", "false")
        yield


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[SharedCluster]:
    base = tmp_path_factory.getbasetemp()
    found = shared_cluster(base if worker_id == "master" else base.parent)
    yield found
    found.release()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[SharedBroker]:
    """An Apache Kafka broker that all workers share: name topics with `topic_prefix`."""
    base = tmp_path_factory.getbasetemp()
    found = shared_broker(base if worker_id == "master" else base.parent, jars_or_skip())
    yield found
    found.release()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker for one test alone, which may kill, pause and start it again; it runs already."""
    made = Broker(jars_or_skip(), tmp_path / "kafka")
    note_log(made.log_file)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def topic_prefix() -> str:
    """What the names of a test's topics begin with."""
    return f"t{tail()}."


@pytest.fixture(scope="session")
async def server(cluster: SharedCluster, worker_id: str) -> AsyncIterator[Server]:
    """The product, running; tests make organizations of their own in it."""
    async with Server(cluster.clone(f"server_{worker_id}")) as running:
        SERVING.append(running)
        yield running
        SERVING.clear()


@pytest.fixture(scope="module", autouse=True)
async def at_rest() -> AsyncIterator[None]:
    """Leave no transaction of the server's open behind a module.

    Its loop stands still in tests that are no coroutines: what it began would hold back, in the cluster that all
    workers share, every consumer of a log.
    """
    yield
    for running in SERVING:
        await until(running.is_at_rest)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for each worker; every visitor has a context of its own."""
    found = find_chromium()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing: the page tests need it.")
        pytest.skip("Chromium is missing: set CREWHALL_CHROMIUM to its path.")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield launched
        async with asyncio.timeout(CLOSE_S):
            await launched.close()


@pytest.fixture
async def org(server: Server) -> Org:
    """A fresh organization with its owner."""
    return await server.make_org()


@pytest.fixture
async def other_org(server: Server) -> Org:
    """Another tenant."""
    return await server.make_org("Other")


@pytest.fixture
async def relay(server: Server) -> AsyncIterator[Relay]:
    """A bad network in front of the server."""
    async with Relay(server.address) as made:
        yield made


@pytest.fixture
async def processes() -> AsyncIterator[AgentProcesses]:
    """Agents as processes of their own; those still alive at the end are killed."""
    started = AgentProcesses()
    yield started
    await started.kill_all()
