"""What is pinned in a conversation."""

from datetime import datetime
from uuid import UUID

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.messages import message_of_json
from crewhall.conversations.wire import Message
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of


async def list_pins(
    tx: Tx, actor: Actor, conversation_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[Message]:
    """List the pinned messages of a conversation that the actor may read, the last pinned first."""
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    size = check_limit(limit)
    key = decode_cursor(after, datetime, UUID)
    rows = await tx.values(
        """
        select message_wire(m)
        from message_overlays o join messages m on m.id = o.message_id and m.conversation_id = o.conversation_id
        where o.conversation_id = %(id)s and o.pinned_at is not null and o.deleted_at is null
          and (%(at)s::timestamptz is null or (o.pinned_at, o.message_id) < (%(at)s, %(message)s))
        order by o.pinned_at desc, o.message_id desc limit %(limit)s
        """,
        {"id": conversation_id, "at": key[0] if key else None, "message": key[1] if key else None, "limit": size + 1},
    )
    return page_of([message_of_json(row) for row in rows], size, lambda message: (message.pinned_at, message.id))
