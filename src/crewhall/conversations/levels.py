"""How much of a conversation a member is told of."""

from uuid import UUID

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.schemas import Level
from crewhall.conversations.vocabulary import NotificationLevel
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT


async def get_level(tx: Tx, actor: Actor, conversation_id: UUID) -> Level:
    """Return how much the actor is told of; raises NOT_FOUND. Who has not joined hears as the kind has it."""
    access = await access_conversation(tx, actor, conversation_id, Verb.READ)
    return await tx.one(
        Level,
        """
        select level_in(%(kind)s, k.notification_level) as level, k.notification_level as chosen
        from (select) as one left join conversation_members k
          on k.conversation_id = %(id)s and k.member_type = %(actor_type)s and k.member_id = %(actor)s
        """,
        {"kind": access.kind, "id": conversation_id, "actor": actor.id, "actor_type": str(actor.type)},
    )


async def set_level(tx: Tx, actor: Actor, conversation_id: UUID, level: NotificationLevel | None) -> Level:
    """Set how much the actor is told of; None: as the kind has it. Raises NOT_FOUND, CONFLICT (not a member)."""
    access = await access_conversation(tx, actor, conversation_id, Verb.READ)
    if not access.is_member:
        raise CONFLICT("Join the conversation first: who has not joined hears of mentions and replies.")
    await tx.run(
        """
        update conversation_members set notification_level = %(level)s
        where conversation_id = %(id)s and member_type = %(actor_type)s and member_id = %(actor)s
        """,
        {
            "level": str(level) if level else None,
            "id": conversation_id,
            "actor": actor.id,
            "actor_type": str(actor.type),
        },
    )
    return await get_level(tx, actor, conversation_id)
