"""The data folder: made whole or not at all, and never opened by another major version."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from crewhall.kernel.postgres.binaries import Binaries
from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure
from crewhall.kernel.postgres.passwords import Passwords
from crewhall.kernel.postgres.place import Place
from crewhall.kernel.postgres.urls import SUPERUSER

UNFINISHED = ".postgres-init-"
INITDB_OPTIONS = (
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--no-instructions",
)


def data_version(data: Path) -> str | None:
    """The Postgres major version that wrote the data folder, or None when there is none."""
    try:
        return (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return None


def initialise(place: Place, binaries: Binaries, passwords: Passwords) -> None:
    """Make the data folder: built beside, renamed when whole and on disk, so that a killed start leaves none."""
    remove_unfinished(place)
    if place.data.exists():
        raise failure(
            EMBEDDED_POSTGRES,
            f"{place.data} exists, but is not a Postgres data folder.",
            "Move it away, or set CREWHALL_HOME to another folder.",
        )
    folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=place.root))
    try:
        secret = folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(passwords.superuser)
        for path in (secret, folder):
            place.account.own(path)
        _run_initdb(place, binaries, folder)
        (folder / "data").rename(place.data)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_unfinished(place: Place) -> None:
    """Remove what killed first starts left; the caller holds the start lock."""
    for leftover in place.root.glob(f"{UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def reset_superuser(place: Place, binaries: Binaries, passwords: Passwords) -> None:
    """Give the superuser of a stopped server its password again, after the file of passwords was lost."""
    statement = f"alter role {SUPERUSER} password '{passwords.superuser}'\n"  # token_urlsafe: has no quote
    _run(
        place,
        [
            binaries.program("postgres"),
            "--single",
            "-D",
            str(place.data),
            "-c",
            "log_min_error_statement=panic",
            SUPERUSER,
        ],
        "The superuser's password could not be reset",
        statement,
    )


def _run_initdb(place: Place, binaries: Binaries, folder: Path) -> None:
    where = (f"--pgdata={folder / 'data'}", f"--pwfile={folder / 'password'}")
    _run(place, [binaries.program("initdb"), *where, *INITDB_OPTIONS], "The database could not be made")


def _run(place: Place, command: list[str], what: str, given: str = "") -> None:
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        **place.account.detached(),
    )
    if done.returncode != 0:
        said = done.stderr.strip()[-1500:]
        raise failure(EMBEDDED_POSTGRES, f"{what}: {said}", f"Check the free space and the rights of {place.root}.")
