"""Later messages: written now, posted at their moment with the writer's rights as they are then."""

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

import msgspec
from msgspec import UNSET

from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.drafts import PLACE, check_writer
from crewhall.conversations.parents import check_parent
from crewhall.conversations.schemas_words import LaterInput, LaterMessage, LaterPatch
from crewhall.conversations.vocabulary import LaterStatus
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, INVALID, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.kernel.wallclock import check_timezone

LATER_CHANNEL = "crewhall_later"
"""Says that something may be due earlier than it was; carries nothing."""
MOST = 200
"""Later messages of one person in an organization."""
AHEAD = timedelta(days=366)
PASSED = timedelta(minutes=1)
"""So long ago may a moment be: whoever chose it was still writing."""

_SELECT: LiteralString = (
    """
select d.id, d.conversation_id, place.it as conversation, d.parent_id, d.kind, d.title, d.content, d.due_at,
       d.timezone, d.status, d.refusal, d.created_at, d.updated_at
from later_messages d"""
    + PLACE
    + """
where d.org_id = any (current_orgs()) and d.user_id = %(user)s
"""
)
_PAGE: LiteralString = """
  and (%(conversation)s::uuid is null or d.conversation_id = %(conversation)s)
  and (%(after)s::timestamptz is null or (d.due_at, d.id) > (%(after)s, %(after_id)s))
order by d.due_at, d.id limit %(limit)s
"""
_INSERT: LiteralString = """
insert into later_messages (id, org_id, user_id, conversation_id, parent_id, kind, title, content, due_at, timezone,
                            look_at)
values (%(id)s, %(org)s, %(user)s, %(conversation)s, %(parent)s, %(kind)s, %(title)s, %(content)s, %(due)s,
        %(timezone)s, %(due)s)
"""
_CHANGE: LiteralString = """
update later_messages set kind = %(kind)s, title = %(title)s, content = %(content)s, due_at = %(due)s,
    timezone = %(timezone)s, status = %(status)s, refusal = %(refusal)s, look_at = %(look)s
where id = %(id)s and user_id = %(user)s
"""


async def list_later(
    tx: Tx, actor: Actor, *, conversation_id: UUID | None = None, after: str | None = None, limit: int | None = None
) -> Page[LaterMessage]:
    """List what the actor is to say later, and what was refused, in order of their moments. Raises NOT_FOUND."""
    size, key = check_limit(limit), decode_cursor(after, datetime, UUID)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    rows = await tx.all(
        LaterMessage,
        _SELECT + _PAGE,
        {
            "user": actor.id,
            "conversation": conversation_id,
            "after": key[0] if key else None,
            "after_id": key[1] if key else None,
            "limit": size + 1,
        },
    )
    return page_of(rows, size, lambda one: (one.due_at, one.id))


async def get_later(tx: Tx, actor: Actor, later_id: UUID) -> LaterMessage:
    """Return one of the actor's later messages. Raises NOT_FOUND: it may have been posted."""
    found = await tx.find(LaterMessage, _SELECT + " and d.id = %(id)s", {"user": actor.id, "id": later_id})
    if found is None:
        raise NOT_FOUND("You have no such later message: it was posted or thrown away.")
    return found


async def count_refused(tx: Tx, actor: Actor) -> int:
    """How many of the actor's later messages were refused, and wait for a decision."""
    found = await tx.value(
        """
        select count(*) from later_messages
        where org_id = any (current_orgs()) and user_id = %(user)s and status = 'refused'
        """,
        {"user": actor.id},
    )
    return int(found)


async def make_later(tx: Tx, actor: Actor, data: LaterInput) -> LaterMessage:
    """Keep a message to post later; who may not post it now cannot.

    Raises NOT_FOUND, FORBIDDEN (agents post, and have schedules), CONVERSATION_CLOSED, INVALID (no such thread, moment
    or timezone), CONFLICT (there are too many).
    """
    check_writer(actor, "write for later")
    check_timezone(data.timezone)
    _check_moment(data.due_at)
    await access_conversation(tx, actor, data.conversation_id, Verb.POST)
    if data.parent_id is not None:
        await check_parent(tx, data.conversation_id, data.parent_id)
    there = "select count(*) from later_messages where org_id = any (current_orgs()) and user_id = %(user)s"
    if await tx.value(there, {"user": actor.id}) >= MOST:
        raise CONFLICT(f"You have {MOST} messages to be posted later. Throw some away first.")
    later_id = new_id()
    await tx.run(
        _INSERT,
        {
            "id": later_id,
            "org": actor.org,
            "user": actor.id,
            "conversation": data.conversation_id,
            "parent": data.parent_id,
            "kind": None if data.kind is None else str(data.kind),
            "title": data.title,
            "content": data.content,
            "due": data.due_at,
            "timezone": data.timezone,
        },
    )
    await tx.notify(LATER_CHANNEL, "")
    return await get_later(tx, actor, later_id)


async def change_later(tx: Tx, actor: Actor, later_id: UUID, data: LaterPatch) -> LaterMessage:
    """Change the words or the moment. Raises NOT_FOUND, CONFLICT (it is being posted), INVALID."""
    before = await _access(tx, actor, later_id)
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    values = {name: getattr(before, name) for name in LaterPatch.__struct_fields__} | given
    check_timezone(values["timezone"])
    refused = before.status is LaterStatus.REFUSED and "due_at" not in given
    if "due_at" in given:
        _check_moment(values["due_at"])
    await tx.run(
        _CHANGE,
        {
            "id": later_id,
            "user": actor.id,
            "kind": None if values["kind"] is None else str(values["kind"]),
            "title": values["title"],
            "content": values["content"],
            "due": values["due_at"],
            "timezone": values["timezone"],
            "status": str(before.status if refused else LaterStatus.WAITING),
            "refusal": before.refusal if refused else None,
            "look": None if refused else values["due_at"],
        },
    )
    await tx.notify(LATER_CHANNEL, "")
    return await get_later(tx, actor, later_id)


async def cancel_later(tx: Tx, actor: Actor, later_id: UUID) -> None:
    """Throw a later message away. Raises NOT_FOUND, CONFLICT (it is being posted)."""
    await _access(tx, actor, later_id)
    await tx.run("delete from later_messages where id = %(id)s and user_id = %(user)s",
                 {"id": later_id, "user": actor.id})  # fmt: skip


async def _access(tx: Tx, actor: Actor, later_id: UUID) -> LaterMessage:
    """Return a later message of the actor's that may still be changed, locked."""
    await tx.run(
        "select from later_messages where id = %(id)s and user_id = %(user)s for update",
        {"id": later_id, "user": actor.id},
    )
    found = await get_later(tx, actor, later_id)
    if found.status is LaterStatus.SENDING:
        raise CONFLICT("It is being posted this very moment.")
    return found


def _check_moment(due_at: datetime) -> None:
    now = utc_now()
    if due_at < now - PASSED:
        raise INVALID("due_at: this moment has passed. Choose one to come.", field="due_at")
    if due_at > now + AHEAD:
        raise INVALID("due_at: at most a year ahead.", field="due_at")
