"""A small disk that can be full: a real one, for whoever may mount one in a namespace of their own (no root needed).

A process keeps the namespace; others reach the disk by its `folder`, which leads through /proc. It ends with the
process that made it.
"""

import errno
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import pytest

MOUNT = 'mount -t tmpfs -o "size=$1,mode=0700" crewhall-small-disk "$2" && echo mounted && exec cat'
PIECE = 4096


class NoSmallDisk(Exception):
    """There is none to be had here; the message says why."""


class SmallDisk:
    """A disk of so many bytes. `fill` takes what room there is, `free` gives it back."""

    def __init__(self, size: int) -> None:
        self._made = tempfile.TemporaryDirectory(prefix="crewhall-small-disk-")
        own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        words = ["unshare", *own, "--mount", "sh", "-c", MOUNT, "sh", str(size), self._made.name]
        try:
            self._keeping = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            self._made.cleanup()
            raise NoSmallDisk(f"no disk can be mounted here: {error}") from error
        assert self._keeping.stdout is not None
        assert self._keeping.stderr is not None
        if self._keeping.stdout.readline() != b"mounted\n":
            said = self._keeping.stderr.read().decode().strip()
            self.close()
            raise NoSmallDisk(f"no disk can be mounted here: {said}")
        self.folder = Path(f"/proc/{self._keeping.pid}/root{self._made.name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fill(self) -> None:
        """Leave no room at all."""
        with self._filler.open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(PIECE))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        """Give back what `fill` took."""
        self._filler.unlink()

    def close(self) -> None:
        """Let go of it and of what is on it."""
        self._keeping.communicate()
        self._made.cleanup()

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"


def small_disk_or_skip(size: int) -> SmallDisk:
    """A small disk; where there is none to be had the test is skipped, and says why."""
    try:
        return SmallDisk(size)
    except NoSmallDisk as missing:
        pytest.skip(str(missing))
