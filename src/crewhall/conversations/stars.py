"""Conversations that a person keeps at the top of the sidebar."""

from uuid import UUID

from crewhall.conversations.access import Verb, access_conversation
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import FORBIDDEN


async def star_conversation(tx: Tx, actor: Actor, conversation_id: UUID) -> None:
    """Star a conversation that the actor may read; a second time changes nothing."""
    await _check(tx, actor, conversation_id)
    await tx.run(
        """
        insert into stars (org_id, user_id, conversation_id) values (%(org)s, %(actor)s, %(id)s) on conflict do nothing
        """,
        {"org": actor.org, "actor": actor.id, "id": conversation_id},
    )


async def unstar_conversation(tx: Tx, actor: Actor, conversation_id: UUID) -> None:
    """Take the star off; without one nothing changes."""
    await _check(tx, actor, conversation_id)
    await tx.run(
        "delete from stars where user_id = %(actor)s and conversation_id = %(id)s",
        {"actor": actor.id, "id": conversation_id},
    )


async def _check(tx: Tx, actor: Actor, conversation_id: UUID) -> None:
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    if actor.type is not ActorType.USER:
        raise FORBIDDEN("Stars are for people: they stand at the top of a person's sidebar.")
