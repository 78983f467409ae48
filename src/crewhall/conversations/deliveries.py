"""Deliveries: an agent that is mentioned, replied to or written to directly finds one record in its inbox.

The checkpoint moves only after the log has acknowledged the batch's deliveries; each carries the client id
`delivery:<message id>`, so that a batch that is done again after a crash doubles nothing.
"""

from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations.appending import append_all, try_turn
from crewhall.conversations.consumers import BATCH
from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.ports.message_log import Author, MessageLog, MessageRole, NewRecord, RecordType


class _Place(msgspec.Struct):
    position: int
    conversation_id: UUID
    seq: int


class _BatchEnd(_Place):
    length: int


class _Due(msgspec.Struct):
    org_id: UUID
    inbox_id: UUID
    reason: str
    message_id: UUID
    message: dict[str, Any]


class Deliverer:
    """Makes the deliveries that the log's records are due."""

    def __init__(self, db: Database, log: MessageLog) -> None:
        self._db = db
        self._log = log

    async def step(self) -> int:
        """Deliver the next batch, unless another process does; gives the number of records seen."""
        async with self._db.transaction(None) as tx:
            if not await try_turn(tx, "deliveries"):
                return 0
            checkpoint = await tx.one(
                _Place, "select position, conversation_id, seq from consumer_checkpoints where consumer = 'deliveries'"
            )
            values = {**msgspec.structs.asdict(checkpoint), "size": BATCH}
            end = await tx.find(
                _BatchEnd, "select * from log_batch_end(%(position)s, %(conversation_id)s, %(seq)s, %(size)s)", values
            )
            if end is None:
                return 0
            await append_all(self._log, [_delivery(due) for due in await _due_between(tx, checkpoint, end)])
            await tx.run(
                """
                update consumer_checkpoints
                set position = %(position)s, conversation_id = %(conversation_id)s, seq = %(seq)s, updated_at = now()
                where consumer = 'deliveries'
                """,
                msgspec.structs.asdict(end),
            )
        return end.length


def _delivery(due: _Due) -> NewRecord:
    return NewRecord(
        org_id=due.org_id,
        conversation_id=due.inbox_id,
        author=Author.of(system_actor(due.org_id)),
        type=RecordType.DELIVERY,
        role=MessageRole.SYSTEM,
        metadata={"reason": due.reason, "message": due.message},
        target_id=due.message_id,
        client_id=f"delivery:{due.message_id}",
    )


async def _due_between(tx: Tx, start: _Place, end: _Place) -> list[_Due]:
    return await tx.all(
        _Due,
        """
        select org_id, inbox_id, reason, message_id, message
        from due_deliveries(%(position)s, %(conversation_id)s, %(seq)s,
                            %(to_position)s, %(to_conversation)s, %(to_seq)s)
        """,
        {
            **msgspec.structs.asdict(start),
            "to_position": end.position,
            "to_conversation": end.conversation_id,
            "to_seq": end.seq,
        },
    )
