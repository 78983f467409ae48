"""One real Postgres for the whole test run, and a fresh copy of the migrated database for whoever asks.

Every worker of the run calls `shared_cluster` with the same folder: the first one starts the server and makes the
template, the others join; the last `release` stops it. Settings are those of production but for fsync: nobody pulls the
plug on this server. That the built-in one runs with it is shown in tests/postgres, what it is good for in tests/crash.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from crewhall.kernel.postgres.embedded import EmbeddedPostgres
from crewhall.kernel.postgres.migrate import migrate
from crewhall.kernel.postgres.place import POINTER, find_place
from crewhall.kernel.postgres.postmaster import running
from crewhall.kernel.postgres.provision import grant_database
from crewhall.kernel.postgres.serversettings import TUNING
from crewhall.kernel.postgres.urls import DATABASE, DatabaseUrls, with_parameters
from crewhall.kernel.postgres.users import start_lock

TEMPLATE = DATABASE


@dataclass(frozen=True)
class SharedCluster:
    """A running server whose database `crewhall` is the template: never connect to it, clone it."""

    postgres: EmbeddedPostgres
    template_urls: DatabaseUrls
    superuser_url: str

    def clone(self, name: str) -> DatabaseUrls:
        """Make the database `name`, migrated and empty, and return its addresses; one of that name is replaced."""
        with self._superuser() as connection, _locked(self.postgres.home / "clone.lock"):
            _drop(connection, name)
            statement = sql.SQL("create database {} template {} strategy file_copy")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
            grant_database(connection, name)
        return self.urls(name)

    def urls(self, name: str) -> DatabaseUrls:
        """The addresses of a database of this cluster, by role."""
        urls = self.template_urls
        return DatabaseUrls(*(with_parameters(url, dbname=name) for url in (urls.admin, urls.app, urls.read)))

    def superuser(self, name: str) -> str:
        """The superuser's address in a database of this cluster."""
        return with_parameters(self.superuser_url, dbname=name)

    def drop(self, name: str) -> None:
        """Remove a clone, whoever is connected to it."""
        with self._superuser() as connection:
            _drop(connection, name)

    def release(self) -> None:
        """Leave the cluster; the last worker to leave stops it and removes its data."""
        self.postgres.release()
        discard(self.postgres.home)

    def _superuser(self) -> Connection[TupleRow]:
        return psycopg.connect(self.superuser_url, autocommit=True)


def shared_cluster(root: Path) -> SharedCluster:
    """Start or join the run's cluster below `root`, its template made. Call `release` when the session ends."""
    postgres = EmbeddedPostgres(root / "shared-postgres", dump_on_stop=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TUNING, "fsync", "off")
        patch.setitem(TUNING, "max_connections", "250")  # several workers share it, each with servers of its own
        urls = postgres.start()
    try:
        with _locked(postgres.home / "template.lock"):
            made = postgres.home / "template.made"
            if not made.exists():
                migrate(urls.admin)
                made.touch()
        return SharedCluster(postgres, urls, postgres.superuser_url())
    except BaseException:
        postgres.release()
        discard(postgres.home)
        raise


def discard(home: Path) -> None:
    """Remove the data of a stopped server, wherever it was put; a running one is left alone."""
    with start_lock(home):
        place = find_place(home)
        if place is None or running(place) is not None:
            return
        for name in ("template.made", POINTER):
            (home / name).unlink(missing_ok=True)
        shutil.rmtree(place.data, ignore_errors=True)
        if place.root != home:
            shutil.rmtree(place.root, ignore_errors=True)


def _drop(connection: Connection[TupleRow], name: str) -> None:
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
