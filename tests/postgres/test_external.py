"""A Postgres of your own: what is made there, what is refused, and in which words."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres import connecting, prepare
from crewhall.kernel.postgres.binaries import wheel_binaries
from crewhall.kernel.postgres.checks import check_database
from crewhall.kernel.postgres.dba import dba_sql
from crewhall.kernel.postgres.external import resolve_external
from crewhall.kernel.postgres.migrate import migrate
from crewhall.kernel.postgres.urls import url_parameters, with_parameters
from tests.architecture.source import ROOT
from tests.cli.conftest import QuickCli
from tests.postgres.conftest import Host


@pytest.fixture
def refused() -> Callable[..., CrewhallError]:
    def refusal(url: str, admin_url: str | None = None) -> CrewhallError:
        with pytest.raises(CrewhallError) as raised:
            resolve_external(url, admin_url)
        return raised.value

    return refusal


Refused = Callable[..., CrewhallError]


def sees(url: str, query: str) -> tuple[object, ...] | None:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchone()


def test_a_superuser_alone_prepares_everything(host: Host) -> None:
    url = host.tcp(with_parameters(host.superuser_url, dbname="company"))
    urls = resolve_external(url)
    assert resolve_external(url) == urls, "every process finds the same"
    assert sees(urls.app, "select current_user") == ("crewhall_app_company",)
    assert sees(urls.admin, "select current_user") == ("crewhall_admin",)
    assert sees(urls.read, "select current_user, current_setting('transaction_read_only')") == (
        "crewhall_read_company",
        "on",
    )
    migrate(urls.admin)
    assert sees(urls.app, "select count(*) from organizations") == (0,)
    with psycopg.connect(urls.app) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("create table forbidden (id int)")
    assert sees(urls.admin, "select count(*) from pg_tables where tableowner <> 'crewhall_admin'"
                " and schemaname = 'public'") == (0,)  # fmt: skip
    findings = check_database(urls)
    assert {finding.name: finding.detail for finding in findings if not finding.ok} == {}
    assert {"notifications", "row-level security", "extensions", "migrations"} <= {finding.name for finding in findings}


def test_two_installations_on_one_server_do_not_meet(host: Host) -> None:
    host.database("another company")
    first = resolve_external(with_parameters(host.superuser_url, dbname="company"))
    second = resolve_external(with_parameters(host.superuser_url, dbname="another company"))
    assert sees(first.app, "select current_database()") == ("company",)
    assert sees(second.app, "select current_user") == ("crewhall_app_another company",)
    assert sees(first.app, "select 1") == (1,)
    assert url_parameters(first.app)["password"] != url_parameters(second.app)["password"]


def test_a_role_that_may_create_roles_is_enough(host: Host) -> None:
    boss = host.role("boss", "createrole")
    host.run("alter database company owner to boss")
    host.run("create extension vector", database="company")
    urls = resolve_external(boss)
    migrate(urls.admin)
    assert sees(urls.app, "select current_user") == ("crewhall_app_company",)
    assert [finding.name for finding in check_database(urls) if not finding.ok] == []
    assert resolve_external(boss) == urls


def test_a_plain_role_alone_is_refused_with_the_sql_for_a_dba(host: Host, refused: Refused) -> None:
    error = refused(host.role("plain"))
    assert error.code == "database_refused"
    assert "plain may not do it: it may not create roles" in error.detail
    assert dba_sql("company") in error.detail


def test_the_applications_address_is_enough_once_somebody_else_has_migrated(
    host: Host, refused: Refused, tmp_path: Path
) -> None:
    def command_line(**env: str) -> QuickCli:
        return QuickCli(tmp_path, "", **env)

    admin = with_parameters(host.superuser_url, dbname="company")
    app, plain = host.role("webshop"), host.role("plain")
    assert "CREWHALL_DATABASE_ADMIN_URL is not given" in refused(app).detail
    urls = resolve_external(app, admin)
    newest = command_line(CREWHALL_DATABASE_URL=app, CREWHALL_DATABASE_ADMIN_URL=admin).run_now("migrate", "--json")
    assert newest.code == 0, newest.err
    alone = resolve_external(app)
    assert migrate(alone.admin) == []
    again = command_line(CREWHALL_DATABASE_URL=app).run_now("migrate")
    assert again.out == f"The database is at revision {newest.json['revision']}.\n"
    assert sees(alone.app, "select current_user, (select count(*) from organizations)") == ("webshop", 0)
    assert sees(alone.read, "select current_setting('transaction_read_only')") == ("on",)
    assert [finding.name for finding in check_database(alone) if not finding.ok] == []
    assert "plain may not read at which revision the database company is" in refused(plain).detail
    with psycopg.connect(urls.admin) as owner:
        (last,) = owner.execute("select max(version_num) from alembic_version").fetchone() or ("",)
        owner.execute("update alembic_version set version_num = '0001'")
    assert last == newest.json["revision"]
    assert f"lacks revision {last}" in command_line(CREWHALL_DATABASE_URL=app).run_now("migrate").err
    assert f"lacks revision {last}, and webshop may not migrate it" in refused(app).detail


def test_the_dbas_sql_prepares_two_addresses(host: Host) -> None:
    host.database("another company")
    script = dba_sql("another company")
    for number, placeholder in enumerate(("CHOOSE-ONE", "CHOOSE-ANOTHER", "CHOOSE-A-THIRD")):
        script = script.replace(f"'{placeholder}'", f"'secret {number}'")
    host.run(script, database="another company")
    address = with_parameters(host.superuser_url, dbname="another company")
    app = with_parameters(address, user="crewhall_app", password="secret 1")
    admin = with_parameters(address, user="crewhall_admin", password="secret 0")
    urls = resolve_external(app, admin)
    assert urls.app == app
    migrate(urls.admin)
    assert sees(urls.app, "select count(*) from organizations") == (0,)
    with psycopg.connect(urls.read) as reader, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute("delete from organizations")
    assert [finding.name for finding in check_database(urls) if not finding.ok] == []


def test_what_compose_makes_of_a_new_database_is_what_it_should_be(host: Host) -> None:
    """`deploy/compose/roles.sql`, run by psql as the image of Postgres does."""
    script = ROOT / "deploy" / "compose" / "roles.sql"
    wanted = dba_sql("crewhall").replace("login password 'CHOOSE-A-THIRD'", "nologin")
    for placeholder, variable in (("CHOOSE-ONE", "admin_password"), ("CHOOSE-ANOTHER", "app_password")):
        wanted = wanted.replace(f"'{placeholder}'", f":'{variable}'")
    assert statements_of(script.read_text(encoding="utf-8")) == statements_of(wanted)
    host.run("drop database if exists crewhall")
    host.database("crewhall")
    address = with_parameters(host.superuser_url, dbname="crewhall")
    secrets = {"DATABASE_ADMIN_PASSWORD": "secret 0", "DATABASE_PASSWORD": "secret 1"}
    command = [wheel_binaries().program("psql"), "--set=ON_ERROR_STOP=1", f"--file={script}", address]
    subprocess.run(command, env=secrets, capture_output=True, check=True, timeout=60)
    app = with_parameters(address, user="crewhall_app", password="secret 1")
    admin = with_parameters(address, user="crewhall_admin", password="secret 0")
    assert resolve_external(app, admin).app == app


def statements_of(script: str) -> list[str]:
    """What a script does: without what it says, and without what it asks psql for."""
    return [line for line in script.splitlines() if line and not line.startswith(("--", "\\"))]


def test_a_login_of_another_name_becomes_the_application(host: Host, refused: Refused) -> None:
    admin = with_parameters(host.superuser_url, dbname="company")
    app = host.role("webshop")
    urls = resolve_external(app, admin)
    migrate(urls.admin)
    assert sees(urls.app, "select current_user") == ("webshop",)
    assert sees(urls.app, "select count(*) from organizations") == (0,)
    host.role("boss")
    host.run("grant crewhall_admin to boss")
    stranger = host.role("stranger")
    error = refused(stranger, host.url("boss"))
    assert "stranger is not a member of crewhall_app" in error.detail


@pytest.mark.rule("D13")
@pytest.mark.parametrize("rights", ["superuser", "bypassrls"])
def test_an_application_role_past_row_level_security_is_refused(host: Host, refused: Refused, rights: str) -> None:
    error = refused(host.role("mighty", rights), with_parameters(host.superuser_url, dbname="company"))
    assert error.code == "database_refused"
    assert "mighty, which passes row-level security by" in error.detail


@pytest.mark.rule("D13")
def test_an_application_role_that_may_become_such_a_one_is_refused(host: Host, refused: Refused) -> None:
    admin = with_parameters(host.superuser_url, dbname="company")
    sneaky = host.role("sneaky")
    host.run("create role mighty bypassrls", "grant mighty to sneaky")
    assert "(as mighty)" in refused(sneaky, admin).detail


@pytest.mark.rule("D13")
@pytest.mark.parametrize("how", ["owner", "admin", "createrole"])
def test_an_application_role_that_may_change_the_schema_is_refused(host: Host, refused: Refused, how: str) -> None:
    admin = with_parameters(host.superuser_url, dbname="company")
    resolve_external(host.role("modest"), admin)
    app = host.role("builder")
    host.run(
        {
            "owner": "alter database company owner to builder",
            "admin": "grant crewhall_admin to builder with inherit false",
            "createrole": "alter role builder createrole",
        }[how]
    )
    assert "builder, which may change the schema" in refused(app, admin).detail


def test_two_databases_are_not_taken_for_one(host: Host, refused: Refused) -> None:
    host.database("another company")
    app = host.role("webshop")
    error = refused(
        with_parameters(app, dbname="another company"), with_parameters(host.superuser_url, dbname="company")
    )
    assert "different databases" in error.detail


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"host": "127.0.0.1", "port": "1"}, "database_unreachable", "Check the host and the port"),
        ({"host": "no.such.host.invalid"}, "database_unreachable", "Check the host name"),
        ({"password": "wrong-secret"}, "database_unreachable", "Check the user and the password"),
        ({"dbname": "nowhere"}, "database_unreachable", "Create it"),
        ({"host": "/nonexistent"}, "database_unreachable", "folder of the socket"),
    ],
)
def test_a_connection_that_fails_says_why(
    host: Host, refused: Refused, changes: dict[str, str], code: str, words: str
) -> None:
    error = refused(with_parameters(host.superuser_url, **{"dbname": "company", **changes}))
    assert error.code == code
    assert words in error.fields["mend"]
    assert error.detail.endswith(f". {error.fields['mend']}")
    assert not any(part in error.detail for part in ("\n", "\t", "?."))
    for secret in (url_parameters(host.superuser_url)["password"], "wrong-secret"):
        assert secret not in error.detail


def test_an_address_that_is_none_is_refused_without_its_password(refused: Refused) -> None:
    error = refused("postgresql+psycopg://me:hidden@host/db")
    assert error.code == "database_refused"
    assert "hidden" not in str(error.detail)


def test_an_old_server_is_refused(host: Host, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "OLDEST_SERVER", 990000)
    error = refused(host.superuser_url)
    assert error.code == "database_version"
    assert "Postgres 18; Crewhall needs 15 or newer" in error.detail


def test_a_server_without_the_extension_is_refused(
    host: Host, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "EXTENSIONS", ("vector", "no_such_extension"))
    error = refused(with_parameters(host.superuser_url, dbname="company"))
    assert "no extension no_such_extension" in error.detail


def test_an_administrator_who_may_not_make_the_extension_asks_for_a_dba(host: Host, refused: Refused) -> None:
    boss = host.role("boss", "createrole")
    host.run("alter database company owner to boss")
    error = refused(boss)
    assert "permission denied to create extension" in error.detail
    assert "create extension if not exists vector" in error.fields["mend"]
    with host.server.superuser("postgres") as connection:
        left = connection.execute("select count(*) from pg_roles where rolname like 'crewhall%'").fetchone()
    assert left == (0,), "all or nothing"


def test_the_doctor_finds_what_is_wrong_and_changes_nothing(host: Host) -> None:
    mighty = host.role("mighty", "bypassrls createrole")
    admin = with_parameters(host.superuser_url, dbname="company")
    urls = resolve_external(host.role("modest"), admin)
    wrong = type(urls)(admin=urls.admin, app=mighty, read=urls.read)
    findings = {finding.name: finding for finding in check_database(wrong)}
    bad = {name for name, finding in findings.items() if not finding.ok}
    assert bad == {"row-level security", "application rights", "migrations"}
    assert all(finding.mend for finding in findings.values() if not finding.ok)
    gone = type(urls)(admin=with_parameters(urls.admin, password="wrong"), app=urls.app, read=urls.read)
    assert [(finding.name, finding.ok) for finding in check_database(gone)] == [
        ("application connection", True),
        ("admin connection", False),
    ]


def test_notifications_that_get_lost_are_noticed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction pooler forgets LISTEN between statements; here the server is told to forget it."""
    urls = resolve_external(with_parameters(host.superuser_url, dbname="company"))
    monkeypatch.setattr("crewhall.kernel.postgres.checks.LISTEN_SECONDS", 0.05)
    monkeypatch.setattr("crewhall.kernel.postgres.checks.LISTEN", sql.SQL("unlisten {}"))
    finding = next(finding for finding in check_database(urls) if finding.name == "notifications")
    assert not finding.ok
    assert "transaction pooler" in finding.detail
