"""A Postgres of your own: CREWHALL_DATABASE_URL and, apart from it, CREWHALL_DATABASE_ADMIN_URL.

With both, the first is the application's login and the second the one that migrates; each is made a member of
Crewhall's role of that kind (`crewhall_app`, `crewhall_admin`) where the second may do so. With the first alone, its
role may be the application's, where the schema is there and as new as this code: somebody else migrates. Or it can
create roles: it then administers, and the application logs in as `crewhall_app_DATABASE`, whose password is derived
from the given one, so that every process of the installation finds the same. An application role that could pass
row-level security by, or change the schema, is refused.

LISTEN needs the server itself: behind a pooler that gives out connections per transaction, notifications are lost
without an error. `checks` tries one out.
"""

import hashlib
import hmac
from typing import LiteralString

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from crewhall.kernel.postgres.connecting import ask, connect
from crewhall.kernel.postgres.errors import DATABASE_REFUSED, DATABASE_VERSION, failure
from crewhall.kernel.postgres.migrate import DIRECTORY, current_revision, pending_revisions
from crewhall.kernel.postgres.prepare import IS_MEMBER, make_login, needs_dba, prepare_external
from crewhall.kernel.postgres.urls import ADMIN_ROLE, APP_ROLE, READ_ROLE, DatabaseUrls, url_parameters, with_parameters

URL_SETTING = "CREWHALL_DATABASE_URL"
ADMIN_SETTING = "CREWHALL_DATABASE_ADMIN_URL"
LONGEST_NAME = 63

MAY_CREATE_ROLES: LiteralString = "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
BYPASSES: LiteralString = """
select rolname from pg_roles
where (rolsuper or rolbypassrls) and pg_has_role(current_user, oid, 'member') order by rolname = current_user desc
"""
MAY_CHANGE_SCHEMA: LiteralString = """
select rolcreaterole or has_schema_privilege('public', 'create')
       or exists (select from pg_roles other where other.rolname = %(admin)s and pg_has_role(other.oid, 'member'))
from pg_roles where rolname = current_user
"""
SAME_DATABASE: LiteralString = """
select pg_postmaster_start_time()::text, (select oid::bigint from pg_database where datname = current_database())
"""


def resolve_external(url: str, admin_url: str | None = None) -> DatabaseUrls:
    """Check and prepare the database; return the addresses of the three roles. Raises a CrewhallError otherwise."""
    if admin_url is None:
        return _resolve_single(url)
    with connect(admin_url, ADMIN_SETTING) as admin, connect(url, URL_SETTING) as app:
        if ask(admin, SAME_DATABASE) != ask(app, SAME_DATABASE):
            raise failure(
                DATABASE_REFUSED,
                f"{URL_SETTING} and {ADMIN_SETTING} lead to different databases.",
                "Correct one of them: they must differ in the role alone.",
            )
        refuse_powerful(app)
        prepare_external(admin)
        _join(admin, app.info.user)
        refuse_ddl(app)
    return DatabaseUrls(_as_admin(admin_url), url, _reading(url))


def refuse_powerful(app: Connection[TupleRow]) -> None:
    """Refuse an application role that row-level security does not hold, itself or by a role it may become."""
    found = app.execute(BYPASSES).fetchone()
    if found is not None:
        raise failure(
            DATABASE_REFUSED,
            f"{URL_SETTING} logs in as {app.info.user}, which passes row-level security by (as {found[0]}).",
            "Give a role without SUPERUSER and BYPASSRLS; `crewhall doctor` prints the SQL that makes one.",
        )


def refuse_ddl(app: Connection[TupleRow]) -> None:
    """Refuse an application role that may change the schema."""
    if ask(app, MAY_CHANGE_SCHEMA, admin=ADMIN_ROLE)[0]:
        raise failure(
            DATABASE_REFUSED,
            f"{URL_SETTING} logs in as {app.info.user}, which may change the schema.",
            f"It must not own the database, create roles or be a member of {ADMIN_ROLE}: give it {APP_ROLE} alone.",
        )


def derived_password(secret: str, role: str, database: str) -> str:
    """The password of a role that Crewhall makes: HMAC-SHA256 under the administrator's, the same on every process."""
    return hmac.digest(secret.encode(), f"crewhall:{role}:{database}".encode(), hashlib.sha256).hex()


def login_name(group: str, database: str) -> str:
    """The login of one database: roles belong to the whole server, where several installations may live."""
    name = f"{group}_{database}"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"{group}_{hashlib.sha256(database.encode()).hexdigest()[:16]}"


def _resolve_single(url: str) -> DatabaseUrls:
    with connect(url, URL_SETTING) as admin:
        if not ask(admin, MAY_CREATE_ROLES)[0]:
            return _resolve_application(admin, url)
        secret = admin.info.password
        if not secret:
            raise failure(
                DATABASE_REFUSED,
                f"{URL_SETTING} logs in as an administrator without a password, from which none can be derived.",
                f"Give {ADMIN_SETTING} (this address) and {URL_SETTING} (the application's role) apart.",
            )
        prepare_external(admin)
        database = admin.info.dbname
        urls = {group: _derived_login(admin, url, group, secret) for group in (APP_ROLE, READ_ROLE)}
    with connect(urls[APP_ROLE], URL_SETTING) as app:
        refuse_powerful(app)
        refuse_ddl(app)
    return DatabaseUrls(_as_admin(with_parameters(url, dbname=database)), urls[APP_ROLE], _reading(urls[READ_ROLE]))


def _resolve_application(app: Connection[TupleRow], url: str) -> DatabaseUrls:
    """The addresses where the application's is the only one: its database was migrated by somebody else."""
    refuse_powerful(app)
    try:
        if current_revision(app) is None:
            raise needs_dba(app, f"it may not create roles, and {ADMIN_SETTING} is not given")
    except psycopg.errors.InsufficientPrivilege as error:
        raise failure(
            DATABASE_REFUSED,
            f"{app.info.user} may not read at which revision the database {app.info.dbname} is: it is no member of"
            f" {APP_ROLE}, or an older Crewhall migrated it.",
            f"Give {ADMIN_SETTING} too: one start with both grants it.",
        ) from error
    refuse_ddl(app)
    if missing := pending_revisions(app, DIRECTORY):
        raise failure(
            DATABASE_VERSION,
            f"The database {app.info.dbname} lacks revision {missing[-1]}, and {app.info.user} may not migrate it.",
            f"Give {ADMIN_SETTING} too, or start this version of Crewhall once elsewhere with both.",
        )
    return DatabaseUrls(url, url, _reading(url))


def _derived_login(admin: Connection[TupleRow], url: str, group: str, secret: str) -> str:
    database = admin.info.dbname
    name = login_name(group, database)
    password = derived_password(secret, name, database)
    login = with_parameters(url, user=name, password=password, dbname=database)
    if not _logs_in(login, group):
        make_login(admin, name, group, password)
    return login


def _logs_in(url: str, group: str) -> bool:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            return bool(ask(connection, IS_MEMBER, member=connection.info.user, group=group)[0])
    except psycopg.OperationalError:
        return False


def _join(admin: Connection[TupleRow], login: str) -> None:
    """Make the application's login a member of its role."""
    if ask(admin, IS_MEMBER, member=login, group=APP_ROLE)[0]:
        return
    try:
        admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(APP_ROLE), sql.Identifier(login)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise needs_dba(admin, f"{login} is not a member of {APP_ROLE} ({str(error).strip()})") from error


def _as_admin(url: str) -> str:
    """The same login acting as the role that owns Crewhall's tables, whoever logs in."""
    return _with_option(url, f"-c role={ADMIN_ROLE}")


def _reading(url: str) -> str:
    return _with_option(url, "-c default_transaction_read_only=on")


def _with_option(url: str, option: str) -> str:
    return with_parameters(url, options=f"{url_parameters(url).get('options', '')} {option}".strip())
