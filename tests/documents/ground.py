"""Documents of a test's organization, and workers that make them searchable at once."""

import hashlib
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations.file_store import FileStore
from crewhall.kernel.actor import system_actor
from crewhall.kernel.errors import CrewhallError
from crewhall.knowledge.extraction import Extractor
from crewhall.knowledge.extraction_settings import ExtractionSettings
from crewhall.knowledge.ingesting import Extracts, Ingesting, Means
from crewhall.knowledge.vocabulary import DocumentStatus, OriginKind
from crewhall.knowledge.wiki_documents import text_of
from crewhall.knowledge.work import Work, claim
from crewhall.knowledge.worker import DocumentWorker
from crewhall.ports.embedder import TEXT_REFUSED, Embedder, EmbeddingModel, Vector
from crewhall.ports.live import Live, MemoryLive
from tests.files.making import post, sent
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until


@dataclass
class Hashing:
    """Embeds by hashed words; counts what it was asked for, and fails when told to."""

    name: str = "hashing"
    dimension: int = 384
    asked: list[str] = field(default_factory=list)
    error: Exception | None = None
    refuses: str | None = None
    refusal: CrewhallError = field(default_factory=lambda: TEXT_REFUSED("It is not read."))

    @property
    def model(self) -> EmbeddingModel:
        return EmbeddingModel(self.name, self.dimension, 256)

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        if self.error is not None:
            raise self.error
        if self.refuses is not None and any(self.refuses in text for text in texts):
            raise self.refusal
        self.asked += texts
        return [self._vector(text) for text in texts]

    async def embed_query(self, text: str) -> Vector:
        return self._vector(text)

    async def close(self) -> None:
        pass

    def _vector(self, text: str) -> Vector:
        made = [0.001] * self.dimension
        for word in text.lower().split():
            made[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % self.dimension] += 1
        length = math.sqrt(sum(part * part for part in made))
        return [part / length for part in made]


def means(
    server: Server,
    *,
    embedder: Embedder | None = None,
    former: Sequence[Embedder] = (),
    most_chunks: int = 0,
    extractor: Extracts | None = None,
    live: Live | None = None,
) -> Means:
    """What a worker of a test works with."""
    return Means(
        db=server.db, blobs=server.services.part(FileStore).blobs, live=live or MemoryLive(),
        extractor=extractor or Extractor(ExtractionSettings()), embedder=embedder, former=former,
        most_chunks=most_chunks, texts={OriginKind.WIKI: text_of},
    )  # fmt: skip


@asynccontextmanager
async def working(server: Server, given: Means, at_once: int = 2) -> AsyncIterator[DocumentWorker]:
    """A worker, while the block lasts."""
    worker = DocumentWorker(given, server.services.signals, at_once)
    worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def attached(server: Server, org: Org, data: bytes, name: str = "notes.md", where: str | None = None) -> str:
    """Post a file into a conversation (by default #general); gives its document's id."""
    place = where or await server.general(org)
    file = await sent(org.owner, place, data, name)
    await post(org.owner, place, file)
    shown = (await org.owner.api.get(f"/files/{file['id']}")).raise_for_status().json()
    return str(shown["document"]["id"])


async def file_of(org: Org, document_id: str) -> str:
    """The id of the first file that a document stands in."""
    found = (await org.owner.api.get(f"/documents/{document_id}")).raise_for_status().json()
    return str(found["origins"][0]["file_id"])


async def read_now(server: Server, org: Org, document_id: str, embedder: Embedder | None = None) -> None:
    """Have one document made searchable, and no other; where a worker is at it already, wait for that."""
    async with server.db.transaction(system_actor(org.id)) as tx:
        work = await claim(tx, UUID(document_id))
    if work is not None:
        await finish(means(server, embedder=embedder), work)
    await ended(org, document_id)


async def ended(org: Org, document_id: str) -> dict[str, Any]:
    """The document, once nothing more happens to it."""

    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = (await org.owner.api.get(f"/documents/{document_id}")).raise_for_status().json()
        return found if found["status"] in {"ready", "failed"} else None

    return await until(look)


async def finish(with_what: Means, work: Work) -> None:
    """Work on a claimed document, turn after turn, until nothing is left to be done."""
    while not await Ingesting(with_what, work).run():
        work = msgspec.structs.replace(work, status=DocumentStatus.EMBEDDING)
