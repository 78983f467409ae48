"""Migrations in a process of their own: the server would keep for good what they import, some 18 MB.

It reads the database's address from standard input, never from its arguments, and answers in lines of JSON. Started
before the address is known, it imports meanwhile.
"""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from crewhall.kernel.errors import KINDS, CrewhallError
from crewhall.kernel.postgres.errors import MIGRATION_FAILED, failure
from crewhall.kernel.postgres.migrate import DIRECTORY, is_migrated, migrate, prepare_to_migrate


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the process: how far it is; at the end the revisions that were applied, or the error."""

    progress: str | None = None
    applied: list[str] | None = None
    code: str | None = None
    detail: str = ""
    fields: dict[str, str] = {}


class Migrator:
    """A process that migrates one database, if there is anything to migrate."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Start the process now, because it will be needed."""
        if self._process is None:
            command = [sys.executable, "-m", __name__, str(self._directory)]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def migrate(self, admin_url: str, on_progress: Callable[[str], None]) -> list[str]:
        """Do as `migrate` does, and raise what it raises."""
        if is_migrated(admin_url, self._directory):
            return []
        self.prepare()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(admin_url.encode() + b"\n")
        process.stdin.close()
        for line in process.stdout:
            said = msgspec.json.decode(line, type=Said)
            if said.progress is not None:
                on_progress(said.progress)
            elif said.applied is not None:
                return said.applied
            elif said.code is not None:
                raise CrewhallError(KINDS[said.code], said.detail, dict(said.fields))
        raise failure(
            MIGRATION_FAILED,
            f"The process that migrates the database ended (status {process.wait()}).",
            "Start again; what it had not finished was rolled back.",
        )

    @property
    def pid(self) -> int | None:
        """The process's id, once it has been started."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process, if it is still there; what it has not finished is rolled back."""
        if self._process is None:
            return
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.terminate()
        self._process.wait()
        self._process = None


@contextmanager
def migrator(directory: Path = DIRECTORY) -> Iterator[Migrator]:
    """Give a migrator, and let go of it at the end."""
    made = Migrator(directory)
    try:
        yield made
    finally:
        made.close()


def main(directory: Path) -> None:
    """Migrate what standard input names; without a name do nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for its parent, which ends it
    prepare_to_migrate()
    address = sys.stdin.readline().strip()
    if not address:
        return
    try:
        _say(Said(applied=migrate(address, directory, on_progress=lambda words: _say(Said(progress=words)))))
    except CrewhallError as error:
        fields = {name: str(value) for name, value in error.fields.items()}
        _say(Said(code=error.code, detail=error.detail, fields=fields))


def _say(said: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
