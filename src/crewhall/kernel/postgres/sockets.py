"""The private folder of the server's Unix socket. A socket's path ends at 107 bytes, so long homes need another one."""

import os
import socket
import stat
import tempfile
from pathlib import Path

from crewhall.kernel.postgres.account import can_reach
from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure
from crewhall.kernel.postgres.place import Place

LONGEST_PATH = 107
RUN = Path("/run")
SOCKET_NAME = ".s.PGSQL.65535"


def choose_socket_folder(place: Place) -> Path:
    """Make (or find) a folder that only the server's user can write, short enough for a socket.

    A folder that is there but belongs to somebody else, or is open to others, is never used.
    """
    refused = []
    for folder in _candidates(place):
        if len(os.fsencode(folder / SOCKET_NAME)) > LONGEST_PATH:
            refused.append(f"{folder} is too long")
        elif (reason := _prepare(folder, place)) is not None:
            refused.append(reason)
        else:
            return folder
    raise failure(
        EMBEDDED_POSTGRES,
        f"There is no folder for the database's socket: {'; '.join(refused)}.",
        "Set CREWHALL_HOME to a shorter path, or XDG_RUNTIME_DIR to a private folder.",
    )


def is_answered(folder: Path, port: int) -> bool:
    """Whether some process listens on the socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(folder / f".s.PGSQL.{port}"))
        except (BlockingIOError, TimeoutError):  # somebody listens, too busy to accept
            return True
        except OSError:
            return False
    return True


def clear_sockets(folder: Path) -> None:
    """Remove what a killed server left; the folder is private to one instance, whose server must not be running."""
    for leftover in folder.glob(".s.PGSQL.*"):
        leftover.unlink(missing_ok=True)


def _candidates(place: Place) -> list[Path]:
    candidates = [place.root / "sock"]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if place.account.is_self and runtime and Path(runtime).is_dir():
        candidates.append(Path(runtime) / f"crewhall-{place.key}")
    if os.geteuid() == 0:
        candidates.append(RUN / f"crewhall-{place.key}")
    candidates.append(Path(f"/tmp/crewhall-{place.account.uid}-{place.key}"))  # noqa: S108 - owner and mode are checked
    candidates.append(Path(tempfile.gettempdir()) / f"crewhall-{place.account.uid}-{place.key}")
    return candidates


def _prepare(folder: Path, place: Place) -> str | None:
    try:
        folder.mkdir(mode=0o700)
        place.account.own(folder)
    except FileExistsError:
        pass
    except OSError as error:
        return f"{folder}: {error.strerror}"
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != place.account.uid or found.st_mode & 0o077:
        return f"{folder} is not a private folder of {place.account.name}"
    return None if can_reach(folder, place.account) else f"{place.account.name} may not enter {folder}"
