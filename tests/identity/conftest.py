"""One database for the tests of identity, and fresh ones for the tests of the first start."""

from collections.abc import AsyncIterator

import pytest

from tests.identity.hall import Hall
from tests.support.database import SharedCluster


@pytest.fixture(scope="package")
async def hall(cluster: SharedCluster, worker_id: str) -> AsyncIterator[Hall]:
    async with Hall(cluster.clone(f"identity_{worker_id}").app) as opened:
        yield opened


@pytest.fixture
async def fresh_hall(cluster: SharedCluster, worker_id: str) -> AsyncIterator[Hall]:
    """An installation that nobody has set up."""
    name = f"identity_fresh_{worker_id}"
    async with Hall(cluster.clone(name).app) as opened:
        yield opened
    cluster.drop(name)
