"""Where the processes of a data folder run: a small file that each writes and that `status`, `stop` and clients read.

A process id alone proves nothing, since ids are used again: a process runs while it holds the lock of its file.
"""

import contextlib
import fcntl
import os
from pathlib import Path

import msgspec

from crewhall.kernel.process_kinds import ProcessKind

_held: dict[Path, int] = {}
"""The open files whose lock says that this process serves."""


class Running(msgspec.Struct):
    """A process: its pid, and the address that people open, or at which it says how it is where it serves nobody."""

    pid: int
    address: str
    version: str
    kind: ProcessKind = ProcessKind.UP


def run_file(home: Path, pid: int | None = None) -> Path:
    """The file of one process; the folder holds one for each server of this data folder."""
    return home / "run" / f"server-{pid or os.getpid()}.json"


def write_run_file(home: Path, running: Running) -> None:
    """Say that this process serves, until it says otherwise or ends, however it ends."""
    path = run_file(home, running.pid)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)  # as our own Postgres makes it: doctor asks for no less
    path.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, msgspec.json.encode(running))
    unfinished.replace(path)
    _held[path] = descriptor


def remove_run_file(home: Path) -> None:
    """Say that this process no longer serves. Where it never did, there may not even be a folder."""
    path = run_file(home)
    with contextlib.suppress(OSError):
        path.unlink()
    if (descriptor := _held.pop(path, None)) is not None:
        os.close(descriptor)


def find_running(home: Path) -> list[Running]:
    """The processes of this data folder that are alive; files of dead ones are removed."""
    found = []
    for path in sorted((home / "run").glob("server-*.json")):
        try:
            with path.open("rb") as file:
                running = msgspec.json.decode(file.read(), type=Running)
                if _is_held(file.fileno()):
                    found.append(running)
                else:
                    path.unlink()
        except (OSError, msgspec.MsgspecError):
            continue
    return found


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
