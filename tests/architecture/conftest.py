"""The migrated schema in a real database, to be looked at."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from tests.support.database import SharedCluster


@pytest.fixture(scope="session")
def schema(cluster: SharedCluster, worker_id: str) -> Iterator[Connection[TupleRow]]:
    """A superuser's connection to a fresh copy of the migrated database."""
    name = f"architecture_{worker_id}"
    cluster.clone(name)
    with psycopg.connect(cluster.superuser(name), autocommit=True) as connection:
        yield connection
    cluster.drop(name)
