"""The vectors of a document's chunks: those that are missing for the model, a batch at a time.

A text that the model refuses whenever it is asked holds nothing up: it is looked for among those that were asked with
it, marked, and found by its words alone.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import UNAVAILABLE, CrewhallError
from crewhall.knowledge.extraction import VERSION as EXTRACTOR_VERSION
from crewhall.knowledge.wording import embedded_text
from crewhall.knowledge.work import CHANNEL, ROUND, Work, fenced
from crewhall.ports.embedder import Embedder, EmbeddingModel, Vector

log = logging.getLogger(__name__)
BATCH = 64
PORTIONS = 4
"""So many of a document at a time, some twenty seconds: others have their turn, then."""
STUBBORN = 6
"""After so many retries, some five minutes, the reason is looked for in the texts, if the model can be asked at all."""
HARMLESS = "a word"
_MISSING: dict[int, LiteralString] = {
    384: """
select c.id, d.title, c.heading, c.content
from chunks c join documents d on d.org_id = c.org_id and d.id = c.document_id
where c.org_id = %(org)s and c.document_id = %(document)s and not %(model)s = any (c.refused_by) and not exists (
    select from embeddings_384 e where e.org_id = c.org_id and e.chunk_id = c.id and e.model = %(model)s)
order by c.position limit %(limit)s
""",
    1536: """
select c.id, d.title, c.heading, c.content
from chunks c join documents d on d.org_id = c.org_id and d.id = c.document_id
where c.org_id = %(org)s and c.document_id = %(document)s and not %(model)s = any (c.refused_by) and not exists (
    select from embeddings_1536 e where e.org_id = c.org_id and e.chunk_id = c.id and e.model = %(model)s)
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
_REFUSED: LiteralString = """
update chunks set refused_by = array_append(refused_by, %(model)s)
where org_id = %(org)s and id = any (%(refused)s) and not %(model)s = any (refused_by)
"""
_READY: LiteralString = """
update documents d set status = 'ready', done = chunks, total = chunks, unit = 'chunk', retries = 0,
       words_only = (select count(*) from chunks c
                     where c.org_id = d.org_id and c.document_id = d.id and %(model)s = any (c.refused_by)),
       look_at = (select now() from knowledge_indexes k
                  where k.org_id = d.org_id and coalesce(k.coming, k.model) <> %(model)s),
       ready_at = coalesce(ready_at, now()), model = %(model)s, attempt = (attempt / %(round)s + 1) * %(round)s
where id = %(document)s and attempt = %(attempt)s returning look_at is not null
"""
"""Where another model has come, or comes, meanwhile, a process that has that one brings the document up to it."""
_INDEX: LiteralString = """
insert into knowledge_indexes as k (org_id, model, dimension, extractor)
values (%(org)s, %(model)s, %(dimension)s, %(extractor)s)
on conflict (org_id) do update set former = array_append(k.former, excluded.model)
where k.model <> excluded.model and k.coming is distinct from excluded.model and not excluded.model = any (k.former)
"""
"""Vectors of a model that searches have gone on from are to go."""
Told = Callable[[Tx | None, int, int], Awaitable[None]]


class _Missing(Struct):
    id: UUID
    title: str | None
    heading: list[str]
    content: str

    @property
    def text(self) -> str:
        return embedded_text(self.title, self.heading, self.content)


class Embedding:
    """Gives a document the vectors of one model, wherever an attempt before stopped."""

    def __init__(self, db: Database, embedder: Embedder, work: Work) -> None:
        self._db = db
        self._embedder = embedder
        self._work = work
        self._values = {"org": work.org_id, "document": work.id, "model": embedder.model.name, "limit": BATCH}

    async def embed(self, told: Told) -> bool:
        """Embed what is missing, a few portions of it; returns whether that was all. Raises UNAVAILABLE, NotOurs.

        `told` hears how many of how many are, with the transaction that wrote some; without one before it begins anew.
        """
        model, values = self._embedder.model, self._values
        async with fenced(self._db, self._work) as tx:
            total = await tx.value("select count(*) from chunks where document_id = %(document)s", values)
            done = await tx.value(_COUNT[model.dimension], values)
            missing = await tx.all(_Missing, _MISSING[model.dimension], values)
        for _ in range(PORTIONS):
            if not missing:
                break
            await told(None, done, total)
            vectors = await self._vectors(missing)
            async with fenced(self._db, self._work) as tx:
                await self._write(tx, model, vectors)
                done += len(missing)
                await told(tx, done, total)
                missing = await tx.all(_Missing, _MISSING[model.dimension], values)
        return not missing

    async def _vectors(self, missing: Sequence[_Missing]) -> dict[UUID, Vector | None]:
        """The vectors of chunks; None of those that the model refuses while it takes others."""
        try:
            made = await self._embedder.embed([one.text for one in missing])
        except CrewhallError as error:
            if error.kind is UNAVAILABLE and self._work.retries < STUBBORN:
                raise
            await self._embedder.embed([HARMLESS])  # raises where it is not the texts
            if len(missing) == 1:
                about = {"chunk": str(missing[0].id), "reason": error.detail[:500]}
                log.warning("a passage is found by its words alone: the embedding model refuses it", extra=about)
                return {missing[0].id: None}
            half = len(missing) // 2
            return await self._vectors(missing[:half]) | await self._vectors(missing[half:])
        return dict(zip([one.id for one in missing], made, strict=True))

    async def _write(self, tx: Tx, model: EmbeddingModel, vectors: dict[UUID, Vector | None]) -> None:
        given = {id_: vector for id_, vector in vectors.items() if vector is not None}
        values = {
            "ids": list(given), "model": model.name, "org": self._work.org_id,
            "vectors": ["[" + ",".join(f"{part:.7g}" for part in vector) + "]" for vector in given.values()],
            "refused": [id_ for id_, vector in vectors.items() if vector is None],
        }  # fmt: skip
        await tx.run(_INSERT[model.dimension], values)
        if values["refused"]:
            await tx.run(_REFUSED, values)


async def make_ready(tx: Tx, work: Work, model: EmbeddingModel | None) -> None:
    """Say that a document is searchable; within `fenced`. Without a model its words are found, and not its meaning."""
    values = {
        "document": work.id, "attempt": work.attempt, "round": ROUND, "org": work.org_id,
        "model": model and model.name, "dimension": model and model.dimension, "extractor": EXTRACTOR_VERSION,
    }  # fmt: skip
    is_late = await tx.value(_READY, values)
    if is_late:
        await tx.notify(CHANNEL, "")
    if model is not None:
        await tx.run(_INDEX, values)
