"""An agent with a key, in an organization with a channel."""

import pytest

from tests.identity.hall import Org
from tests.support.server import AgentClient, Server


@pytest.fixture
async def agent(server: Server, org: Org) -> AgentClient:
    return await server.hire(org)


@pytest.fixture
async def general(server: Server, org: Org) -> str:
    return await server.general(org)
