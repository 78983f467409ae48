"""The roles, the database and the extensions that Crewhall needs; every step may be repeated.

Four roles: `crewhall_definer` (cannot log in) owns the definer functions, `crewhall_admin` owns the database and runs
migrations, `crewhall_app` serves requests, `crewhall_read` only reads. None may pass row-level security by.
"""

import base64
import hashlib
import hmac
from typing import LiteralString

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from crewhall.kernel.postgres.passwords import Passwords
from crewhall.kernel.postgres.urls import ADMIN_ROLE, APP_ROLE, DATABASE, DEFINER_ROLE, READ_ROLE

EXTENSIONS: tuple[LiteralString, ...] = ("vector", "pg_trgm")

ROLES_NOW: LiteralString = "select rolname, rolpassword from pg_authid where rolname like 'crewhall_%%'"
IS_MEMBER: LiteralString = "select pg_has_role(%(member)s, %(group)s, 'member')"
DATABASE_NOW: LiteralString = """
select pg_catalog.pg_get_userbyid(datdba) from pg_database where datname = %(database)s
"""
EXTENSIONS_NOW: LiteralString = "select extname from pg_extension"
EXTENSIONS_OLD: LiteralString = """
select name from pg_available_extensions where installed_version is not null and installed_version <> default_version
"""


def provision_roles(connection: Connection[TupleRow], passwords: Passwords) -> None:
    """Make the four roles and give them these passwords; needs a superuser in autocommit mode.

    A role whose stored verifier already fits its password is left alone, so that a later start writes nothing.
    """
    now: dict[str, str | None] = dict(connection.execute(ROLES_NOW).fetchall())
    if DEFINER_ROLE not in now:
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(DEFINER_ROLE)))
    for role, password in ((ADMIN_ROLE, passwords.admin), (APP_ROLE, passwords.app), (READ_ROLE, passwords.read)):
        verb = sql.SQL("alter" if role in now else "create")
        if not fits(now.get(role), password):
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            statement = sql.SQL("{} role {} login nosuperuser nobypassrls nocreaterole nocreatedb password {}")
            connection.execute(statement.format(verb, sql.Identifier(role), sql.Literal(verifier)))
    if DEFINER_ROLE not in now or ADMIN_ROLE not in now or not _is_member(connection, ADMIN_ROLE, DEFINER_ROLE):
        connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(DEFINER_ROLE), sql.Identifier(ADMIN_ROLE)))


def provision_database(connection: Connection[TupleRow], database: str = DATABASE) -> bool:
    """Make the database, owned by the admin role; says whether it had to. Needs a superuser in autocommit mode."""
    if connection.execute(DATABASE_NOW, {"database": database}).fetchone() is not None:
        return False
    statement = sql.SQL("create database {} owner {} template template0 encoding 'UTF8' strategy file_copy")
    connection.execute(statement.format(sql.Identifier(database), sql.Identifier(ADMIN_ROLE)))
    grant_database(connection, database)
    return True


def grant_database(connection: Connection[TupleRow], database: str) -> None:
    """Say who may enter the database. Cloning a template does not copy this, so a clone needs it as well."""
    name = sql.Identifier(database)
    connection.execute(sql.SQL("revoke all on database {} from public").format(name))
    logins = sql.SQL(", ").join(map(sql.Identifier, (APP_ROLE, READ_ROLE, DEFINER_ROLE)))
    connection.execute(sql.SQL("grant connect on database {} to {}").format(name, logins))
    read_only = sql.SQL("alter role {} in database {} set default_transaction_read_only = on")
    connection.execute(read_only.format(sql.Identifier(READ_ROLE), name))


def provision_schema(connection: Connection[TupleRow]) -> None:
    """Make the extensions and say who may do what in the schema; `connection` is a superuser's, inside the database.

    Extensions that an earlier wheel made are brought to the version of this one.
    """
    for (extension,) in connection.execute(EXTENSIONS_OLD).fetchall():
        connection.execute(sql.SQL("alter extension {} update").format(sql.Identifier(extension)))
    there = {row[0] for row in connection.execute(EXTENSIONS_NOW).fetchall()}
    if there.issuperset(EXTENSIONS):
        return
    with connection.transaction():
        roles = {"admin": ADMIN_ROLE, "definer": DEFINER_ROLE, "app": APP_ROLE, "read": READ_ROLE}
        names = {name: sql.Identifier(role) for name, role in roles.items()}
        connection.execute("revoke create on schema public from public")
        connection.execute(sql.SQL("grant usage, create on schema public to {admin}, {definer}").format(**names))
        connection.execute(sql.SQL("grant usage on schema public to {app}, {read}").format(**names))
        for extension in EXTENSIONS:
            connection.execute(sql.SQL("create extension if not exists {}").format(sql.Identifier(extension)))


def fits(verifier: str | None, password: str) -> bool:
    """Whether a stored SCRAM verifier was made from this password."""
    try:
        kind, counted, keys = (verifier or "").split("$")
        iterations, salt = counted.split(":")
        stored, _ = keys.split(":")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    except ValueError:
        return False
    client = hmac.digest(salted, b"Client Key", "sha256")
    expected = base64.b64encode(hashlib.sha256(client).digest()).decode()
    return kind == "SCRAM-SHA-256" and hmac.compare_digest(expected, stored)


def _is_member(connection: Connection[TupleRow], member: str, group: str) -> bool:
    row = connection.execute(IS_MEMBER, {"member": member, "group": group}).fetchone()
    return row is not None and bool(row[0])
