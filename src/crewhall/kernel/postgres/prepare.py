"""Preparing an external database as its administrator, as far as that role's rights go; every step may be repeated."""

from typing import LiteralString

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.connecting import ask
from crewhall.kernel.postgres.dba import dba_sql
from crewhall.kernel.postgres.errors import DATABASE_REFUSED, failure
from crewhall.kernel.postgres.provision import EXTENSIONS, EXTENSIONS_NOW
from crewhall.kernel.postgres.urls import ADMIN_ROLE, APP_ROLE, DEFINER_ROLE, READ_ROLE

PREPARE_LOCK: LiteralString = "select pg_advisory_xact_lock(1668444019)"
ROLES_NOW: LiteralString = "select rolname from pg_roles where rolname = any(%(names)s)"
IS_MEMBER: LiteralString = "select pg_has_role(%(member)s, %(group)s, 'usage')"
# From 16 on, who makes a role is its member at once, but may neither become it nor use its rights.
MAY_BECOME: LiteralString = """
select pg_has_role(%(group)s, case when current_setting('server_version_num')::int < 160000
                                   then 'member' else 'set' end)
"""
SCHEMA_READY: LiteralString = """
select has_schema_privilege(%(admin)s, 'public', 'create') and has_schema_privilege(%(definer)s, 'public', 'create')
   and has_schema_privilege(%(app)s, 'public', 'usage') and has_schema_privilege(%(read)s, 'public', 'usage')
   and has_database_privilege(%(app)s, current_database(), 'connect')
   and has_database_privilege(%(read)s, current_database(), 'connect')
   and not exists (select from pg_namespace, aclexplode(nspacl) as held
                   where nspname = 'public' and held.grantee = 0 and held.privilege_type = 'CREATE')
"""
NAMES = {"admin": ADMIN_ROLE, "definer": DEFINER_ROLE, "app": APP_ROLE, "read": READ_ROLE}


def prepare_external(connection: Connection[TupleRow]) -> None:
    """Make the four group roles, the extensions and the grants where they are missing.

    Processes that start at once take turns. Raises a CrewhallError with the SQL for a DBA when a right is missing.
    """
    try:
        with connection.transaction():
            connection.execute(PREPARE_LOCK)
            _make_groups(connection)
            _make_extensions(connection)
            _make_grants(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise needs_dba(connection, str(error).strip()) from error


def make_login(connection: Connection[TupleRow], name: str, group: str, password: str) -> None:
    """Make or mend a login role that is a member of `group`; the password is set only when it is a new one."""
    identifiers = {"name": sql.Identifier(name), "group": sql.Identifier(group)}
    try:
        with connection.transaction():
            connection.execute(PREPARE_LOCK)
            there = connection.execute(ROLES_NOW, {"names": [name]}).fetchone() is not None
            verb = sql.SQL("alter" if there else "create")
            verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
            statement = sql.SQL("{verb} role {name} login password {verifier}")
            connection.execute(statement.format(verb=verb, verifier=sql.Literal(verifier), **identifiers))
            if not ask(connection, IS_MEMBER, member=name, group=group)[0]:
                connection.execute(sql.SQL("grant {group} to {name}").format(**identifiers))
    except psycopg.errors.InsufficientPrivilege as error:
        raise needs_dba(connection, str(error).strip()) from error


def needs_dba(connection: Connection[TupleRow], why: str) -> CrewhallError:
    """The refusal that carries the SQL for a DBA, for this database."""
    script = dba_sql(connection.info.dbname)
    return failure(
        DATABASE_REFUSED,
        f"The database {connection.info.dbname} is not prepared, and {connection.info.user} may not do it: {why}.",
        f"Have a database administrator run:\n\n{script}",
    )


def _make_groups(connection: Connection[TupleRow]) -> None:
    there = {row[0] for row in connection.execute(ROLES_NOW, {"names": list(NAMES.values())}).fetchall()}
    for role in NAMES.values():
        if role not in there:
            connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    if not ask(connection, IS_MEMBER, member=ADMIN_ROLE, group=DEFINER_ROLE)[0]:
        connection.execute(sql.SQL("grant {definer} to {admin}").format(**_identifiers()))
    if not ask(connection, MAY_BECOME, group=ADMIN_ROLE)[0]:
        connection.execute(sql.SQL("grant {admin} to current_user").format(**_identifiers()))


def _make_extensions(connection: Connection[TupleRow]) -> None:
    there = {row[0] for row in connection.execute(EXTENSIONS_NOW).fetchall()}
    for extension in EXTENSIONS:
        if extension in there:
            continue
        try:
            with connection.transaction():
                connection.execute(sql.SQL("create extension {}").format(sql.Identifier(extension)))
        except (psycopg.errors.UndefinedFile, psycopg.errors.FeatureNotSupported):
            raise failure(
                DATABASE_REFUSED,
                f"The server has no extension {extension}.",
                "Install pgvector and the contrib package on the server (Debian: postgresql-NN-pgvector and"
                " postgresql-contrib), or leave CREWHALL_DATABASE_URL out to use the built-in Postgres.",
            ) from None


def _make_grants(connection: Connection[TupleRow]) -> None:
    if ask(connection, SCHEMA_READY, **NAMES)[0]:
        return
    names = {**_identifiers(), "database": sql.Identifier(connection.info.dbname)}
    for statement in (
        sql.SQL("revoke create on schema public from public"),
        sql.SQL("grant usage, create on schema public to {admin}, {definer}"),
        sql.SQL("grant usage on schema public to {app}, {read}"),
        sql.SQL("grant connect on database {database} to {admin}, {app}, {read}, {definer}"),
    ):
        connection.execute(statement.format(**names))
    if not ask(connection, SCHEMA_READY, **NAMES)[0]:  # Postgres only warns when a grant does nothing
        raise needs_dba(connection, "it cannot give away rights on schema public")


def _identifiers() -> dict[str, sql.Identifier]:
    return {name: sql.Identifier(role) for name, role in NAMES.items()}
