"""Two tenants of one server, for tests that only try to reach from the one into the other."""

from uuid import uuid4

import pytest

from crewhall.agents.lifecycle import AgentParts
from crewhall.identity import Errands
from tests.conversations.ways import all_derived
from tests.support.server import Server
from tests.tenancy.estate import Estate, make_estate


@pytest.fixture(scope="session")
async def estates(server: Server) -> tuple[Estate, Estate]:
    """The one that asks, and the other, all that follows from them written: it would look like a change."""
    own, other = (
        await make_estate(server, f"own{uuid4().hex[:12]}"),
        await make_estate(server, f"other{uuid4().hex[:12]}"),
    )
    await all_derived(server.db)
    await server.services.part(Errands).close()
    await server.services.part(AgentParts).uses.flush()
    return own, other
