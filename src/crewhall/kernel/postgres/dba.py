"""The SQL that a database administrator runs once, where Crewhall itself has not the rights."""

from psycopg import sql

from crewhall.kernel.postgres.urls import ADMIN_ROLE, APP_ROLE, DEFINER_ROLE, READ_ROLE

SCRIPT = sql.SQL("""\
-- As a superuser (or the provider's administrator), connected to the database {database}:
create extension if not exists vector;
create extension if not exists pg_trgm;
create role {definer} nologin;
create role {admin} login password 'CHOOSE-ONE';
create role {app} login password 'CHOOSE-ANOTHER';
create role {read} login password 'CHOOSE-A-THIRD';
grant {definer} to {admin};
revoke all on database {database} from public;
grant connect on database {database} to {admin}, {app}, {read}, {definer};
revoke create on schema public from public;
grant usage, create on schema public to {admin}, {definer};
grant usage on schema public to {app}, {read};
-- Then start Crewhall with:
--   CREWHALL_DATABASE_ADMIN_URL=postgresql://crewhall_admin:CHOOSE-ONE@HOST:5432/DATABASE
--   CREWHALL_DATABASE_URL=postgresql://crewhall_app:CHOOSE-ANOTHER@HOST:5432/DATABASE
-- Logins of other names serve as well: grant {admin} or {app} to them.
""")


def dba_sql(database: str) -> str:
    """What a DBA must run, once, to prepare `database` for Crewhall."""
    names = {"admin": ADMIN_ROLE, "app": APP_ROLE, "read": READ_ROLE, "definer": DEFINER_ROLE, "database": database}
    return SCRIPT.format(**{name: sql.Identifier(role) for name, role in names.items()}).as_string()
