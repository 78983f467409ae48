"""What comes in of a file: counted, hashed and judged while it is handed on, never held whole."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator

from crewhall.conversations.file_settings import MIB, FileSettings
from crewhall.conversations.file_types import HEAD, media_type_of, promised_type
from crewhall.kernel.errors import INVALID, TOO_LARGE, CrewhallError


class Intake:
    """The pieces of a file, as they come. Once all were taken: `size`, `sha256`, `media_type`.

    Reading it raises TOO_LARGE as soon as it is known to be, MISLABELLED, and INVALID where nothing came.
    `total` is what it is known to come to, where more follows later.
    """

    def __init__(
        self, chunks: AsyncIterable[bytes], name: str, settings: FileSettings, total: int | None = None
    ) -> None:
        self._chunks = chunks
        self._name = name
        self._settings = settings
        self._total = total
        self._head = b""
        self._limit: int | None = None
        self._hash = hashlib.sha256()
        self.size = 0
        self.media_type = ""

    @property
    def sha256(self) -> bytes:
        """The digest of what came."""
        return self._hash.digest()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            self._hash.update(chunk)
            if self._limit is None:
                self._head += chunk[: HEAD - len(self._head)]
                if len(self._head) == HEAD:
                    self._judge()
            if self._limit is not None and self.size > self._limit:
                raise too_large(self._limit, self.media_type)
            yield chunk
        if self.size == 0:
            raise INVALID("The file is empty: there is nothing in it to send.", field="body")
        if self._limit is None:
            self._judge()

    def _judge(self) -> None:
        self.media_type = media_type_of(self._head, self._name)
        self._limit = self._settings.limit_of(self.media_type)
        if max(self.size, self._total or 0) > self._limit:
            raise too_large(self._limit, self.media_type)


def check_size(size: int | None, name: str, settings: FileSettings) -> None:
    """Refuse what is said to be too large before any of it comes. Raises TOO_LARGE."""
    limit = settings.limit_of(promised_type(name))
    if size is not None and size > limit:
        raise too_large(limit, promised_type(name))


def too_large(limit: int, media_type: str) -> CrewhallError:
    """What is said of a file that is too large."""
    kind = "An image" if media_type.startswith("image/") else "A file"
    return TOO_LARGE(f"{kind} may have {limit // MIB} MiB here.", limit=limit)
