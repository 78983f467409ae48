"""The read state: one, all, or all about a conversation. What reads a conversation reads what it told."""

from uuid import UUID

from crewhall.conversations import ConversationRead, Verb, access_conversation
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.notifications.queries import get_notification
from crewhall.notifications.schemas import Marked, Notification
from crewhall.notifications.telling import ring


async def mark_one(tx: Tx, actor: Actor, notification_id: UUID, *, is_read: bool) -> Notification:
    """Mark one as read, or as unread again. Raises NOT_FOUND."""
    found = await get_notification(tx, notification_id)
    if found.is_read != is_read:
        await tx.run(
            """
            update notifications set read_at = case when %(read)s then now() end,
                   seq = case when %(read)s then seq else null end
            where id = %(id)s and recipient_id = %(actor)s
            """,
            {"id": notification_id, "actor": actor.id, "read": is_read},
        )
        await ring(tx, actor.org, [actor.id])
        found.is_read = is_read
    return found


async def mark_all(tx: Tx, actor: Actor, conversation_id: UUID | None = None) -> Marked:
    """Mark everything as read, or what is about one conversation; gives how many were not. Raises NOT_FOUND."""
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    marked = await tx.run(
        """
        update notifications set read_at = now()
        where recipient_id = %(actor)s and org_id = any (current_orgs()) and read_at is null
          and (%(conversation)s::uuid is null or conversation_id = %(conversation)s)
        """,
        {"actor": actor.id, "conversation": conversation_id},
    )
    if marked:
        await ring(tx, actor.org, [actor.id])
    return Marked(marked)


async def on_read(tx: Tx, actor: Actor, event: ConversationRead) -> None:
    """Take what stands before the actor's read mark as read, and that it was invited."""
    marked = await tx.run(
        """
        update notifications set read_at = now()
        where recipient_id = %(actor)s and org_id = any (current_orgs()) and conversation_id = %(id)s
          and read_at is null and (seq <= %(seq)s or kind = 'invitation')
        """,
        {"actor": actor.id, "id": event.conversation_id, "seq": event.seq},
    )
    if marked:
        await ring(tx, actor.org, [actor.id])
