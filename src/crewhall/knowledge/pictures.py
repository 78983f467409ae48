"""Pictures of a document's pages, or of what is a picture itself: made when somebody looks, by a process with limits.

A few at a time.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import NOT_FOUND, define_error
from crewhall.knowledge.documents import access_document
from crewhall.knowledge.ingesting import Means

IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/tiff", "image/bmp"})
HAS_PICTURES = frozenset({"application/pdf"}) | IMAGES
AT_ONCE = 2
MOST_WAITING, MOST_WAITING_EACH = 32, 12
"""Who asks for more at a time is told to come again."""
PICTURES_BUSY = define_error("pictures_busy", 429, "Too many pages are being drawn")


class Pictures:
    """Shows pages."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._room = asyncio.Semaphore(AT_ONCE)
        self._asked: Counter[UUID | None] = Counter()

    async def show(self, actor: Actor, document_id: UUID, page: int, width: int) -> bytes:
        """A page, counted from 1, as a WebP of so many pixels across.

        Raises NOT_FOUND, PICTURES_BUSY, and what a document is refused for.
        """
        async with self._means.db.transaction(actor) as tx:
            found = await access_document(tx, actor, document_id)
            key = await tx.value(
                """
                select b.key from documents d join blobs b on b.org_id = d.org_id and b.sha256 = d.sha256
                where d.id = %(id)s
                """,
                {"id": document_id},
            )
        if key is None or found.media_type not in HAS_PICTURES or not 1 <= page <= (found.pages or 0):
            raise NOT_FOUND("There is no picture of such a page.")
        with self._counted(actor):
            async with self._room:
                return await self._draw(key, found.media_type, page, width)

    @contextmanager
    def _counted(self, actor: Actor) -> Iterator[None]:
        if self._asked[actor.id] >= MOST_WAITING_EACH or self._asked.total() >= MOST_WAITING:
            raise PICTURES_BUSY("Many pages are being drawn just now. Ask for this one again in a few seconds.")
        self._asked[actor.id] += 1
        try:
            yield
        finally:
            self._asked[actor.id] -= 1
            if not self._asked[actor.id]:
                del self._asked[actor.id]

    async def _draw(self, key: str, media_type: str, page: int, width: int) -> bytes:
        with tempfile.TemporaryDirectory(prefix="crewhall-page-") as folder:
            path = Path(folder) / "document"
            with path.open("wb") as file:
                async for piece in self._means.blobs.read(key):
                    await asyncio.to_thread(file.write, piece)
            return await self._means.extractor.render_page(path, media_type, page, width)
