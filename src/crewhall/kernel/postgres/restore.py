"""Restoring a dump into a home; the data that was there is moved aside, never deleted."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg

from crewhall.kernel.postgres.dumps import file_digest, read_back, read_stamp, run_client
from crewhall.kernel.postgres.embedded import EmbeddedPostgres, usable_binaries
from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure
from crewhall.kernel.postgres.place import Place, find_place
from crewhall.kernel.postgres.postmaster import running
from crewhall.kernel.postgres.urls import DATABASE
from crewhall.kernel.postgres.users import start_lock


def restore_dump(home: Path, dump: Path, *, run_as: str | None = None) -> Path | None:
    """Make a new database from a dump and return where the old data was moved (None when there was none).

    The server of the home must be stopped. When the restore fails, the old data is put back.
    """
    postgres = EmbeddedPostgres(home, run_as=run_as, dump_on_stop=False)
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


def _move_aside(place: Place, why: str) -> Path:
    aside = place.root / f"postgres.{why}-{datetime.now(UTC).strftime('%Y%m%dT%H%M%S.%f')}"
    place.data.rename(aside)
    return aside


def _fill(postgres: EmbeddedPostgres, dump: Path) -> None:
    postgres.start_locked()
    place = find_place(postgres.home)
    assert place is not None
    binaries = usable_binaries(place)
    read_back(binaries, dump)
    url = postgres.superuser_url(DATABASE)
    run_client(binaries, "pg_restore", url, ["--exit-on-error", "--single-transaction", str(dump)])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("analyze")
