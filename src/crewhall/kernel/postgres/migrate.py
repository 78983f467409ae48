"""Migrations: forward only, by one process at a time, however many start at once.

Alembic and SQLAlchemy are imported only when something is pending, so an ordinary start does not pay for them.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection, errors
from psycopg.rows import TupleRow

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.connecting import said_by
from crewhall.kernel.postgres.digests import changed_revision
from crewhall.kernel.postgres.errors import DATABASE_UNREACHABLE, DATABASE_VERSION, MIGRATION_FAILED, failure

DIRECTORY = Path(__file__).resolve().parents[2] / "migrations"
REVISION_FILE = re.compile(r"^(\d{4})_[a-z0-9_]+\.py$")
LOCK_KEY = 0x63726577  # "crew": the advisory lock that migrating processes of one database share
LOCK_WAIT_SECONDS = 300
TABLE_LOCK_SECONDS = 5
ATTEMPTS = 6

HAS_VERSIONS: LiteralString = "select to_regclass('public.alembic_version') is not null"
CURRENT: LiteralString = "select version_num from public.alembic_version"
# The application reads what the schema is made of: it may be all that knows the database.
MAY_SEE: LiteralString = """
select bool_and(has_table_privilege('crewhall_app', made.oid, 'select'))
from pg_class made where made.oid in (to_regclass('public.alembic_version'), to_regclass('public.revision_digests'))
"""
LET_SEE: LiteralString = "grant select on public.alembic_version, public.revision_digests to crewhall_app"
TRY_LOCK: LiteralString = "select pg_try_advisory_lock(%(key)s)"
UNLOCK: LiteralString = "select pg_advisory_unlock(%(key)s)"
SET_LOCK_TIMEOUT: LiteralString = "select set_config('lock_timeout', %(value)s, false)"


def revisions(directory: Path = DIRECTORY) -> list[str]:
    """The revision numbers that this code knows, oldest first, read from the file names in `directory/versions`."""
    names = (REVISION_FILE.match(path.name) for path in (directory / "versions").iterdir())
    return sorted(match[1] for match in names if match)


def current_revision(connection: Connection[TupleRow]) -> str | None:
    """The revision that the database is at; None before the first migration."""
    there = connection.execute(HAS_VERSIONS).fetchone()
    if there is None or not there[0]:
        return None
    row = connection.execute(CURRENT).fetchone()
    return None if row is None else str(row[0])


def migrate(
    admin_url: str, directory: Path = DIRECTORY, *, on_progress: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Bring the database to the newest revision; returns the revisions that were applied, [] when it was there.

    One process works, others wait for it up to five minutes. A statement that cannot lock its table within five
    seconds is rolled back with its revision and tried again, so that a migration never stalls the whole product.
    """
    if is_migrated(admin_url, directory):
        return []
    with _connect(admin_url) as connection:
        _take_turn(connection, on_progress)
        try:
            missing = pending_revisions(connection, directory)
            if missing:
                on_progress(f"migrating the database to revision {missing[-1]}")
                _upgrade_patiently(admin_url, directory, on_progress)
            if not _is_seen(connection):
                connection.execute(LET_SEE)
            return missing
        finally:
            connection.execute(UNLOCK, {"key": LOCK_KEY})


def is_migrated(admin_url: str, directory: Path = DIRECTORY) -> bool:
    """Whether the database is at the newest revision; raises as `migrate` does where it cannot come there."""
    with _connect(admin_url) as connection:
        return not pending_revisions(connection, directory) and _is_seen(connection)


def prepare_to_migrate() -> None:
    """Import what a migration needs, before there is one."""
    with _left_out("pygments"):  # Mako, which Alembic imports, would colour its error pages with it, for 6 MB
        import alembic.command  # noqa: F401
    import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401


def _is_seen(connection: Connection[TupleRow]) -> bool:
    row = connection.execute(MAY_SEE).fetchone()
    return row is not None and bool(row[0])


def _connect(url: str) -> Connection[TupleRow]:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="crewhall-migrate")
    except psycopg.OperationalError as error:
        raise failure(
            DATABASE_UNREACHABLE,
            f"The database cannot be reached as its admin: {said_by(error)}.",
            "Run `crewhall doctor`.",
        ) from error


def pending_revisions(connection: Connection[TupleRow], directory: Path) -> list[str]:
    """The revisions that the connected database lacks; raises when it is newer than this code, or made by another."""
    known, current = revisions(directory), current_revision(connection)
    if current is None:
        return known
    if current not in known:
        raise failure(
            DATABASE_VERSION,
            f"The database is at revision {current}, of which this Crewhall knows nothing (its newest is {known[-1]}).",
            "Start the newer version of Crewhall that migrated it, or restore the dump made before that.",
        )
    count = known.index(current) + 1
    if changed := changed_revision(connection, directory, known[:count]):
        raise failure(
            DATABASE_VERSION,
            f"The database was made by another build of Crewhall: its revision {changed} is not the one of this code.",
            "Run the build that made it, or begin with an empty database: builds between releases may differ so.",
        )
    return known[count:]


def _take_turn(connection: Connection[TupleRow], on_progress: Callable[[str], None]) -> None:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    told = False
    while True:
        row = connection.execute(TRY_LOCK, {"key": LOCK_KEY}).fetchone()
        if row is not None and row[0]:
            return
        if not told:
            on_progress("another process is migrating the database: waiting for it")
            told = True
        if time.monotonic() > deadline:
            raise failure(
                MIGRATION_FAILED,
                f"Another process has been migrating the database for {LOCK_WAIT_SECONDS} seconds.",
                "Look at its log, and start again when it is done.",
            )
        time.sleep(0.05)


def _upgrade_patiently(admin_url: str, directory: Path, on_progress: Callable[[str], None]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _upgrade(admin_url, directory)
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            if attempt == ATTEMPTS:
                mend = "End the long transactions that hold its tables, and start again."
                raise _rolled_back(admin_url, directory, error, mend) from error
            on_progress(f"a table is busy: migration attempt {attempt + 1} of {ATTEMPTS}")
            time.sleep(0.2 * 2**attempt)
        except Exception as error:
            mend = "Report it; the version before still runs on this database."
            raise _rolled_back(admin_url, directory, error, mend) from error
        else:
            return


def _rolled_back(admin_url: str, directory: Path, error: Exception, mend: str) -> CrewhallError:
    with _connect(admin_url) as connection:
        revision = pending_revisions(connection, directory)[0]
    what = f"Revision {revision} was rolled back: {str(error).strip()}"
    return failure(MIGRATION_FAILED, f"{what}\nThe database is as it was before it.", mend)


@contextmanager
def _left_out(module: str) -> Iterator[None]:
    """Let what is imported within do without a module that it can do without."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # so the import system has one that is not there
    try:
        yield
    finally:
        del sys.modules[module]


def _upgrade(admin_url: str, directory: Path) -> None:
    prepare_to_migrate()
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(DIRECTORY).replace("%", "%%"))
    config.set_main_option("version_locations", str(directory / "versions").replace("%", "%%"))
    config.set_main_option("path_separator", "newline")

    def connect() -> Connection[TupleRow]:
        made = psycopg.connect(admin_url, connect_timeout=10, application_name="crewhall-migrate")
        made.execute(SET_LOCK_TIMEOUT, {"value": f"{TABLE_LOCK_SECONDS}s"})
        made.commit()
        return made

    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            config.attributes["directory"] = directory
            command.upgrade(config, "head")
    finally:
        engine.dispose()
