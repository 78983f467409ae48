"""Messages that a person keeps to find again, with a note, until they are done with them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations.messages import get_message
from crewhall.conversations.schemas_reading import SavedMessage, SaveMessage
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import FORBIDDEN
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

# What somebody may no longer read is not listed; it comes back with the right to read it.
_SAVED: LiteralString = """
select message_wire(m) as message, s.note, s.created_at as saved_at, s.done_at,
       json_build_object('id', c.id, 'kind', c.kind, 'name', c.name, 'title', c.title) as conversation
from saved_messages s
join conversations c on c.id = s.conversation_id and c.org_id = s.org_id and c.deleted_at is null
join messages m on m.id = s.message_id and m.conversation_id = s.conversation_id
where s.org_id = any (current_orgs()) and s.user_id = %(actor)s
  and ((c.type = 'public' and %(reads_public)s) or (c.type = 'system' and %(sees_system)s) or exists (
      select from conversation_members k
      where k.conversation_id = c.id and k.member_type = 'user' and k.member_id = %(actor)s))
"""
_OPEN: LiteralString = (
    _SAVED
    + """
  and s.done_at is null and (%(conversation)s::uuid is null or s.conversation_id = %(conversation)s)
  and (%(at)s::timestamptz is null or (s.created_at, s.message_id) < (%(at)s, %(message)s))
order by s.created_at desc, s.message_id desc limit %(limit)s
"""
)
_DONE: LiteralString = (
    _SAVED
    + """
  and s.done_at is not null and (%(conversation)s::uuid is null or s.conversation_id = %(conversation)s)
  and (%(at)s::timestamptz is null or (s.done_at, s.message_id) < (%(at)s, %(message)s))
order by s.done_at desc, s.message_id desc limit %(limit)s
"""
)
_ONE: LiteralString = _SAVED + " and s.message_id = %(message)s"


class SavedStatus(StrEnum):
    """Whether a person is done with what they saved."""

    OPEN = "open"
    DONE = "done"


class _Row(msgspec.Struct):
    message: dict[str, Any]
    conversation: dict[str, Any]
    note: str
    saved_at: datetime
    done_at: datetime | None


async def save_message(
    tx: Tx, actor: Actor, conversation_id: UUID, message_id: UUID, data: SaveMessage
) -> SavedMessage:
    """Save a message that the actor may read, or change its note and whether they are done with it."""
    _check_person(actor)
    await get_message(tx, actor, conversation_id, message_id)
    note = None if data.note is msgspec.UNSET else data.note
    done = None if data.done is msgspec.UNSET else data.done
    await tx.run(
        """
        insert into saved_messages (org_id, user_id, conversation_id, message_id, note, done_at)
        values (%(org)s, %(actor)s, %(conversation)s, %(message)s, coalesce(%(note)s::text, ''),
                case when %(done)s::boolean then now() end)
        on conflict (user_id, message_id) do update
        set note = coalesce(%(note)s::text, saved_messages.note),
            done_at = case when %(done)s::boolean is null then saved_messages.done_at
                           when %(done)s::boolean then coalesce(saved_messages.done_at, now()) end
        """,
        {**_viewer(actor), "conversation": conversation_id, "message": message_id, "note": note, "done": done},
    )
    return _saved(await tx.one(_Row, _ONE, {**_viewer(actor), "message": message_id}))


async def unsave_message(tx: Tx, actor: Actor, conversation_id: UUID, message_id: UUID) -> None:
    """Forget a saved message; one that is not saved stays so. One may forget what one can no longer read."""
    _check_person(actor)
    forgotten = await tx.run(
        """
        delete from saved_messages
        where user_id = %(actor)s and message_id = %(message)s and conversation_id = %(conversation)s
        """,
        {"actor": actor.id, "message": message_id, "conversation": conversation_id},
    )
    if not forgotten:
        await get_message(tx, actor, conversation_id, message_id)


async def list_saved(
    tx: Tx,
    actor: Actor,
    *,
    status: SavedStatus = SavedStatus.OPEN,
    conversation_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[SavedMessage]:
    """List what the actor saved and may still read: the last saved first, or the last done first."""
    _check_person(actor)
    size = check_limit(limit)
    key = decode_cursor(after, datetime, UUID)
    rows = await tx.all(
        _Row,
        _DONE if status is SavedStatus.DONE else _OPEN,
        {
            **_viewer(actor),
            "conversation": conversation_id,
            "at": key[0] if key else None,
            "message": key[1] if key else None,
            "limit": size + 1,
        },
    )
    shown = [_saved(row) for row in rows]
    return page_of(shown, size, lambda saved: (saved.done_at or saved.saved_at, saved.message.id))


def _saved(row: _Row) -> SavedMessage:
    return msgspec.convert(msgspec.structs.asdict(row), SavedMessage, strict=False)


def _viewer(actor: Actor) -> dict[str, Any]:
    return {
        "org": actor.org,
        "actor": actor.id,
        "reads_public": is_allowed(actor, Permission.ORGANIZATION_READ),
        "sees_system": is_allowed(actor, Permission.CHANNELS_SYSTEM),
    }


def _check_person(actor: Actor) -> None:
    if actor.type is not ActorType.USER:
        raise FORBIDDEN("People save messages for themselves. An agent keeps what it should remember as its state.")
