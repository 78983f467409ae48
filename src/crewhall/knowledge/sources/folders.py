"""A folder that the operator names as a source: files below it, nothing that a link leads to.

A file whose size and time are as they were is taken as unchanged; else its bytes decide.
"""

import asyncio
import fnmatch
import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import islice
from pathlib import Path

from crewhall.knowledge.sources.configs import FolderConfig
from crewhall.knowledge.sources.reading import SOURCE_REFUSED, Cut, Found, Knows, Lost, Same, Taken

MOST_DEPTH, AT_ONCE, MOST_LOOKED_AT = 20, 200, 200_000


class FolderReader:
    """Reads the files below a folder."""

    def __init__(self, root: Path, below: str, config: FolderConfig) -> None:
        self._root = root
        self._below = below
        self._config = config
        self.cut: Cut | None = None

    async def read(self, knows: Knows) -> AsyncGenerator[Found]:
        """See Reader."""
        start = await asyncio.to_thread(start_of, self._root, self._below)
        every = self._files(start)
        files = islice(every, self._config.files)
        while batch := await asyncio.to_thread(lambda: list(islice(files, AT_ONCE))):
            for path, stat in batch:
                yield await self._found(start, path, stat, knows)
        if await asyncio.to_thread(next, every, None) is not None:
            self.cut = Cut(f"There are more files than {self._config.files:,}. Name fewer by patterns, or allow more.")

    async def _found(self, start: Path, path: Path, stat: os.stat_result, knows: Knows) -> Found:
        key = path.relative_to(start).as_posix()
        etag = f"{stat.st_size}-{stat.st_mtime_ns}"
        if len(key) > 2000 or not key.isprintable():  # noqa: PLR2004
            return Lost(key.encode(errors="replace").decode()[:2000], "file", "Its name cannot be kept.")
        if not stat.st_size:
            return Lost(key, path.name, "It is empty.")
        kept = await knows(key)
        if kept is not None and kept.sha256 is not None and kept.etag == etag:
            return Same(key)
        return Taken(key=key, name=path.name, data=path, etag=etag)

    def _files(self, start: Path) -> Iterator[tuple[Path, os.stat_result]]:
        """The files below a folder in their order, without what is hidden or what a link leads to."""
        looked_at = 0
        for folder, folders, names in os.walk(start, followlinks=False):
            depth = len(Path(folder).relative_to(start).parts)
            folders[:] = sorted(one for one in folders if not one.startswith(".")) if depth < MOST_DEPTH else []
            for name in sorted(names):
                looked_at += 1
                if looked_at > MOST_LOOKED_AT:
                    self.cut = Cut(f"More than {MOST_LOOKED_AT:,} files stand there: what follows was not looked at.")
                    return
                path = Path(folder, name)
                if not name.startswith(".") and is_wanted(path.relative_to(start).as_posix(), self._config.patterns):
                    stat = path.lstat()
                    if os.path.isfile(path) and not path.is_symlink():  # noqa: PTH113 - one call, no exceptions
                        yield path, stat


def start_of(root: Path, below: str) -> Path:
    """The folder below the one that is named, without links. Raises SOURCE_REFUSED."""
    try:
        root = root.resolve(strict=True)
        start = (root / below).resolve(strict=True)
    except OSError:
        raise SOURCE_REFUSED("This folder is not there.") from None
    if not start.is_relative_to(root) or not start.is_dir():
        raise SOURCE_REFUSED("This folder is not below the one that is named.")
    return start


def is_wanted(name: str, patterns: Sequence[str]) -> bool:
    """Whether a file, by its path or its name, is one of those that a source takes."""
    return not patterns or any(
        fnmatch.fnmatch(name, one) or fnmatch.fnmatch(name.rpartition("/")[2], one) for one in patterns
    )
