"""The way over to another major version: a dump made by the old programs, restored by the new ones.

The data that was there is moved aside, never deleted.
"""

from datetime import UTC, datetime
from pathlib import Path

import psycopg

from crewhall.kernel.postgres.binaries import wheel_binaries
from crewhall.kernel.postgres.cluster import data_version
from crewhall.kernel.postgres.dumps import (
    dump_path,
    file_digest,
    holds_everything,
    read_back,
    read_stamp,
    run_client,
    write_dump,
)
from crewhall.kernel.postgres.embedded import EmbeddedPostgres
from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure
from crewhall.kernel.postgres.place import Place, find_place, make_home
from crewhall.kernel.postgres.postmaster import running
from crewhall.kernel.postgres.urls import DATABASE
from crewhall.kernel.postgres.users import start_lock


def ensure_upgrade_dump(home: Path, *, run_as: str | None = None) -> Path:
    """A verified dump that holds everything, made when there is none; the server is started for it if it is stopped."""
    postgres = EmbeddedPostgres(home, run_as=run_as)
    place = find_place(postgres.home, run_as)
    version = data_version(place.data) if place is not None else None
    if place is None or version is None:
        raise failure(EMBEDDED_POSTGRES, f"There is no database in {home}.", "Start Crewhall once to make one.")
    target = dump_path(postgres.home, version)
    if running(place) is None and holds_everything(place, target):
        return target
    postgres.start()
    try:
        write_dump(postgres.superuser_url(DATABASE), target, wheel_binaries())
    finally:
        postgres.release()
    return target


def restore_dump(home: Path, dump: Path, *, run_as: str | None = None) -> Path | None:
    """Make a new database from a dump and return where the old data was moved (None when there was none).

    The server of the home must be stopped. When the restore fails, the old data is put back.
    """
    postgres = EmbeddedPostgres(home, run_as=run_as, dump_on_stop=False)
    make_home(postgres.home)
    with start_lock(postgres.home):
        place = find_place(postgres.home, run_as)
        if place is not None and running(place) is not None:
            raise failure(EMBEDDED_POSTGRES, "The database is running.", "Run `crewhall stop`, then restore again.")
        _check_whole(dump)
        aside = _move_aside(place, "before-restore") if place is not None and place.data.exists() else None
        try:
            _fill(postgres, dump)
        except BaseException:
            postgres.stop_locked()
            failed = find_place(postgres.home, run_as)
            if failed is not None and failed.data.exists():
                _move_aside(failed, "failed-restore")
            if place is not None and aside is not None:
                aside.rename(place.data)
            raise
        postgres.stop_locked()
    return aside


def _check_whole(dump: Path) -> None:
    if not dump.is_file():
        raise failure(EMBEDDED_POSTGRES, f"There is no dump at {dump}.", "Give the path of a dump that Crewhall made.")
    stamp = read_stamp(dump)
    if stamp is not None and stamp.sha256 != file_digest(dump):
        raise failure(
            EMBEDDED_POSTGRES, f"{dump} is damaged: its checksum is not the one it was made with.", "Use another copy."
        )
    read_back(wheel_binaries(), dump)


def _move_aside(place: Place, why: str) -> Path:
    aside = place.root / f"postgres.{why}-{datetime.now(UTC).strftime('%Y%m%dT%H%M%S.%f')}"
    place.data.rename(aside)
    return aside


def _fill(postgres: EmbeddedPostgres, dump: Path) -> None:
    postgres.start_locked()
    url = postgres.superuser_url(DATABASE)
    run_client(wheel_binaries(), "pg_restore", url, ["--exit-on-error", "--single-transaction", str(dump)])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("analyze")
