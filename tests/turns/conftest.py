"""A hall whose turns are decided by hand, one for each worker."""

from collections.abc import AsyncIterator

import pytest

from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.turns.hall import TurnHall


@pytest.fixture(scope="package")
async def hall(cluster: SharedCluster, worker_id: str) -> AsyncIterator[TurnHall]:
    async with TurnHall(cluster, f"turns_{worker_id}") as running:
        yield running


@pytest.fixture
async def org(hall: TurnHall) -> Org:
    """A fresh organization with its owner, in the hall."""
    return await hall.make_org()
