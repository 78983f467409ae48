"""Homes with a real Postgres in them; whatever a test starts is stopped and removed after it."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from crewhall.kernel.postgres import embedded as embedded_module
from crewhall.kernel.postgres.embedded import EmbeddedPostgres
from crewhall.kernel.postgres.urls import DatabaseUrls, with_parameters
from tests.support.database import discard

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="shows what happens under root")

MakePostgres = Callable[..., EmbeddedPostgres]


class Running:
    """A started instance and its addresses, shared by the tests of one session that leave it as it was."""

    def __init__(self, postgres: EmbeddedPostgres, urls: DatabaseUrls) -> None:
        self.postgres = postgres
        self.urls = urls

    def superuser(self, database: str = "crewhall") -> Connection[TupleRow]:
        return psycopg.connect(self.postgres.superuser_url(database), autocommit=True)

    @property
    def pid(self) -> int:
        pid = self.postgres.status().pid
        assert pid is not None
        return pid


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_up(home: Path) -> None:
    if home.exists():
        EmbeddedPostgres(home, dump_on_stop=False).stop()
        discard(home)


@pytest.fixture(scope="session")
def used_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose database was made once, for the tests that need no new one: making one takes time."""
    home = tmp_path_factory.mktemp("used") / "home"
    postgres = EmbeddedPostgres(home, dump_on_stop=False)
    postgres.start()
    postgres.release()
    yield home
    clean_up(home)


@pytest.fixture
def make_postgres(tmp_path: Path, used_home: Path) -> Iterator[MakePostgres]:
    """Open the used home or, by name, a new one."""
    made: list[EmbeddedPostgres] = []

    def make(name: str | None = None, **options: Any) -> EmbeddedPostgres:
        options.setdefault("dump_on_stop", False)
        home = tmp_path / name if name else used_home
        made.append(EmbeddedPostgres(home, **options))
        return made[-1]

    yield make
    for postgres in made:
        if postgres.home.exists():
            postgres.stop()
    for home in {postgres.home for postgres in made} - {used_home.resolve()}:
        clean_up(home)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("postgres") / "home"
    postgres = EmbeddedPostgres(home, dump_on_stop=False)
    try:
        yield Running(postgres, postgres.start())
    finally:
        clean_up(home)


@pytest.fixture(scope="session")
def foreign() -> Iterator[Running]:
    """A server that somebody else runs: nothing of Crewhall in it, listening on TCP as well, in an open folder."""
    home = Path(tempfile.mkdtemp(prefix="crewhall-test-"))
    home.chmod(0o711)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_module, "_provision", lambda *_: None)
        postgres = EmbeddedPostgres(home, listen_tcp_port=free_port(), dump_on_stop=False)
        urls = postgres.start()
    try:
        yield Running(postgres, urls)
    finally:
        clean_up(home)
        shutil.rmtree(home, ignore_errors=True)


DATABASES = ("company", "another company", "crewhall")


class Host:
    """Somebody else's server: makes databases and roles there, and addresses to them."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.superuser_url = server.postgres.superuser_url()

    def run(self, *statements: str, database: str = "postgres") -> None:
        with self.server.superuser(database) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def database(self, name: str) -> None:
        self.run(f'create database "{name}" strategy file_copy')

    def role(self, name: str, rights: str = "") -> str:
        """Make a role and return its address in the database `company`."""
        self.run(f"create role {name} login password 'pw-{name}' {rights}")
        return self.url(name)

    def url(self, name: str, database: str = "company") -> str:
        return with_parameters(self.superuser_url, user=name, password=f"pw-{name}", dbname=database)

    def tcp(self, url: str) -> str:
        return with_parameters(url, host="127.0.0.1")


@pytest.fixture
def host(foreign: Running) -> Iterator[Host]:
    made = Host(foreign)
    made.database("company")
    yield made
    for name in DATABASES:
        made.run(f'drop database if exists "{name}" with (force)')
    with foreign.superuser("postgres") as connection:
        roles = connection.execute("select rolname from pg_roles where oid >= 16384").fetchall()
        if roles:
            names = sql.SQL(", ").join(sql.Identifier(role) for (role,) in roles)
            connection.execute(sql.SQL("drop owned by {}").format(names))
            connection.execute(sql.SQL("drop role {}").format(names))
