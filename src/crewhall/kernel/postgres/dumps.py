"""Verified dumps: what takes the data over to another Postgres major version, whose programs cannot read this one's.

A dump lies in `HOME/dumps` beside a stamp that says what it holds. The last process that leaves a server refreshes it
when anything was written since and the database is small, so that a dump made by the old programs is there before the
wheel changes. One dump is kept per major version, replaced only by a whole one; it follows the data, so it is no
substitute for a backup.
"""

import hashlib
import json
import os
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from crewhall.kernel.postgres.account import CLEAN_ENVIRONMENT
from crewhall.kernel.postgres.binaries import Binaries
from crewhall.kernel.postgres.durably import write_durably
from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure
from crewhall.kernel.postgres.migrate import current_revision
from crewhall.kernel.postgres.place import Place
from crewhall.kernel.postgres.urls import url_from_parameters, url_parameters

LARGEST_AUTOMATIC_BYTES = 200_000_000
AUTOMATIC_SECONDS = 20.0

WRITES_SO_FAR: LiteralString = "select pg_snapshot_xmax(pg_current_snapshot())::text"
SIZE: LiteralString = "select pg_database_size(current_database())"
SEES_EVERYTHING: LiteralString = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
HIDDEN_TABLES: LiteralString = """
select relation.oid::regclass::text
from pg_class relation
where relation.relrowsecurity and relation.relkind in ('r', 'p')
  and (not exists (
         select from pg_policy where polrelid = relation.oid and polpermissive and polcmd in ('r', '*')
           and pg_get_expr(polqual, polrelid) = 'true'
           and exists (select from unnest(polroles) as named(role)
                       where role = 0 or pg_has_role(current_user, role, 'usage')))
       or exists (
         select from pg_policy where polrelid = relation.oid and not polpermissive and polcmd in ('r', '*')
           and exists (select from unnest(polroles) as named(role)
                       where role = 0 or pg_has_role(current_user, role, 'usage'))))
order by 1
"""


@dataclass(frozen=True)
class DumpStamp:
    """What a dump holds. `writes` counts the transactions up to it; `control` is the data's mark after a clean stop."""

    sha256: str
    size_bytes: int
    server: str
    wheel: str
    revision: str | None
    writes: str
    made_at: str
    control: int | None = None


def dump_path(home: Path, major: str) -> Path:
    """Where the dump of a major version lies."""
    return home / "dumps" / f"crewhall-postgres-{major}.dump"


def read_stamp(dump: Path) -> DumpStamp | None:
    """The stamp of a dump; None when there is no whole one."""
    try:
        return DumpStamp(**json.loads(_stamp_path(dump).read_text())) if dump.exists() else None
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_dump(url: str, dump: Path, binaries: Binaries, *, seconds: float | None = None) -> DumpStamp:
    """Dump the database at `url` to `dump`, read it back whole, and only then put it in its place with its stamp.

    A role that obeys row-level security dumps with `--enable-row-security`, and only where a policy shows it every
    row of every table; otherwise rows would be left out in silence. Raises TimeoutExpired after `seconds`.
    """
    dump.parent.mkdir(mode=0o700, exist_ok=True)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        server = str(connection.info.server_version)
        revision, writes = current_revision(connection), str(_value(connection, WRITES_SO_FAR))
        row_security = [] if _value(connection, SEES_EVERYTHING) else ["--enable-row-security"]
        if row_security:
            _refuse_hidden(connection)
    unfinished = dump.with_name(f".{dump.name}.{os.getpid()}")
    try:
        run_client(
            binaries,
            "pg_dump",
            url,
            [*row_security, "--format=custom", "--compress=1", f"--file={unfinished}"],
            seconds,
        )
        unfinished.chmod(0o600)
        read_back(binaries, unfinished)
        stamp = DumpStamp(
            sha256=file_digest(unfinished),
            size_bytes=unfinished.stat().st_size,
            server=server,
            wheel=binaries.version,
            revision=revision,
            writes=writes,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        _stamp_path(dump).unlink(missing_ok=True)
        unfinished.replace(dump)
        write_durably(_stamp_path(dump), json.dumps(asdict(stamp), indent=1))
    finally:
        unfinished.unlink(missing_ok=True)
    return stamp


def refresh_dump(url: str, place: Place, binaries: Binaries) -> bool:
    """Refresh the home's dump if anything was written since and the database is small; says whether it is fresh now."""
    dump = dump_path(place.home, binaries.major)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        writes, size = _value(connection, WRITES_SO_FAR), _value(connection, SIZE)
    stamp = read_stamp(dump)
    if stamp is not None and stamp.writes == writes:
        return True
    if int(str(size)) > LARGEST_AUTOMATIC_BYTES:
        return False
    try:
        write_dump(url, dump, binaries, seconds=AUTOMATIC_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def seal_dump(place: Place, major: str) -> None:
    """After a clean stop: note that the dump holds all of the data, which the next start changes."""
    dump = dump_path(place.home, major)
    if (stamp := read_stamp(dump)) is not None:
        fresh = {**asdict(stamp), "control": _control_mark(place)}
        write_durably(_stamp_path(dump), json.dumps(fresh, indent=1))


def holds_everything(place: Place, dump: Path) -> bool:
    """Whether nothing has been written to the (stopped) data since the dump was made."""
    stamp = read_stamp(dump)
    return stamp is not None and stamp.control is not None and stamp.control == _control_mark(place)


def run_client(binaries: Binaries, program: str, url: str, options: list[str], seconds: float | None = None) -> None:
    """Run pg_dump or pg_restore against `url`; the password goes through the environment, where `ps` does not look."""
    parameters = url_parameters(url)
    password = parameters.pop("password", "")
    address = url_from_parameters(parameters)
    _check(
        [binaries.program(program), f"--dbname={address}", "--no-password", *options],
        {**CLEAN_ENVIRONMENT, "PGPASSWORD": password},
        seconds,
    )


def read_back(binaries: Binaries, dump: Path) -> None:
    """Read a dump from end to end; raises when it is damaged."""
    _check([binaries.program("pg_restore"), f"--file={os.devnull}", str(dump)], CLEAN_ENVIRONMENT, None)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_hidden(connection: Connection[TupleRow]) -> None:
    hidden = [str(row[0]) for row in connection.execute(HIDDEN_TABLES).fetchall()]
    if hidden:
        raise failure(
            EMBEDDED_POSTGRES,
            f"The dump would leave rows out: row-level security hides them in {', '.join(hidden)}.",
            "Give the dumping role a permissive policy on these tables, or dump as a superuser.",
        )


def _check(command: list[str], environment: dict[str, str], seconds: float | None) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=seconds, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise failure(
            EMBEDDED_POSTGRES,
            f"{Path(command[0]).name} failed: {done.stderr.strip()[-1500:]}",
            "Nothing was changed; mend what it names and try again.",
        )


def _control_mark(place: Place) -> int | None:
    try:
        return (place.data / "global" / "pg_control").stat().st_mtime_ns
    except OSError:
        return None


def _value(connection: Connection[TupleRow], query: LiteralString) -> object:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _stamp_path(dump: Path) -> Path:
    return dump.with_suffix(".json")
