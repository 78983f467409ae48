"""Thumbnails of images, made by a process that is started for each: decoders meet strangers' bytes there, not here."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from msgspec import Struct

from crewhall.kernel.errors import CrewhallError, define_error

IMAGE_REFUSED = define_error("image_refused", 422, "The image cannot be shown")
log = logging.getLogger(__name__)
CHILD = Path(__file__).with_name("thumbnail_child.py")
AT_ONCE = 2
LONGEST_S = 20.0
MOST_BYTES = 4 * 1024 * 1024


class Thumbnail(Struct, frozen=True):
    """An image's size in pixels as it is seen, and a small WebP of it without metadata."""

    width: int
    height: int
    webp: bytes


class Thumbnails:
    """Makes thumbnails, a few at a time."""

    def __init__(self, side: int | None = None) -> None:
        """`side`: the longest side in pixels, where it is to be less than usual."""
        self._arguments = [] if side is None else [str(side)]
        self._room = asyncio.Semaphore(AT_ONCE)

    async def make(self, image: AsyncIterator[bytes]) -> Thumbnail:
        """Make the thumbnail of an image; its bytes are handed over piece by piece.

        Raises IMAGE_REFUSED where they cannot be read as an image, or are one that takes too much to.
        """
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(CHILD), *self._arguments, env={}, limit=MOST_BYTES,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                async with asyncio.timeout(LONGEST_S):
                    made = await _exchange(process, image)
            except TimeoutError:
                raise refused() from None
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        return made


def refused() -> CrewhallError:
    """What is said of an image that cannot be read, or only at a price."""
    return IMAGE_REFUSED(
        "This image cannot be read: it is damaged, or has more pixels than are shown. Save it anew, smaller, or send "
        "it in an archive."
    )


async def _exchange(process: asyncio.subprocess.Process, image: AsyncIterator[bytes]) -> Thumbnail:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        async for piece in image:
            process.stdin.write(piece)
            await process.stdin.drain()
    process.stdin.close()
    said = await process.stdout.read(MOST_BYTES)
    rest = await process.stdout.read()
    if await process.wait() != 0 or rest:
        log.info("an image was refused", extra={"status": process.returncode})
        raise refused()
    size, _, webp = said.partition(b"\n")
    width, height = size.split()
    return Thumbnail(int(width), int(height), webp)
