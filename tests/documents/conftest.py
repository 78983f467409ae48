"""Tests of documents have the workers of their database to themselves."""

import psycopg
import pytest

from tests.support.database import SharedCluster


@pytest.fixture(autouse=True)
def alone(cluster: SharedCluster, worker_id: str, server: object) -> None:
    """What other tests left to be done is done by nobody: their documents are looked at no more."""
    with psycopg.connect(cluster.superuser(f"server_{worker_id}"), autocommit=True) as connection:
        connection.execute("update documents set look_at = null where look_at is not null")
