"""Where the bytes of files are kept, by key: whole or not at all, and never changed.

Keys are made by Crewhall (`organization/id`), each used once. Stores pass one contract suite.
"""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol

from crewhall.kernel.errors import define_error

BLOB_MISSING = define_error("blob_missing", 404, "The file's bytes are not there")
STORAGE_FULL = define_error("storage_full", 507, "The storage of files is full")
"""It passes when somebody makes room: as with UNAVAILABLE, what was to be written may be sent again."""
CHUNK = 256 * 1024
"""Bytes that are read at once, nearly."""


class Blobs(Protocol):
    """A store of bytes, whatever keeps them."""

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """Keep what comes under the key; returns when it is durable.

        What the chunks raise is raised here, and nothing is kept then. Raises UNAVAILABLE, STORAGE_FULL.
        """
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Give the bytes from `start` up to `end` (by default all), piece by piece.

        Raises BLOB_MISSING, UNAVAILABLE.
        """
        ...

    async def delete(self, key: str) -> None:
        """Forget the key; one that is not there is no error. Raises UNAVAILABLE."""
        ...


class MemoryBlobs:
    """Keeps bytes in memory: the fake of tests."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """See Blobs.write."""
        self.kept[key] = b"".join([bytes(chunk) async for chunk in chunks])

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See Blobs.read."""
        if key not in self.kept:
            raise BLOB_MISSING("The bytes of this file are not in the store.")
        wanted = self.kept[key][start:end]
        for at in range(0, len(wanted), CHUNK):
            yield wanted[at : at + CHUNK]

    async def delete(self, key: str) -> None:
        """See Blobs.delete."""
        self.kept.pop(key, None)
