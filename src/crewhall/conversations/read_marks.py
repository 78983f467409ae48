"""How far members have read, and which conversations people visit."""

from uuid import UUID

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.events import ConversationRead
from crewhall.conversations.schemas import ReadState
from crewhall.kernel.actor import Actor, ActorType
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
    await _note_visit(tx, actor, conversation_id)
    return ReadState(moved or 0)


async def mark_unread(tx: Tx, actor: Actor, conversation_id: UUID, seq: int) -> ReadState:
    """Move the actor's read mark back, so that the message with `seq` is the first unread one; never forward.

    Who has not joined keeps no mark: the answer is 0.
    """
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    moved = await tx.value(
        """
        update conversation_members set last_read_seq = least(last_read_seq, greatest(%(seq)s - 1, 0))
        where conversation_id = %(id)s and member_type = %(actor_type)s and member_id = %(actor)s
        returning last_read_seq
        """,
        {"id": conversation_id, "seq": seq, "actor": actor.id, "actor_type": str(actor.type)},
    )
    return ReadState(moved or 0)


async def visit_conversation(tx: Tx, actor: Actor, conversation_id: UUID) -> None:
    """Note that somebody went to a conversation: the switcher offers first where a person often is."""
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    await _note_visit(tx, actor, conversation_id)


async def _note_visit(tx: Tx, actor: Actor, conversation_id: UUID) -> None:
    """Count a person's visit, at most one in five minutes."""
    if actor.type is not ActorType.USER:
        return
    await tx.run(
        """
        insert into visits (org_id, user_id, conversation_id) values (%(org)s, %(actor)s, %(id)s)
        on conflict (user_id, conversation_id) do update
        set warmth = warmth_now(visits.warmth, visits.visited_at) + 1, visited_at = now()
        where visits.visited_at < now() - interval '5 minutes'
        """,
        {"org": actor.org, "actor": actor.id, "id": conversation_id},
    )
