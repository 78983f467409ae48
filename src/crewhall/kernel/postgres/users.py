"""Who uses an instance: file locks, which the operating system drops when a process dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure

START_LOCK = "postgres.lock"
USERS_LOCK = "postgres.users"
WAIT_SECONDS = 120.0


@contextmanager
def start_lock(home: Path) -> Iterator[None]:
    """Serialise starting and stopping over all processes of one home; waits up to two minutes."""
    descriptor = _open(home / START_LOCK)
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise failure(
                    EMBEDDED_POSTGRES,
                    f"Another process has been starting or stopping the database of {home} for two minutes.",
                    "Look at that process, end it, and try again.",
                )
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


class UserLock:
    """A holder's share in the instance. The caller of every method holds the start lock."""

    def __init__(self, home: Path) -> None:
        self._path = home / USERS_LOCK
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this holder counts as a user."""
        return self._descriptor is not None

    def join(self) -> None:
        """Become a user; nothing happens when we are one."""
        if self._descriptor is None:
            self._descriptor = _open(self._path)
            _try_lock(self._descriptor, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Stop being a user."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def others(self) -> bool:
        """Whether anybody else uses the instance."""
        self_held = self.held
        self.leave()
        descriptor = _open(self._path)
        alone = _try_lock(descriptor, fcntl.LOCK_EX)
        os.close(descriptor)
        if self_held:
            self.join()
        return not alone


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
