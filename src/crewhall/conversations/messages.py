"""One message: as it is now, and how it read before."""

from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.schemas import MessageVersion
from crewhall.conversations.wire import Message
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of


def message_of_json(shown: dict[str, Any]) -> Message:
    """A message from what `message_wire` gave."""
    return msgspec.convert(shown, Message, strict=False)


async def get_message(tx: Tx, actor: Actor, conversation_id: UUID, message_id: UUID, verb: Verb = Verb.READ) -> Message:
    """Return a message of a conversation that the actor may use this way, or raise NOT_FOUND or what access raises."""
    await access_conversation(tx, actor, conversation_id, verb)
    shown = await tx.value(
        "select message_wire(m) from messages m where m.id = %(id)s and m.conversation_id = %(conversation)s",
        {"id": message_id, "conversation": conversation_id},
    )
    if shown is None:
        raise NOT_FOUND("There is no such message in this conversation.")
    return message_of_json(shown)


async def message_history(
    tx: Tx,
    actor: Actor,
    conversation_id: UUID,
    message_id: UUID,
    *,
    after: str | None = None,
    limit: int | None = None,
) -> Page[MessageVersion]:
    """List the versions of a message, oldest first. Of a deleted message only moderators see any."""
    size, key = check_limit(limit), decode_cursor(after, int)
    message = await get_message(tx, actor, conversation_id, message_id)
    if message.deleted_at is not None and not is_allowed(actor, Permission.MESSAGES_MODERATE):
        raise NOT_FOUND("This message was deleted.")
    rows = await tx.all(
        MessageVersion,
        """
        select * from (
            select row_number() over (order by r.seq) as version,
                   json_build_object('type', r.author_type, 'id', r.author_id, 'name', r.author_name) as author,
                   r.title, r.content, r.html, r.created_at
            from message_records r
            where r.conversation_id = %(conversation)s
              and (r.id = %(id)s or (r.target_id = %(id)s and r.type = 'edit'))) v
        where v.version > %(after)s order by v.version limit %(limit)s
        """,
        {"id": message_id, "conversation": conversation_id, "after": key[0] if key else 0, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.version,))
