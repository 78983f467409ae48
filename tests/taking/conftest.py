"""A scripted model and a hall that takes turns with it, one for each worker."""

from collections.abc import AsyncIterator

import pytest

from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.openai import ScriptedModel
from tests.taking.ground import Ground
from tests.taking.hall import TakingHall


@pytest.fixture(scope="package")
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as serving:
        yield serving


@pytest.fixture(scope="package")
async def hall(cluster: SharedCluster, worker_id: str, model: ScriptedModel) -> AsyncIterator[TakingHall]:
    async with TakingHall(cluster, f"taking_{worker_id}", model) as running:
        yield running


@pytest.fixture
async def org(hall: TakingHall) -> Org:
    """A fresh organization with its owner, in the hall."""
    return await hall.make_org()


@pytest.fixture
async def ground(hall: TakingHall, org: Org) -> Ground:
    return await Ground(hall, org).make()
