"""One installation for the tests of agents: identity's and agents' API on one database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest

from tests.agents.hall import AgentHall, AgentOrg
from tests.support.database import SharedCluster

SuperuserRows = Callable[..., Awaitable[list[tuple[Any, ...]]]]


@pytest.fixture(scope="package")
def database(cluster: SharedCluster, worker_id: str) -> str:
    name = f"agents_{worker_id}"
    cluster.clone(name)
    return name


@pytest.fixture(scope="package")
async def hall(cluster: SharedCluster, database: str) -> AsyncIterator[AgentHall]:
    async with AgentHall(cluster.urls(database).app) as opened:
        yield opened


@pytest.fixture(scope="package")
async def second_hall(cluster: SharedCluster, hall: AgentHall, database: str) -> AsyncIterator[AgentHall]:
    """Another process on the same database."""
    async with AgentHall(cluster.urls(database).app) as opened:
        yield opened


@pytest.fixture
async def org(hall: AgentHall) -> AgentOrg:
    return await hall.make_agent_org()


@pytest.fixture
async def other_org(hall: AgentHall) -> AgentOrg:
    return await hall.make_agent_org()


@pytest.fixture
def superuser_rows(cluster: SharedCluster, database: str) -> SuperuserRows:
    """Look at rows that nobody who serves requests may see."""

    async def rows(sql: str, *values: object) -> list[tuple[Any, ...]]:
        async with await psycopg.AsyncConnection.connect(cluster.superuser(database), autocommit=True) as connection:
            return await (await connection.execute(sql.encode(), values)).fetchall()

    return rows
