"""What the keeper of a running Postgres hears, and what it does meanwhile (tests/crash shows it under a server)."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from crewhall.kernel.postgres import keeper, serverlog
from crewhall.kernel.postgres.keeper import Keeper, process_end
from tests.postgres.conftest import MakePostgres
from tests.support.waiting import in_time, until


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits to be ended."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as waiting:
        yield waiting


async def test_the_end_of_a_process_is_heard_whoever_started_it(child: subprocess.Popen[bytes]) -> None:
    async with process_end(child.pid) as ended:
        await asyncio.sleep(0)
        assert not ended.is_set()
        child.kill()
        await in_time(ended.wait(), 10)
    await asyncio.to_thread(child.wait)
    async with process_end(child.pid) as ended:
        assert ended.is_set(), "it ended before anybody watched"


async def test_the_log_stays_small_while_the_server_runs(
    make_postgres: MakePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "TEND_LOG_S", 0.02)
    monkeypatch.setattr(serverlog, "LIMIT_BYTES", 2_000)
    postgres = make_postgres("kept")
    urls = await asyncio.to_thread(postgres.start)
    path = postgres.home / "logs" / "postgres.log"

    async def complained() -> None:
        async with await psycopg.AsyncConnection.connect(urls.app, autocommit=True) as connection:
            for _ in range(40):
                with pytest.raises(psycopg.errors.UndefinedTable):
                    await connection.execute("select * from there_is_no_such_table")

    async def is_small() -> bool:
        return path.stat().st_size < 2_000

    async def never() -> None:
        raise AssertionError("the server did not end")

    keeping = asyncio.create_task(Keeper(postgres, on_away=lambda: None, on_back=never).keep())
    try:
        for _ in range(3):
            await complained()
            await until(is_small)
        assert sorted(one.name for one in path.parent.iterdir()) == ["postgres.log", "postgres.log.1", "postgres.log.2"]
        assert not keeping.done()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
