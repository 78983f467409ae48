"""A network that swallows all we send, without a word: both sides notice, and the server lets go of what we held."""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from crewhall.adapters.kafka import asking
from crewhall.adapters.postgres.message_log import PostgresMessageLog
from crewhall.kernel.db import Database
from crewhall.kernel.postgres import opening
from crewhall.kernel.postgres.urls import NOTICED, DatabaseUrls
from crewhall.kernel.settings import KernelSettings
from crewhall.kernel.signals import Signals
from tests.postgres.conftest import Host

SERVERS_SIDE = "select current_setting('tcp_keepalives_idle'), current_setting('tcp_user_timeout')"


@pytest.fixture
def url(host: Host) -> str:
    return host.tcp(host.superuser_url)


def opened(monkeypatch: pytest.MonkeyPatch, url: str, home: Path) -> str:
    """The application's address, as a process has it that is given this one; nothing is prepared or migrated."""

    @contextlib.contextmanager
    def migrator() -> Iterator[Any]:
        yield SimpleNamespace(migrate=lambda *_: None)

    monkeypatch.setattr(opening, "resolve_external", lambda given, _: DatabaseUrls(given, given, given))
    monkeypatch.setattr(opening, "migrator", migrator)
    with opening.database_for(KernelSettings(home=home, database_url=url), print) as (urls, _):
        return urls.app


def test_we_notice(monkeypatch: pytest.MonkeyPatch, url: str, tmp_path: Path):
    with (
        psycopg.connect(opened(monkeypatch, url, tmp_path)) as connection,
        socket.socket(fileno=os.dup(connection.pgconn.socket)) as ours,
    ):
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 20
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 40_000


def test_who_says_otherwise_in_the_address_is_heard(monkeypatch: pytest.MonkeyPatch, url: str, tmp_path: Path):
    with (
        psycopg.connect(opened(monkeypatch, f"{url}&keepalives_idle=300", tmp_path)) as connection,
        socket.socket(fileno=os.dup(connection.pgconn.socket)) as ours,
    ):
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 300


async def test_the_server_notices_of_every_connection_that_may_hold_something(url: str):
    db = Database(url, pool_size=1)
    await db.open()
    async with db.connection() as pooled:
        assert await (await pooled.execute(SERVERS_SIDE)).fetchone() == ("20", "40000")
        log = PostgresMessageLog(db, Signals(url))
        for beside in (await log._connect(), await asking.connect(url, "crewhall-projector")):
            assert await (await beside.execute(SERVERS_SIDE)).fetchone() == ("20", "40000")
            await beside.close()
    await db.close()


async def test_the_server_notices_of_who_listens(monkeypatch: pytest.MonkeyPatch, url: str):
    told: list[dict[str, Any]] = []
    connect = AsyncConnection.connect

    async def noted(url: str, **options: Any) -> Any:
        told.append(options)
        return await connect(url, **options)

    monkeypatch.setattr(AsyncConnection, "connect", noted)
    signals = Signals(url)
    await signals.start()
    await signals.stop()
    assert [NOTICED in options["options"] for options in told] == [True]
