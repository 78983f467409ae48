"""How far members have read."""

from uuid import UUID

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.events import ConversationRead
from crewhall.conversations.schemas import ReadState
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.events import publish


async def mark_read(tx: Tx, actor: Actor, conversation_id: UUID, seq: int) -> ReadState:
    """Move the actor's read mark forward to `seq`: never back, never past the last record.

    Who has not joined keeps no mark: the answer is 0.
    """
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    moved = await tx.value(
        """
        update conversation_members k set last_read_seq = greatest(k.last_read_seq, least(%(seq)s, h.last_seq))
        from conversation_heads h
        where h.conversation_id = k.conversation_id and k.conversation_id = %(id)s
          and k.member_type = %(actor_type)s and k.member_id = %(actor)s
        returning k.last_read_seq
        """,
        {"id": conversation_id, "seq": seq, "actor": actor.id, "actor_type": str(actor.type)},
    )
    if moved:
        await publish(tx, actor, ConversationRead(conversation_id, moved))
    return ReadState(moved or 0)
