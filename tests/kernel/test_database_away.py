"""A database that is away is said to be away; one that is busy is not."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout

from crewhall.faces.plumbing.problems import as_crewhall_error
from crewhall.kernel.db import Database
from tests.support.database import SharedCluster


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection unexpectedly"),
        errors.AdminShutdown(),
        errors.CrashShutdown(),
        errors.CannotConnectNow(),
        errors.ConnectionFailure(),
        PoolClosed(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_lost_server_is_away(error: Exception) -> None:
    shown = as_crewhall_error(error)
    assert (shown.code, shown.kind.status, shown.fields) == ("database_away", 503, {"retry_after": 1})


@pytest.mark.parametrize(
    "error",
    [
        PoolTimeout(),
        TimeoutError(),
        errors.QueryCanceled(),
        errors.LockNotAvailable(),
        errors.TooManyConnections(),
        errors.DeadlockDetected(),
        errors.IdleInTransactionSessionTimeout(),
        errors.TransactionTimeout(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_busy_server_is_not(error: Exception) -> None:
    shown = as_crewhall_error(error)
    assert (shown.code, shown.kind.status, shown.fields) == ("unavailable", 503, {"retry_after": 1})


@pytest.fixture
async def db(cluster: SharedCluster, worker_id: str) -> AsyncIterator[Database]:
    database = Database(cluster.clone(f"away_{worker_id}").app, pool_size=2)
    await database.open()
    yield database
    await database.close()


async def test_who_asks_meanwhile_does_not_wait(db: Database) -> None:
    async with db.transaction(None) as tx:
        backend = await tx.value("select pg_backend_pid()")
    db.leave()
    with pytest.raises(psycopg.OperationalError, match="away"):
        async with db.transaction(None):
            pass
    await db.renew()
    async with db.transaction(None) as tx:
        assert await tx.value("select pg_backend_pid()") != backend, "connections to the server that died are not used"


async def test_a_transaction_that_was_under_way_ends_on_its_own_connection(db: Database) -> None:
    async with db.transaction(None) as tx:
        db.leave()
        await db.renew()
        assert await tx.value("select 1") == 1
    async with db.transaction(None) as tx:
        assert await tx.value("select 2") == 2
