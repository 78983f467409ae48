"""Making one document searchable: its bytes to a file of the process, its text into chunks, its chunks into vectors."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import LiteralString, Protocol
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import define_error
from crewhall.knowledge.chunk_rows import drop_chunks_from, write_chunks
from crewhall.knowledge.embedding import Embedding, make_ready
from crewhall.knowledge.limits import check_room
from crewhall.knowledge.passages import About, Chunk, Progress
from crewhall.knowledge.telling import Standing, Telling
from crewhall.knowledge.vocabulary import DocumentStatus, OriginKind, Unit
from crewhall.knowledge.work import Work, fenced, note
from crewhall.ports.blobs import Blobs
from crewhall.ports.embedder import Embedder
from crewhall.ports.live import Live

BATCH = 64
"""Chunks that are written in one transaction."""
DOCUMENT_LOST = define_error("document_lost", 404, "The document's bytes are not there")
TextOf = Callable[[Tx, UUID], Awaitable[str]]
"""Gives the text of an origin that has no bytes in the store."""
_SOURCE: LiteralString = """
select b.key, o.kind, o.id as origin_id
from documents d
left join blobs b on b.org_id = d.org_id and b.sha256 = d.sha256
left join lateral (select o.id, o.kind from document_origins o
                   where o.org_id = d.org_id and o.document_id = d.id order by o.created_at limit 1) o on true
where d.id = %(id)s and d.org_id = %(org)s
"""
_ABOUT: LiteralString = "update documents set title = coalesce(%(title)s, title), pages = %(pages)s where id = %(id)s"
_EXTRACTED: LiteralString = """
update documents set status = 'embedding', done = 0, total = %(chunks)s, unit = 'chunk', chunks = %(chunks)s,
       characters = %(characters)s
where id = %(id)s and attempt = %(attempt)s
"""


class Extracts(Protocol):
    """Gives what is in a document; see extraction.Extractor."""

    def chunks(self, path: Path, media_type: str, name: str) -> AsyncIterator[Chunk | Progress | About]:
        """The chunks of its text, with signs of progress."""
        ...

    async def render_page(self, path: Path, media_type: str, page: int, width: int) -> bytes:
        """A picture of a page."""
        ...


class Means(Struct, frozen=True, kw_only=True):
    """What documents are made searchable with. `texts`: of what has no bytes in the store, by kind of origin."""

    db: Database
    blobs: Blobs
    live: Live
    extractor: Extracts
    embedder: Embedder | None
    former: Sequence[Embedder] = ()
    """Others that can be asked: what is new is found by them while searches still do."""
    most_chunks: int = 0
    """Of one organization; 0: no limit."""
    texts: dict[OriginKind, TextOf]


class _Source(Struct):
    key: str | None
    kind: OriginKind | None
    origin_id: UUID | None


class Ingesting:
    """Works on one document for a turn. Raises what is wrong with it, UNAVAILABLE, NotOurs.

    Reading it is a turn, and so are a few portions of its vectors: what is quickly read, or cannot be read, is told
    while longer ones are still being embedded.
    """

    def __init__(self, means: Means, work: Work) -> None:
        self._means = means
        self._db = means.db
        self._work = work
        self._telling = Telling(means.db, means.live, work.org_id, work.id)

    async def run(self) -> bool:
        """Do what is next to be done; returns whether that was all."""
        work = self._work
        embedder = self._means.embedder
        if work.status is DocumentStatus.EXTRACTING:
            await self._extract()
            if embedder is not None:
                return False
        if embedder is None:
            async with fenced(self._db, work) as tx:
                await make_ready(tx, work, None)
        else:
            if not await self._embed_for_searches(embedder):
                return False
            if not await Embedding(self._db, embedder, work).embed(self._note_embedded):
                return False
            async with fenced(self._db, work) as tx:
                await make_ready(tx, work, embedder.model)
        if work.status is not DocumentStatus.READY:
            await self._telling.say(Standing(status=DocumentStatus.READY))
        return True

    async def _embed_for_searches(self, embedder: Embedder) -> bool:
        """Give what is new vectors of the model that searches still ask; tells whether it has all of them."""
        if self._work.status is DocumentStatus.READY:
            return True
        async with fenced(self._db, self._work) as tx:
            asked = await tx.value(
                "select model from knowledge_indexes where org_id = %(org)s", {"org": self._work.org_id}
            )
        former = next((one for one in self._means.former if one.model.name == asked != embedder.model.name), None)
        return former is None or await Embedding(self._db, former, self._work).embed(self._note_embedded)

    async def _note_embedded(self, tx: Tx | None, done: int, total: int) -> None:
        """Say how far it is; one that is brought up to date stays what it is."""
        if self._work.status is DocumentStatus.READY:
            return
        standing = Standing(status=DocumentStatus.EMBEDDING, done=done, total=total, unit=Unit.CHUNK)
        if tx is not None:
            await note(tx, self._work, standing)
        elif self._telling.is_due():
            await self._telling.say(standing)

    async def _extract(self) -> None:
        await self._telling.say(Standing(status=DocumentStatus.EXTRACTING))
        with tempfile.TemporaryDirectory(prefix="crewhall-document-") as folder:
            path = Path(folder) / "document"
            await self._fetch(path)
            await self._chunk(path)

    async def _fetch(self, path: Path) -> None:
        """Write what the document is to a file."""
        async with fenced(self._db, self._work) as tx:
            source = await tx.one(_Source, _SOURCE, {"id": self._work.id, "org": self._work.org_id})
            text = None
            if source.key is None:
                text_of = None if source.kind is None else self._means.texts.get(source.kind)
                if text_of is None or source.origin_id is None:
                    raise DOCUMENT_LOST("Its bytes are not in the store any more. Send the file again.")
                text = await text_of(tx, source.origin_id)
        with path.open("wb") as file:
            if text is not None:
                await asyncio.to_thread(file.write, text.encode())
            elif source.key is not None:
                async for piece in self._means.blobs.read(source.key):
                    await asyncio.to_thread(file.write, piece)

    async def _chunk(self, path: Path) -> None:
        """Write the chunks as they come; those that an attempt before has written are passed by."""
        work, waiting, count, characters = self._work, list[Chunk](), 0, 0
        said = self._means.extractor.chunks(path, work.media_type, work.name)
        try:
            async for one in said:
                if isinstance(one, Chunk):
                    count, characters = one.position + 1, one.ends
                    if one.position >= work.chunks:
                        waiting.append(one)
                elif isinstance(one, About):
                    await self._note_about(one)
                else:
                    await self._note_progress(one)
                if len(waiting) == BATCH:
                    await self._write(waiting)
                    waiting.clear()
        finally:
            if isinstance(said, AsyncGenerator):
                await said.aclose()
        await self._write(waiting)
        async with fenced(self._db, work) as tx:
            await drop_chunks_from(tx, work, count)
            values = {"id": work.id, "attempt": work.attempt, "chunks": count, "characters": characters}
            await tx.run(_EXTRACTED, values)

    async def _write(self, chunks: list[Chunk]) -> None:
        if not chunks:
            return
        async with fenced(self._db, self._work) as tx:
            count = chunks[-1].position + 1
            await check_room(tx, self._work, count, self._means.most_chunks)
            await write_chunks(tx, self._work, chunks)
            written = {"id": self._work.id, "chunks": count}
            await tx.run("update documents set chunks = %(chunks)s where id = %(id)s", written)

    async def _note_about(self, about: About) -> None:
        async with fenced(self._db, self._work) as tx:
            title = None if about.title is None else about.title.replace("\0", "")[:500]
            await tx.run(_ABOUT, {"id": self._work.id, "title": title or None, "pages": about.pages})

    async def _note_progress(self, come: Progress) -> None:
        if not self._telling.is_due():
            return
        standing = Standing(status=DocumentStatus.EXTRACTING, done=come.done, total=come.total, unit=Unit(come.unit))
        async with fenced(self._db, self._work) as tx:
            await note(tx, self._work, standing)
        await self._telling.say(standing)
