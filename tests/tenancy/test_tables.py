"""Two tenants cannot see each other by SQL either: the database refuses what a forgotten WHERE would give away."""

import contextlib
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.tenancy.estate import Estate
from tests.tenancy.rows import TENANT_TABLES

PROTECTED = """
select relname::text from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and relrowsecurity
  and relforcerowsecurity order by 1
"""
APPEND_ONLY = """
select distinct c.relname::text from pg_trigger t
join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
where p.proname = 'refuse_change' and not c.relispartition order by 1
"""
EXPECTED_APPEND_ONLY = {
    "agent_versions", "audit_log", "credential_usage", "events", "kpi_evidence", "kpis", "message_records",
    "run_steps", "turn_decisions", "wiki_entries",
}  # fmt: skip
UNSCOPED = {"users", "logins", "login_tokens", "app_logins", "password_resets", "organizations"}
"""Protected tables whose rows are a person's, or the tenant itself. A login's `org_id` says where its person is now: it
gives no right, membership does, at each request."""


EVERY = sql.SQL("true")


class Scope:
    """A connection as the application role, acting as somebody of one tenant, or as nobody."""

    def __init__(self, url: str, org_id: UUID | None, actor: UUID | None = None, role: str = "owner") -> None:
        self._settings = (f"{{{org_id}}}" if org_id else "", str(actor) if actor else "", role if actor else "")
        self._url = url

    def __enter__(self) -> Connection[TupleRow]:
        self._connection = psycopg.connect(self._url)
        self._connection.execute(
            """
            select set_config('crewhall.orgs', %s, false), set_config('crewhall.actor', %s, false),
                   set_config('crewhall.role', %s, false),
                   set_config('crewhall.actor_type', case when %s = '' then '' else 'user' end, false)
            """,
            (*self._settings, self._settings[1]),
        )
        self._connection.commit()
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def app_url(server: Server) -> str:
    return server.db.url


def names(connection: Connection[TupleRow], statement: str) -> list[str]:
    return [row[0] for row in connection.execute(statement.encode())]


def readable(connection: Connection[TupleRow], table: str) -> list[str]:
    """The columns of a table that the application may read (hashes are not among them)."""
    return names(
        connection,
        "select column_name::text from information_schema.columns where table_schema = 'public'"
        f" and table_name = '{table}' and has_column_privilege('public.{table}', column_name::text, 'select')",
    )


def count(connection: Connection[TupleRow], table: str, where: sql.Composable = EVERY) -> int:
    row = connection.execute(
        sql.SQL("select count(*) from {} where {}").format(sql.Identifier(table), where)
    ).fetchone()
    assert row is not None
    return int(row[0])


def of_org(org_id: UUID) -> sql.Composable:
    return sql.SQL("org_id = {}").format(sql.Literal(str(org_id)))


@pytest.mark.rule("B1", "D13")
def test_without_a_scope_no_protected_table_shows_a_row(app_url: str, estates: tuple[Estate, Estate]):
    with Scope(app_url, None) as nobody:
        tables = names(nobody, PROTECTED)
        assert set(tables) >= UNSCOPED | {"agents", "conversations", "message_records", "audit_log"}
        assert {table: count(nobody, table) for table in tables} == dict.fromkeys(tables, 0)


@pytest.mark.rule("B1", "D13")
def test_each_tenant_table_shows_its_own_rows_and_none_of_another(
    app_url: str, cluster: SharedCluster, worker_id: str, estates: tuple[Estate, Estate]
):
    own, other = estates
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as everything:
        tables = names(everything, TENANT_TABLES)
        filled = {table for table in tables if count(everything, table, of_org(other.org.id))}
    with Scope(app_url, own.org.id, own.org.owner.id) as connection:
        assert set(tables) - {"logins"} <= set(names(connection, PROTECTED))
        seen = {table: count(connection, table, of_org(other.org.id)) for table in tables}
        assert seen == dict.fromkeys(tables, 0)
        mine = {table for table in tables if count(connection, table, of_org(own.org.id))}
    assert filled >= {"agents", "agent_credentials", "conversations", "message_records", "memberships", "invitations"}
    assert filled >= {"turn_triggers", "turn_decisions", "runs", "run_steps", "conversation_summaries"}
    assert filled >= {"model_prices", "budgets", "budget_periods", "usage_buckets"}
    assert mine >= filled - {"credential_usage", "message_search"}, "the same tables show the tenant its own"


@pytest.mark.rule("B1", "D13")
def test_no_row_can_be_put_into_another_tenant(app_url: str, estates: tuple[Estate, Estate]):
    """Each tenant table is offered a copy of an own row that names the other tenant, by insert and by update."""
    own, other = estates
    tried = []
    with Scope(app_url, own.org.id, own.org.owner.id) as connection:
        tables = names(connection, TENANT_TABLES)
        for table in tables:
            columns = readable(connection, table)
            if table in UNSCOPED or not count(connection, table, of_org(own.org.id)):
                continue
            for statement in _intrusions(table, columns, own.org.id, other.org.id):
                with pytest.raises(psycopg.Error) as refused:
                    connection.execute(statement)
                assert isinstance(
                    refused.value,
                    psycopg.errors.InsufficientPrivilege
                    | psycopg.errors.RaiseException
                    | psycopg.errors.GeneratedAlways,
                ), (table, refused.value)
                connection.rollback()
            tried.append(table)
    assert len(tried) >= 8, tried


def _intrusions(table: str, columns: list[str], own: UUID, other: UUID) -> list[sql.Composed]:
    picked = sql.SQL(", ").join(
        sql.Literal(str(other)) + sql.SQL("::uuid") if column == "org_id" else sql.Identifier(column)
        for column in columns
    )
    into = sql.SQL(", ").join(map(sql.Identifier, columns))
    return [
        sql.SQL("insert into {0} ({1}) select {2} from {0} where org_id = {3} limit 1").format(
            sql.Identifier(table), into, picked, sql.Literal(str(own))
        ),
        sql.SQL("update {} set org_id = {} where org_id = {}").format(
            sql.Identifier(table), sql.Literal(str(other)), sql.Literal(str(own))
        ),
    ]


@pytest.mark.rule("B1", "D13")
def test_rows_of_another_tenant_cannot_be_changed_or_removed(app_url: str, estates: tuple[Estate, Estate]):
    own, other = estates
    with Scope(app_url, own.org.id, own.org.owner.id) as connection:
        for table in names(connection, TENANT_TABLES):
            for verb in ("update {} set org_id = org_id where org_id = {}", "delete from {} where org_id = {}"):
                statement = sql.SQL(verb).format(sql.Identifier(table), sql.Literal(str(other.org.id)))
                with contextlib.suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException):
                    assert connection.execute(statement).rowcount == 0, table
                connection.rollback()


@pytest.mark.rule("E5", "D13")
@pytest.mark.parametrize("table", sorted(EXPECTED_APPEND_ONLY))
def test_an_append_only_table_takes_no_change(app_url: str, estates: tuple[Estate, Estate], table: str):
    own, _ = estates
    with Scope(app_url, own.org.id, own.org.owner.id) as connection:
        assert table == "credential_usage" or count(connection, table) > 0, "there is something to change"
        for statement in ("update {} set org_id = org_id", "delete from {}", "truncate {}"):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.RaiseException)):
                connection.execute(sql.SQL(statement).format(sql.Identifier(table)))
            connection.rollback()


@pytest.mark.rule("E5")
def test_the_append_only_tables_are_these(cluster: SharedCluster, worker_id: str, server: Server):
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as everything:
        assert set(names(everything, APPEND_ONLY)) == EXPECTED_APPEND_ONLY


@pytest.mark.rule("E5")
@pytest.mark.parametrize("table", sorted(EXPECTED_APPEND_ONLY))
def test_not_even_the_migrating_role_changes_an_append_only_table(
    cluster: SharedCluster, worker_id: str, table: str, estates: tuple[Estate, Estate]
):
    with psycopg.connect(cluster.urls(f"server_{worker_id}").admin) as connection:
        for statement in ("update {} set org_id = org_id", "delete from {}", "truncate {}"):
            with pytest.raises(psycopg.Error):
                connection.execute(sql.SQL(statement).format(sql.Identifier(table)))
            connection.rollback()


@pytest.mark.rule("D13")
def test_the_application_can_neither_change_the_schema_nor_pass_the_policies(app_url: str):
    with psycopg.connect(app_url) as connection:
        rights = connection.execute(
            "select rolsuper, rolbypassrls, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user"
        ).fetchone()
        assert rights == (False, False, False, False)
        for statement in (
            b"create table own (id int)",
            b"alter table agents disable row level security",
            b"drop policy application on agents",
            b"drop trigger if exists append_only on audit_log",
            b"set session_replication_role = replica",
            b"set role crewhall_admin",
            b"set role crewhall_definer",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject)) as refused:
                connection.execute(statement)
            assert isinstance(refused.value, psycopg.errors.InsufficientPrivilege), statement
            connection.rollback()
