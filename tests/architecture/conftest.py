"""The migrated schema in a real database, to be looked at."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from tests.support.database import shared_cluster


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection[TupleRow]]:
    """A superuser's connection to a fresh copy of the migrated database."""
    root = tmp_path_factory.getbasetemp()
    cluster = shared_cluster(root.parent if "PYTEST_XDIST_WORKER" in os.environ else root)
    name = f"architecture_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    cluster.clone(name)
    try:
        with psycopg.connect(cluster.superuser(name), autocommit=True) as connection:
            yield connection
        cluster.drop(name)
    finally:
        cluster.release()
