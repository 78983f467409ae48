"""One home for the tests that run several processes on it: making its database takes time. Others where Kafka logs."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scripts.broker import Broker
from tests.support.kafka import jars_or_skip
from tests.support.site import Site


@pytest.fixture(scope="session")
async def site() -> AsyncIterator[Site]:
    """A home of its own (short, for the sockets in it); each test starts the processes that it needs and ends them."""
    async with _site() as made:
        yield made


@pytest.fixture
async def kafka_site(own_broker: Broker) -> AsyncIterator[Site]:
    """A home of its own, whose messages live with `own_broker`."""
    async with _site(CREWHALL_LOG="kafka", CREWHALL_KAFKA_BOOTSTRAP=own_broker.bootstrap) as made:
        yield made


@pytest.fixture
async def new_site() -> AsyncIterator[Site]:
    """A home of one test alone."""
    async with _site() as made:
        yield made


@pytest.fixture
def kafka_jars(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is started finds Apache Kafka; without it the test is skipped."""
    monkeypatch.setenv("CREWHALL_KAFKA_JARS", str(jars_or_skip()))


@asynccontextmanager
async def _site(**environment: str) -> AsyncIterator[Site]:
    home = Path(tempfile.mkdtemp(prefix="crewhall-cluster-"))
    site = Site(home / "home", **environment)
    try:
        yield site
    finally:
        await site.close()
        shutil.rmtree(home, ignore_errors=True)
