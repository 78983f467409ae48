"""The roles: what each may do, and that making them again changes nothing."""

import psycopg
import pytest
from psycopg import errors

from crewhall.kernel.postgres.passwords import read_passwords
from crewhall.kernel.postgres.provision import fits, provision_database, provision_roles, provision_schema
from tests.postgres.conftest import Running

COUNTED = """
create or replace function counted() returns bigint language sql security definer
begin atomic select count(*) from allowed; end
"""


COUNTED = """
create or replace function counted() returns bigint language sql security definer
begin atomic select count(*) from allowed; end
"""


@pytest.mark.rule("D13")
@pytest.mark.parametrize(
    "statement",
    [
        "create table forbidden (id int)",
        "create temporary table forbidden (id int)",
        "create schema forbidden",
        "create function forbidden() returns int language sql as 'select 1'",
        "drop extension vector",
        "create extension btree_gist",
        "create role forbidden",
        "alter role crewhall_app bypassrls",
        "set role crewhall_admin",
        "set role crewhall_definer",
        "set role postgres",
        "alter database crewhall set search_path = forbidden",
    ],
)
def test_the_application_role_cannot_change_the_schema(running: Running, statement: str) -> None:
    with (
        psycopg.connect(running.urls.app) as connection,
        pytest.raises((errors.InsufficientPrivilege, errors.DependentObjectsStillExist)),
    ):
        connection.execute(statement.encode())


@pytest.mark.rule("D13")
def test_the_admin_role_changes_the_schema_and_the_application_uses_it(running: Running) -> None:
    with psycopg.connect(running.urls.admin) as admin:
        admin.execute("create table allowed (id int, meaning vector(3))")
        admin.execute("grant select, insert on allowed to crewhall_app")
        admin.execute("grant select on allowed to crewhall_read")
        admin.execute(COUNTED)
        admin.execute("grant select on allowed to crewhall_definer")
        admin.execute("alter function counted() owner to crewhall_definer")
        admin.execute(COUNTED)
    try:
        with psycopg.connect(running.urls.app, autocommit=True) as app:
            app.execute("insert into allowed values (1, '[1,2,3]')")
            assert app.execute("select counted()").fetchone() == (1,)
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute("alter table allowed add column more int")
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute("drop table allowed")
        with psycopg.connect(running.urls.read, autocommit=True) as reader:
            assert reader.execute("select count(*) from allowed").fetchone() == (1,)
            for statement in (
                "insert into allowed values (2)",
                "set transaction read write; insert into allowed values (2)",
            ):
                with pytest.raises((errors.ReadOnlySqlTransaction, errors.InsufficientPrivilege)):
                    reader.execute(statement.encode())
    finally:
        with psycopg.connect(running.urls.admin) as admin:
            admin.execute("drop function counted()")
            admin.execute("drop table allowed")


@pytest.mark.rule("D13")
def test_no_role_passes_row_level_security_by(running: Running) -> None:
    with running.superuser() as connection:
        found = connection.execute(
            "select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb, rolcanlogin from pg_roles"
            " where rolname like 'crewhall%' order by 1"
        ).fetchall()
    assert found == [
        ("crewhall_admin", False, True),
        ("crewhall_app", False, True),
        ("crewhall_definer", False, False),
        ("crewhall_read", False, True),
    ]


def test_other_databases_are_closed_to_the_roles(running: Running) -> None:
    with running.superuser("postgres") as connection:
        provision_database(connection, "another")
        connection.execute("create role stranger login password 'stranger'")
    try:
        url = running.urls.app.replace("/crewhall?", "/another?")
        with psycopg.connect(url) as connection:
            assert connection.execute("select current_database()").fetchone() == ("another",)
        host = running.postgres.status().socket_folder
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(f"postgresql://stranger:stranger@/crewhall?host={host}")
    finally:
        with running.superuser("postgres") as connection:
            connection.execute("drop database another")
            connection.execute("drop role stranger")


def test_provisioning_again_writes_nothing(running: Running) -> None:
    passwords = read_passwords(running.postgres.home)
    assert passwords is not None
    with running.superuser("postgres") as cluster, running.superuser() as database:
        before = cluster.execute("select pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
        provision_roles(cluster, passwords)
        assert provision_database(cluster) is False
        provision_schema(database)
        assert cluster.execute("select pg_snapshot_xmax(pg_current_snapshot())::text").fetchone() == before


def test_extensions_of_an_older_wheel_are_brought_forward(running: Running) -> None:
    with running.superuser("postgres") as cluster:
        provision_database(cluster, "older")
    try:
        with running.superuser("older") as connection:
            connection.execute("create extension vector")
            connection.execute("update pg_extension set extversion = '0.8.5' where extname = 'vector'")
            provision_schema(connection)
            found = connection.execute(
                "select installed_version = default_version from pg_available_extensions where name = 'vector'"
            ).fetchone()
        assert found == (True,)
    finally:
        with running.superuser("postgres") as cluster:
            cluster.execute("drop database older")


def test_a_verifier_fits_its_password_alone(running: Running) -> None:
    passwords = read_passwords(running.postgres.home)
    assert passwords is not None
    with running.superuser() as connection:
        row = connection.execute("select rolpassword from pg_authid where rolname = 'crewhall_app'").fetchone()
    assert row is not None
    assert fits(row[0], passwords.app)
    assert not fits(row[0], passwords.admin)
    assert not fits(None, passwords.app)
    assert not fits("md5abc", passwords.app)
