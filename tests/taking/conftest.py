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


@pytest.fixture
async def no_jobs(hall):
    """What other tests decided and never took is nobody's business here."""
    async with hall.everything() as connection:
        await connection.execute("delete from procrastinate_jobs")
        await connection.execute("delete from budget_reservations")
        await connection.execute("update outside_calls set result = '{}', answered_at = now() where result is null")
        await connection.execute("update runs set status = 'stopped', completed_at = now() where completed_at is null")
