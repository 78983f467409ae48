"""Blobs as objects of a bucket that speaks S3 (Amazon's, R2, MinIO, GCS), through obstore, imported when first used."""

import logging
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crewhall.kernel.errors import UNAVAILABLE, CrewhallError
from crewhall.ports.blobs import BLOB_MISSING, CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import S3Store

    from crewhall.adapters.blobs.making import BlobSettings

log = logging.getLogger(__name__)
PART = 5 * 1024 * 1024
"""Bytes of one part of an upload: the least that S3 takes. Two parts are in memory at once."""


class BucketBlobs:
    """One object for each key, below the prefix that the setting names."""

    def __init__(self, settings: "BlobSettings") -> None:
        self._settings = settings
        self._made: S3Store | None = None

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> None:
        """See Blobs.write."""
        import obstore

        kept: list[BaseException] = []
        with _explained(kept):
            await obstore.put_async(self._store, key, _noting(chunks, kept), chunk_size=PART, max_concurrency=2)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See Blobs.read."""
        import obstore

        if end is not None and end <= start:
            return
        wanted: Any = {"offset": start} if end is None else (start, end)
        with _explained([]):
            found = await obstore.get_async(self._store, key, options={"range": wanted})
            async for piece in found.stream(min_chunk_size=CHUNK):
                yield bytes(piece)

    async def delete(self, key: str) -> None:
        """See Blobs.delete."""
        import obstore

        with _explained([]):
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                return

    @property
    def _store(self) -> "S3Store":
        if self._made is None:
            self._made = _connect(self._settings)
        return self._made


async def _noting(chunks: AsyncIterable[bytes], kept: list[BaseException]) -> AsyncIterator[bytes]:
    """The chunks; what they raise is kept: the library would bury it in an error of its own."""
    try:
        async for chunk in chunks:
            yield chunk
    except BaseException as error:
        kept.append(error)
        raise


@contextmanager
def _explained(kept: list[BaseException]) -> "Iterator[None]":
    """Raise what the chunks raised, and the library's errors as ours."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise BLOB_MISSING("The bytes of this file are not in the store.") from None
    except (BaseError, OSError, CrewhallError) as error:
        if kept:
            raise kept[0] from None
        if isinstance(error, CrewhallError):
            raise
        log.warning("the bucket refused", extra={"reason": str(error)})
        raise UNAVAILABLE("The store of files is away. Try again; if it stays so, tell an admin.") from error


def _connect(settings: "BlobSettings") -> "S3Store":
    from obstore.store import S3Store

    secret = settings.blobs_secret_access_key
    given: dict[str, Any] = {
        "endpoint": settings.blobs_endpoint,
        "region": settings.blobs_region,
        "access_key_id": settings.blobs_access_key_id,
        "secret_access_key": secret.get_secret_value() if secret else None,
    }
    return S3Store.from_url(
        settings.blobs,
        config={name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
        client_options={"allow_http": (settings.blobs_endpoint or "").startswith("http://")},
    )
