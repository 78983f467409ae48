"""Blobs as files of a local folder: written beside their place, on disk before they are in it."""

import asyncio
import contextlib
import errno
import logging
import os
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path

from crewhall.kernel.errors import UNAVAILABLE
from crewhall.ports.blobs import BLOB_MISSING, CHUNK, STORAGE_FULL

log = logging.getLogger(__name__)
FULL = {errno.ENOSPC, errno.EDQUOT}
UNFINISHED = ".unfinished"


class FolderBlobs:
    """One file for each key. The folder is made with the first; several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """See Blobs.write."""
        place = self._place(key)
        unfinished = place.with_name(place.name + UNFINISHED)
        try:
            file = await asyncio.to_thread(_open, unfinished)
            try:
                waiting = bytearray()
                async for chunk in chunks:
                    waiting += chunk
                    if len(waiting) >= CHUNK:
                        await asyncio.to_thread(_write, file, bytes(waiting))
                        waiting.clear()
                await asyncio.to_thread(_finish, file, bytes(waiting), unfinished, place)
            finally:
                os.close(file)
        except OSError as error:
            log.warning("a file could not be stored", extra={"reason": str(error)})
            if error.errno in FULL:
                raise STORAGE_FULL(
                    "There is no room left where files are kept, and this one was not. Tell an admin, and send it"
                    " again once there is."
                ) from error
            raise UNAVAILABLE("The file could not be stored. Try again; if it stays so, tell an admin.") from error
        finally:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See Blobs.read."""
        try:
            file = await asyncio.to_thread(os.open, self._place(key), os.O_RDONLY)
        except FileNotFoundError:
            raise BLOB_MISSING("The bytes of this file are not in the store.") from None
        except OSError as error:
            raise UNAVAILABLE("The file cannot be read. Try again; if it stays so, tell an admin.") from error
        try:
            at = start
            while end is None or at < end:
                size = CHUNK if end is None else min(CHUNK, end - at)
                piece = await asyncio.to_thread(os.pread, file, size, at)
                if not piece:
                    return
                at += len(piece)
                yield piece
        finally:
            os.close(file)

    async def delete(self, key: str) -> None:
        """See Blobs.delete."""
        place = self._place(key)
        try:
            await asyncio.to_thread(place.unlink, missing_ok=True)
            place.with_name(place.name + UNFINISHED).unlink(missing_ok=True)
        except OSError as error:
            raise UNAVAILABLE("The file could not be removed.") from error

    def _place(self, key: str) -> Path:
        """The file of a key, which never leads out of the folder."""
        parts = key.split("/")
        if not all(part.replace("-", "").isalnum() and part.isascii() for part in parts):
            raise ValueError(key)
        return self.folder.joinpath(*parts)


def _open(unfinished: Path) -> int:
    unfinished.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _finish(file: int, rest: bytes, unfinished: Path, place: Path) -> None:
    _write(file, rest)
    os.fsync(file)
    unfinished.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
