"""The first message of a thread: what a reply may hang on."""

from uuid import UUID

import msgspec

from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID


class _Parent(msgspec.Struct):
    parent_id: UUID | None
    is_deleted: bool


async def check_parent(tx: Tx, conversation_id: UUID, parent_id: UUID) -> None:
    """Refuse with INVALID what takes no replies: another conversation's message, a deleted one, a reply."""
    found = await tx.find(
        _Parent,
        """
        select parent_id, deleted_at is not null as is_deleted from messages
        where id = %(id)s and conversation_id = %(conversation)s
        """,
        {"id": parent_id, "conversation": conversation_id},
    )
    if found is None:
        raise INVALID("parent_id names no message of this conversation.", field="parent_id")
    if found.is_deleted:
        raise INVALID("The message that parent_id names was deleted: it takes no replies.", field="parent_id")
    if found.parent_id is not None:
        raise INVALID("parent_id names a reply: reply to the first message of its thread.", field="parent_id")
