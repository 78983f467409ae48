"""The vectors of a document's chunks: those that are missing for the model, a batch at a time, until none is."""

from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.db import Database, Tx
from crewhall.knowledge.extraction import VERSION as EXTRACTOR_VERSION
from crewhall.knowledge.telling import Standing, Telling
from crewhall.knowledge.vocabulary import DocumentStatus, Unit
from crewhall.knowledge.wording import embedded_text
from crewhall.knowledge.work import ROUND, Work, fenced, note
from crewhall.ports.embedder import Embedder, EmbeddingModel, Vector

BATCH = 64
_MISSING: dict[int, LiteralString] = {
    384: """
select c.id, d.title, c.heading, c.content
from chunks c join documents d on d.org_id = c.org_id and d.id = c.document_id
where c.org_id = %(org)s and c.document_id = %(document)s and not exists (
    select from embeddings_384 e where e.chunk_id = c.id and e.model = %(model)s)
order by c.position limit %(limit)s
""",
    1536: """
select c.id, d.title, c.heading, c.content
from chunks c join documents d on d.org_id = c.org_id and d.id = c.document_id
where c.org_id = %(org)s and c.document_id = %(document)s and not exists (
    select from embeddings_1536 e where e.chunk_id = c.id and e.model = %(model)s)
order by c.position limit %(limit)s
""",
}
_COUNT: dict[int, LiteralString] = {
    384: """
select count(*) from embeddings_384 where org_id = %(org)s and model = %(model)s and document_id = %(document)s
""",
    1536: """
select count(*) from embeddings_1536 where org_id = %(org)s and model = %(model)s and document_id = %(document)s
""",
}
_INSERT: dict[int, LiteralString] = {
    384: """
insert into embeddings_384 (chunk_id, model, org_id, document_id, embedding)
select c.id, %(model)s, c.org_id, c.document_id, v.vector::halfvec(384)
from unnest(%(ids)s::uuid[], %(vectors)s::text[]) as v (id, vector) join chunks c on c.org_id = %(org)s and c.id = v.id
on conflict do nothing
""",
    1536: """
insert into embeddings_1536 (chunk_id, model, org_id, document_id, embedding)
select c.id, %(model)s, c.org_id, c.document_id, v.vector::halfvec(1536)
from unnest(%(ids)s::uuid[], %(vectors)s::text[]) as v (id, vector) join chunks c on c.org_id = %(org)s and c.id = v.id
on conflict do nothing
""",
}
_READY: LiteralString = """
update documents set status = 'ready', done = chunks, total = chunks, unit = 'chunk', look_at = null, retries = 0,
       ready_at = coalesce(ready_at, now()), model = %(model)s, attempt = (attempt / %(round)s + 1) * %(round)s
where id = %(document)s and attempt = %(attempt)s
"""
_INDEX: LiteralString = """
insert into knowledge_indexes (org_id, model, dimension, extractor)
values (%(org)s, %(model)s, %(dimension)s, %(extractor)s) on conflict do nothing
"""


class _Missing(Struct):
    id: UUID
    title: str | None
    heading: list[str]
    content: str


class Embedding:
    """Gives a document its vectors, wherever an attempt before stopped."""

    def __init__(self, db: Database, embedder: Embedder, work: Work, telling: Telling) -> None:
        self._db = db
        self._embedder = embedder
        self._work = work
        self._telling = telling

    async def embed(self) -> None:
        """Embed what is missing; the document is ready then. Raises UNAVAILABLE, NotOurs."""
        work, model = self._work, self._embedder.model
        values = {"org": work.org_id, "document": work.id, "model": model.name, "limit": BATCH}
        async with fenced(self._db, work) as tx:
            total = await tx.value("select count(*) from chunks where document_id = %(document)s", values)
            done = await tx.value(_COUNT[model.dimension], values)
            missing = await tx.all(_Missing, _MISSING[model.dimension], values)
        while missing:
            if self._telling.is_due():
                await self._say(done, total)
            vectors = await self._embedder.embed(
                [embedded_text(one.title, one.heading, one.content) for one in missing]
            )
            async with fenced(self._db, work) as tx:
                await self._write(tx, model, missing, vectors)
                done += len(missing)
                if work.status is not DocumentStatus.READY:
                    await note(tx, work, self._standing(done, total))
                missing = await tx.all(_Missing, _MISSING[model.dimension], values)
        async with fenced(self._db, work) as tx:
            await make_ready(tx, work, model)

    async def _write(self, tx: Tx, model: EmbeddingModel, missing: list[_Missing], vectors: list[Vector]) -> None:
        values = {
            "ids": [one.id for one in missing], "model": model.name, "org": self._work.org_id,
            "vectors": ["[" + ",".join(f"{part:.7g}" for part in vector) + "]" for vector in vectors],
        }  # fmt: skip
        await tx.run(_INSERT[model.dimension], values)

    async def _say(self, done: int, total: int) -> None:
        if self._work.status is not DocumentStatus.READY:  # one that is brought up to date stays what it is
            await self._telling.say(self._standing(done, total))

    def _standing(self, done: int, total: int) -> Standing:
        return Standing(status=DocumentStatus.EMBEDDING, done=done, total=total, unit=Unit.CHUNK)


async def make_ready(tx: Tx, work: Work, model: EmbeddingModel | None) -> None:
    """Say that a document is searchable; within `fenced`. Without a model its words are found, and not its meaning."""
    values = {
        "document": work.id, "attempt": work.attempt, "round": ROUND, "org": work.org_id,
        "model": model and model.name, "dimension": model and model.dimension, "extractor": EXTRACTOR_VERSION,
    }  # fmt: skip
    await tx.run(_READY, values)
    if model is not None:
        await tx.run(_INDEX, values)
