"""Where the server of a data folder runs: a small file that `up` writes and that `status`, `stop` and clients read."""

import contextlib
import os
from pathlib import Path

import msgspec


class Running(msgspec.Struct):
    """A server process: its pid and the address that people open."""

    pid: int
    address: str
    version: str


def run_file(home: Path, pid: int | None = None) -> Path:
    """The file of one process; the folder holds one for each server of this data folder."""
    return home / "run" / f"server-{pid or os.getpid()}.json"


def write_run_file(home: Path, running: Running) -> None:
    """Say that this process serves."""
    path = run_file(home, running.pid)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(running))


def remove_run_file(home: Path) -> None:
    """Say that this process no longer serves."""
    with contextlib.suppress(FileNotFoundError):
        run_file(home).unlink()


def find_running(home: Path) -> list[Running]:
    """The servers of this data folder that are alive; files of dead ones are removed."""
    found = []
    for path in sorted((home / "run").glob("server-*.json")):
        try:
            running = msgspec.json.decode(path.read_bytes(), type=Running)
        except (OSError, msgspec.MsgspecError):
            continue
        if _is_alive(running.pid):
            found.append(running)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    return found


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A pid that another program took over since is no server of ours.
    command = Path(f"/proc/{pid}/cmdline")
    return not command.exists() or b"crewhall" in command.read_bytes()
