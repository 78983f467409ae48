"""A hall that knows Kafka, one for each worker, and programs of agents that know nothing else."""

from collections.abc import AsyncIterator

import pytest

from tests.cli.conftest import owner
from tests.kafka_agents.program import Programs
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.server import Server
from tests.support.tails import tail
from tests.web.conftest import visitors

__all__ = ["owner", "visitors"]  # fixtures of others, on the hall of this folder
POSTS_PER_SECOND = 20


@pytest.fixture(scope="package")
async def server(cluster: SharedCluster, broker: SharedBroker, worker_id: str) -> AsyncIterator[Server]:
    """The product with CREWHALL_KAFKA_BOOTSTRAP; its messages live in Postgres."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREWHALL_KAFKA_BOOTSTRAP", broker.bootstrap)
        patch.setenv("CREWHALL_KAFKA_PREFIX", f"t{tail()}")
        urls = cluster.clone(f"kafka_agents_{worker_id}")
        async with Server(urls, rate_post_per_second=POSTS_PER_SECOND) as running:
            yield running


@pytest.fixture
async def programs(broker: SharedBroker) -> AsyncIterator[Programs]:
    """Starts programs of agents; they end with the test."""
    async with Programs(broker.bootstrap) as made:
        yield made
