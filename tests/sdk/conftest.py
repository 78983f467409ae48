"""Clients and agent processes on the running server."""

from collections.abc import AsyncIterator

import pytest

from crewhall.sdk import Client
from tests.identity.hall import Org
from tests.support.server import Server, token_of


@pytest.fixture
async def ada(server: Server, org: Org) -> AsyncIterator[Client]:
    """The organization's owner as a client."""
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        yield client
