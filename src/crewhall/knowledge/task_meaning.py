"""Tasks by what they mean: embedded behind their change, as messages are, and the nearest to a question.

A task has one vector, of its present title and description: the schema forgets it as the task changes, and notes that
it is to be embedded. While tasks come to another model, those that have not are found by words.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.db import Database, Tx
from crewhall.knowledge.message_meaning import NearMessage
from crewhall.knowledge.schemas_search import Searched
from crewhall.knowledge.vectors import literal
from crewhall.ports.embedder import EmbeddingModel, Vector

CHANNEL = "crewhall_unembedded_tasks"
"""Notices that tasks are to be embedded."""
BATCH = 64
_KEEP: LiteralString = """
select keep_embedded_tasks(%(model)s, %(dimension)s, %(ids)s::uuid[], %(attempts)s::integer[], %(vectors)s::text[])
"""
_NEAREST: LiteralString = """
select id, distance from tasks_by_meaning(%(meaning)s::halfvec, %(model)s, %(since)s, %(until)s, %(limit)s)
"""


class UnembeddedTask(Struct, frozen=True):
    """A task as it was taken: its text, and the attempt that fences what is written."""

    id: UUID
    attempt: int
    body: str
    is_past: bool = False


class TaskBatches:
    """What one process takes, for one model. See `Batches`."""

    def __init__(self, db: Database, model: EmbeddingModel) -> None:
        self._db = db
        self._asked: dict[str, object] = {"model": model.name, "dimension": model.dimension}

    async def begin(self) -> None:
        """Note every task that the model has not embedded."""
        async with self._db.transaction(None) as tx:
            await tx.run("select index_tasks(%(model)s, %(dimension)s)", self._asked)

    async def take(self) -> list[UnembeddedTask]:
        """See `Batches`."""
        async with self._db.transaction(None) as tx:
            return await tx.all(UnembeddedTask, "select * from take_unembedded_tasks(%(most)s)", {"most": BATCH})

    async def fill(self) -> int:
        """Nothing waits beside what is noted."""
        return 0

    async def keep(self, taken: Sequence[UnembeddedTask], vectors: Sequence[Vector | None]) -> None:
        """See `Batches`."""
        values = {
            "ids": [one.id for one in taken], "attempts": [one.attempt for one in taken],
            "vectors": [None if one is None else literal(one) for one in vectors],
        }  # fmt: skip
        async with self._db.transaction(None) as tx:
            await tx.run(_KEEP, {**self._asked, **values})

    async def leave(self, taken: Sequence[UnembeddedTask]) -> None:
        """See `Batches`."""
        values = {"ids": [one.id for one in taken], "attempts": [one.attempt for one in taken]}
        async with self._db.transaction(None) as tx:
            await tx.run("select leave_unembedded_tasks(%(ids)s::uuid[], %(attempts)s::integer[])", values)

    async def settle(self) -> None:
        """Vectors of former models are replaced as they go."""

    async def due_in(self) -> float | None:
        """See `Batches`."""
        async with self._db.transaction(None) as tx:
            seconds: float | None = await tx.value("select next_unembedded_task()")
        return seconds


async def find_near_tasks(tx: Tx, meaning: dict[str, str], wanted: Searched, limit: int) -> list[NearMessage]:
    """The tasks within reach that are nearest to a meaning, of those that its model has embedded."""
    values = {**meaning, "since": wanted.since, "until": wanted.until, "limit": limit}
    return await tx.all(NearMessage, _NEAREST, values)
