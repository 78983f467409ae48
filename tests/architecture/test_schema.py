"""What every table keeps, looked up in a migrated database."""

from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

APPEND_ONLY = {
    "agent_versions",
    "audit_log",
    "credential_usage",
    "events",
    "kpi_evidence",
    "kpis",
    "message_records",
    "run_steps",
    "turn_decisions",
    "wiki_entries",
}
"""Grows with the tables that are promised to be append-only; a table may be so without being named here."""

NO_TENANT = "no-rls: "

Schema = Connection[TupleRow]

TENANT_TABLES_LEFT_OPEN: LiteralString = """
select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'org_id'
  and not a.attisdropped and not (c.relrowsecurity and c.relforcerowsecurity)
"""

VIEWS_WITH_OWNERS_EYES: LiteralString = """
select c.relname from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')
  and not coalesce(c.reloptions @> '{security_invoker=true}', false)
"""

GUARDED: LiteralString = """
select c.relname from pg_class c
where (select count(*) from pg_trigger t
       where t.tgrelid = c.oid and t.tgname in ('append_only', 'never_truncated') and t.tgenabled = 'O') = 2
"""

RIGHTS_ON_PARTITIONS: LiteralString = """
select c.relname || ' to ' || r.rolname
from pg_class c cross join pg_roles r
where c.relispartition and c.relkind = 'r'
  and r.rolname in ('crewhall_app', 'crewhall_read', 'crewhall_definer')
  and has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
"""

RIGHTS_PAST_POLICIES: LiteralString = """
select c.relname || ' to ' || r.rolname
from pg_class c cross join pg_roles r
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
  and r.rolname in ('crewhall_app', 'crewhall_read')
  and has_table_privilege(r.oid, c.oid, 'TRUNCATE, REFERENCES, TRIGGER')
"""

UNTOUCHED: LiteralString = """
select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  and a.attname = 'updated_at' and not exists (
    select from pg_trigger t join pg_proc p on p.oid = t.tgfoid where t.tgrelid = c.oid and p.proname = 'touch')
"""

LOOSE_DEFINERS: LiteralString = """
select p.oid::regprocedure::text from pg_proc p join pg_roles r on r.oid = p.proowner
where p.pronamespace = 'public'::regnamespace and p.prosecdef and not exists (
    select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  and (not exists (select from unnest(p.proconfig) s where s like 'search_path=%')
       or r.rolname not in ('crewhall_definer', 'crewhall_admin'))
"""

BARE_FOREIGN_KEYS: LiteralString = """
select c.conrelid::regclass || '(' || string_agg(a.attname, ', ' order by k.place) || ')'
from pg_constraint c
cross join lateral unnest(c.conkey) with ordinality as k (attnum, place)
join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum
where c.contype = 'f' and c.confdeltype in ('c', 'n') and not exists (
    select from pg_index i where i.indrelid = c.conrelid
      and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
group by c.oid, c.conrelid
"""


def rows(schema: Schema, sql: LiteralString) -> list[Any]:
    """The first column of every row."""
    return [row[0] for row in schema.execute(sql)]


@pytest.mark.rule("B1")
def test_every_table_forces_row_level_security_or_says_why_not(schema: Schema):
    """Partitions too: read directly they would pass the parent's policy by."""
    open_tables = schema.execute("""
        select c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and not (c.relrowsecurity and c.relforcerowsecurity) and c.relname <> 'alembic_version'
    """).fetchall()
    unexplained = [
        name for name, comment in open_tables if len(comment) < len(NO_TENANT) + 20 or not comment.startswith(NO_TENANT)
    ]
    assert unexplained == []
    assert "agent_templates" in {name for name, _ in open_tables}


@pytest.mark.rule("B1")
def test_no_table_with_an_organization_is_open(schema: Schema):
    """Whatever its comment says: a row that names its organization is scoped to it."""
    assert rows(schema, TENANT_TABLES_LEFT_OPEN) == []


def test_views_look_with_the_readers_own_eyes(schema: Schema):
    assert rows(schema, VIEWS_WITH_OWNERS_EYES) == []


@pytest.mark.rule("E5")
def test_append_only_tables_refuse_change_by_trigger(schema: Schema):
    """UPDATE and DELETE per row, TRUNCATE per statement, which passes row triggers by."""
    guarded = set(rows(schema, GUARDED))
    assert guarded >= APPEND_ONLY


@pytest.mark.rule("E5")
@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_the_application_may_append_and_nothing_else(schema: Schema, table: str):
    granted = {
        row[0]
        for row in schema.execute(
            """
            select p.privilege from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) as p (privilege)
            where has_table_privilege('crewhall_app', %(table)s, p.privilege)
            """,
            {"table": table},
        )
    }
    assert granted == {"SELECT", "INSERT"}


def test_nobody_has_rights_on_a_partition(schema: Schema):
    assert rows(schema, RIGHTS_ON_PARTITIONS) == []
    assert rows(schema, "select count(*) from pg_class where relispartition and relkind = 'r'")[0] >= 4


@pytest.mark.rule("D13")
def test_the_application_may_not_truncate_or_refer(schema: Schema):
    """Both pass row-level security by."""
    assert rows(schema, RIGHTS_PAST_POLICIES) == []


@pytest.mark.rule("D13")
def test_only_the_administrator_may_change_the_schema(schema: Schema):
    owners = rows(schema, "select distinct tableowner from pg_tables where schemaname = 'public'")
    assert owners == ["crewhall_admin"]
    may_create: dict[str, bool] = dict(
        schema.execute("""
            select rolname, has_schema_privilege(oid, 'public', 'CREATE') from pg_roles
            where rolname in ('crewhall_admin', 'crewhall_app', 'crewhall_read')
        """).fetchall()
    )
    assert may_create == {"crewhall_admin": True, "crewhall_app": False, "crewhall_read": False}


@pytest.mark.rule("D13")
@pytest.mark.parametrize("role", ["crewhall_app", "crewhall_read"])
def test_serving_roles_cannot_see_past_row_level_security(schema: Schema, role: str):
    found = schema.execute(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = %(role)s",
        {"role": role},
    ).fetchone()
    assert found == (False, False, False, False)
    with schema.transaction(force_rollback=True):
        schema.execute("insert into organizations (id, slug, name) values (uuidv7(), 'unseen', 'Unseen')")
        assert schema.execute("select count(*) from organizations").fetchone() == (1,)
        with schema.transaction(force_rollback=True):
            schema.execute("set local role crewhall_app" if role == "crewhall_app" else "set local role crewhall_read")
            assert schema.execute("select count(*) from organizations").fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                schema.execute("create table smuggled (id int)")


@pytest.mark.rule("D12")
def test_updated_at_moves_by_trigger_wherever_it_stands(schema: Schema):
    assert rows(schema, UNTOUCHED) == []


def test_definer_functions_have_a_fixed_path_and_the_right_owner(schema: Schema):
    """A caller's search path must not choose what a privileged function calls."""
    loose = rows(schema, LOOSE_DEFINERS)
    assert loose == []


def test_foreign_keys_have_an_index_to_walk(schema: Schema):
    """Removing or renumbering a parent looks at every child: without an index it reads the table."""
    bare = rows(schema, BARE_FOREIGN_KEYS)
    assert bare == []
