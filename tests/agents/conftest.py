"""One installation for the tests of agents: identity's and agents' API on one database."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.agents.hall import AgentHall, AgentOrg
from tests.support.database import SharedCluster, shared_cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedCluster]:
    found = shared_cluster(tmp_path_factory.getbasetemp().parent)
    yield found
    found.release()


@pytest.fixture(scope="session")
def database(cluster: SharedCluster, worker_id: str) -> str:
    name = f"agents_{worker_id}"
    cluster.clone(name)
    return name


@pytest.fixture(scope="session")
async def hall(cluster: SharedCluster, database: str) -> AsyncIterator[AgentHall]:
    async with AgentHall(cluster.urls(database).app) as opened:
        yield opened


@pytest.fixture
async def org(hall: AgentHall) -> AgentOrg:
    return await hall.make_agent_org()


@pytest.fixture
async def other_org(hall: AgentHall) -> AgentOrg:
    return await hall.make_agent_org()
