"""Clients and agent processes on the running server."""

from collections.abc import AsyncIterator

import pytest

from crewhall.sdk import Client
from tests.identity.hall import Org
from tests.sdk.processes import AgentProcesses
from tests.sdk.relay import Relay
from tests.support.server import Server, token_of


@pytest.fixture
async def ada(server: Server, org: Org) -> AsyncIterator[Client]:
    """The organization's owner as a client."""
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        yield client


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
