"""The server process: started in a session of its own, found again by its pid file, stopped by signal."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from crewhall.kernel.postgres.binaries import Binaries
from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure
from crewhall.kernel.postgres.place import Place
from crewhall.kernel.postgres.processes import backends_left, is_postmaster
from crewhall.kernel.postgres.serverlog import log_size, log_tail, open_log
from crewhall.kernel.postgres.serversettings import server_settings
from crewhall.kernel.postgres.sockets import choose_socket_folder, clear_sockets, is_answered

POLL_SECONDS = 0.01
STOP_SECONDS = 60.0
ORPHAN_SECONDS = 15.0
SOCKET_SECONDS, SOCKET_POLL_SECONDS = 3.0, 0.1
TELL_SECONDS = 3.0
DETACH = '"$@" </dev/null >&2 & echo $!'
"""The shell forks and ends, so that the server is nobody's child here: no zombie, and no signal of our terminal."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class PidFile:
    """What a running server says of itself in postmaster.pid."""

    pid: int
    port: int
    socket_folder: Path
    listen: str
    status: str


def read_pid_file(data: Path) -> PidFile | None:
    """The pid file, or None when there is none or it is not yet whole."""
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
        return PidFile(int(lines[0]), int(lines[3]), Path(lines[4]), lines[5].strip(), lines[7].strip())
    except (FileNotFoundError, IndexError, ValueError):
        return None


def running(place: Place) -> PidFile | None:
    """The pid file of this place's running server; None when it is stale, whoever has the process id now."""
    found = read_pid_file(place.data)
    return found if found is not None and is_postmaster(found.pid, place.data) else None


def launch(place: Place, binaries: Binaries, tcp_port: int | None, progress: Progress) -> PidFile:
    """Start the server and wait until it takes connections. The caller holds the start lock and saw none running."""
    _clear_stale(place, progress)
    sockets = choose_socket_folder(place)
    clear_sockets(sockets)
    hba = _write_access_rules(place)
    arguments = [f"--{name}={value}" for name, value in server_settings(place, sockets, hba, tcp_port).items()]
    started = None
    try:
        with open_log(place) as log, _signals_held():
            logged = log_size(place)
            started = subprocess.run(
                ["/bin/sh", "-c", DETACH, "sh", binaries.program("postgres"), "-D", str(place.data), *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                check=True,
                **place.account.detached(),
            )
        return wait_ready(place, int(started.stdout), progress, logged)
    except BaseException:  # Ctrl-C as well: before its pid file is whole nobody else could find it
        if started is not None:
            _end_started(int(started.stdout))
        raise


@contextmanager
def _signals_held() -> Iterator[None]:
    """Let a signal to stop wait until the block is done. Postgres sets the mask of its own processes itself."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _end_started(pid: int) -> None:
    """Stop a server that has just been started: told again and again, as in its first moments it hears no signal."""
    deadline = time.monotonic() + STOP_SECONDS
    while _alive(pid) and time.monotonic() < deadline:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        time.sleep(POLL_SECONDS)


def wait_ready(place: Place, pid: int, progress: Progress, logged: int = 0) -> PidFile:
    """Wait while the server starts (and recovers, if it was killed); raises with its own words when it ends instead.

    `logged` is the size its log had before.
    """
    began = told = time.monotonic()
    while True:
        found = read_pid_file(place.data)
        if found is not None and found.pid == pid and found.status == "ready":
            return found
        if not _alive(pid):
            raise failure(
                EMBEDDED_POSTGRES,
                f"Postgres ended while starting: {log_tail(place, logged)}",
                f"The whole log is in {place.logs}; free what it names (space, memory, port) and start again.",
            )
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            progress(f"Postgres is still starting or recovering ({told - began:.0f} s)")
        time.sleep(POLL_SECONDS)


def halt(place: Place, server: PidFile) -> None:
    """Stop the server by fast shutdown: open transactions are rolled back, everything committed is on disk."""
    deadline = time.monotonic() + STOP_SECONDS
    try:
        os.kill(server.pid, signal.SIGINT)
    except ProcessLookupError:
        return
    while is_postmaster(server.pid, place.data):
        if time.monotonic() > deadline:
            raise failure(
                EMBEDDED_POSTGRES,
                f"Postgres (process {server.pid}) did not stop within {STOP_SECONDS:.0f} seconds.",
                "It may still be writing to a slow disk: look at its log and try again.",
            )
        time.sleep(POLL_SECONDS)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # a zombie whose parent does not collect it answers signal 0; it has no working folder any more
        return not Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].startswith(" Z")
    except OSError:
        return not Path("/proc/self/stat").exists()


def _clear_stale(place: Place, progress: Progress) -> None:
    """Wait for what a killed server left running, then remove its pid file, whose number may be somebody else's now."""
    # The socket of a killed server may answer for a moment more, until the last process that inherited it is gone.
    deadline = time.monotonic() + SOCKET_SECONDS
    found = read_pid_file(place.data)
    while found is not None and is_answered(found.socket_folder, found.port):
        if time.monotonic() > deadline:
            raise failure(
                EMBEDDED_POSTGRES,
                f"{place.data} is in use by a Postgres that this process cannot see (another container?).",
                "Stop it first: two servers on one data folder would destroy it.",
            )
        time.sleep(SOCKET_POLL_SECONDS)
    deadline = time.monotonic() + ORPHAN_SECONDS
    while backends_left(cluster_name(place)):
        if time.monotonic() > deadline:
            progress("processes of the Postgres that was killed are still ending")
            break
        time.sleep(POLL_SECONDS)
    (place.data / "postmaster.pid").unlink(missing_ok=True)


def cluster_name(place: Place) -> str:
    """The name in the titles of the server's processes."""
    return f"crewhall-{place.key}"


def _write_access_rules(place: Place) -> Path:
    """Passwords for everybody, whatever the data folder's own pg_hba.conf says; TCP from this machine alone."""
    path = place.root / "postgres.hba.conf"
    text = "local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        path.chmod(0o600 if place.account.is_self else 0o644)
    return path
