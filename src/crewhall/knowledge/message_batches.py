"""Messages that are to be embedded, a batch at a time: taken for a while, given back, kept."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.db import Database
from crewhall.knowledge.vectors import literal
from crewhall.ports.embedder import EmbeddingModel, Vector

BATCH = 64
SLICE = 128
"""So many that were written before are looked at in one transaction; new messages wait for no more than these."""
FORGOTTEN = 5000
"""Vectors of former models that are forgotten in one transaction."""
_TAKE: LiteralString = "select * from take_unembedded(%(model)s, %(dimension)s, %(most)s)"
_KEEP: LiteralString = """
select keep_embedded(%(model)s, %(dimension)s, %(ids)s::uuid[], %(attempts)s::integer[], %(edit_counts)s::integer[],
                     %(vectors)s::text[])
"""


class Unembedded(Struct, frozen=True):
    """A message as it was taken: its text, how often that was edited, and the attempt that fences what is written."""

    message_id: UUID
    attempt: int
    edit_count: int
    is_past: bool
    body: str


class MessageBatches:
    """What one process takes, for one model."""

    def __init__(self, db: Database, model: EmbeddingModel) -> None:
        self._db = db
        self._asked: dict[str, object] = {"model": model.name, "dimension": model.dimension}

    async def begin(self) -> None:
        """Have the messages of every organization brought to the model. Asked at the start of a process."""
        async with self._db.transaction(None) as tx:
            await tx.run("select index_messages(%(model)s)", self._asked)

    async def take(self) -> list[Unembedded]:
        """Take what is due for two minutes, new messages first; nobody else takes it meanwhile."""
        async with self._db.transaction(None) as tx:
            return await tx.all(Unembedded, _TAKE, {**self._asked, "most": BATCH})

    async def fill(self) -> int:
        """Look at the next messages that were written before; gives how many, 0 when all are through."""
        async with self._db.transaction(None) as tx:
            taken: int = await tx.value(
                "select fill_unembedded(%(model)s, %(dimension)s, %(size)s)", {**self._asked, "size": SLICE}
            )
        return taken

    async def keep(self, taken: Sequence[Unembedded], vectors: Sequence[Vector | None]) -> None:
        """Keep the vectors of what is still ours; a message without one has no meaning until it is edited."""
        values = {
            "ids": [one.message_id for one in taken], "attempts": [one.attempt for one in taken],
            "edit_counts": [one.edit_count for one in taken],
            "vectors": [None if one is None else literal(one) for one in vectors],
        }  # fmt: skip
        async with self._db.transaction(None) as tx:
            await tx.run(_KEEP, {**self._asked, **values})

    async def leave(self, taken: Sequence[Unembedded]) -> None:
        """Let others take them at once."""
        values = {"ids": [one.message_id for one in taken], "attempts": [one.attempt for one in taken]}
        async with self._db.transaction(None) as tx:
            await tx.run("select leave_unembedded(%(ids)s::uuid[], %(attempts)s::integer[])", values)

    async def settle(self) -> None:
        """Let searches ask the model where all messages have come to it; forget the vectors of former ones."""
        gone = FORGOTTEN
        while gone >= FORGOTTEN:
            async with self._db.transaction(None) as tx:
                gone = await tx.value("select settle_messages(%(model)s, %(most)s)", {**self._asked, "most": FORGOTTEN})

    async def due_in(self) -> float | None:
        """Seconds until somebody is to look again; None when nothing is left to do."""
        async with self._db.transaction(None) as tx:
            seconds: float | None = await tx.value("select next_unembedded(%(model)s)", self._asked)
        return seconds
