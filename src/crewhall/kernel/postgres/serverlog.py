"""The server's log in the home: appended to by the server, kept small by whoever starts, joins or leaves it."""

import os
import shutil
from pathlib import Path
from typing import BinaryIO

from crewhall.kernel.postgres.place import Place

LIMIT_BYTES = 5_000_000
KEPT = 2
TAIL_BYTES = 4000


def log_path(place: Place) -> Path:
    """Where the log is."""
    return place.logs / "postgres.log"


def open_log(place: Place) -> BinaryIO:
    """Open the log for appending, rotated first. We open it, since the server's user may not enter the home."""
    place.logs.mkdir(mode=0o700, exist_ok=True)
    rotate_log(place)
    descriptor = os.open(log_path(place), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)


def rotate_log(place: Place) -> None:
    """Copy a log that has outgrown its limit aside and empty it; the server goes on appending to the same file."""
    path = log_path(place)
    if not path.exists() or path.stat().st_size < LIMIT_BYTES:
        return
    for number in range(KEPT, 1, -1):
        older = path.with_suffix(f".log.{number - 1}")
        if older.exists():
            older.replace(path.with_suffix(f".log.{number}"))
    shutil.copyfile(path, path.with_suffix(".log.1"))
    os.truncate(path, 0)


def log_size(place: Place) -> int:
    """The size of the log in bytes, to read what comes after."""
    path = log_path(place)
    return path.stat().st_size if path.exists() else 0


def log_tail(place: Place, since: int = 0, lines: int = 8) -> str:
    """The last lines of the log beyond a size it once had, for an error message."""
    try:
        with log_path(place).open("rb") as file:
            file.seek(max(since, log_size(place) - TAIL_BYTES))
            return " | ".join(file.read().decode(errors="replace").strip().split("\n")[-lines:])
    except OSError:
        return "(no log)"
