"""Reads of notifications: each is shown while its recipient may still read what it is about."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations import ConversationRef, Verb, access_conversation
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.notifications.schemas import Notification, NotificationActor, NotificationMessage, UnreadCount
from crewhall.notifications.vocabulary import NotificationKind
from crewhall.notifications.words import excerpt_of, path_of, summary_of

# What one left, was removed from, or what was deleted is not shown (`shows_notification`): asked when it is read.
SHOWN: LiteralString = """
with shown as (
    select n.*, n.read_at is not null or is_passed(n) as is_read from notifications n
    where n.recipient_id = current_actor() and n.org_id = any (current_orgs())
"""
COLUMNS: LiteralString = """
)
select s.id, s.kind, json_build_object('type', s.actor_type, 'id', s.actor_id, 'name', s.actor_name) as actor,
       case when c.id is not null
            then json_build_object('id', c.id, 'kind', c.kind, 'name', c.name, 'title', c.title) end as conversation,
       m.id as message_id, m.seq as message_seq, m.parent_id, left(m.content, 1000) as content,
       s.subject_id, s.detail, s.messages, s.is_read, s.happened_at
from shown s
left join conversations c on c.id = s.conversation_id
left join messages m on m.id = s.message_id
order by s.happened_at desc, s.id desc
"""
_LIST: LiteralString = (
    SHOWN
    + """
      and (%(kind)s::text is null or n.kind = %(kind)s)
      and (%(conversation)s::uuid is null or n.conversation_id = %(conversation)s)
      and (not %(unread)s or (n.read_at is null and not is_passed(n)))
      and (%(before)s::timestamptz is null or (n.happened_at, n.id) < (%(before)s, %(before_id)s))
      and shows_notification(n)
    order by n.happened_at desc, n.id desc limit %(limit)s
"""
    + COLUMNS
)
_ONE: LiteralString = SHOWN + " and n.id = %(id)s and shows_notification(n)" + COLUMNS


class Row(msgspec.Struct, kw_only=True):
    """A notification as the database has it."""

    id: UUID
    kind: NotificationKind
    actor: NotificationActor
    conversation: ConversationRef | None
    message_id: UUID | None
    message_seq: int | None
    parent_id: UUID | None
    content: str | None
    subject_id: UUID | None
    detail: str | None
    messages: int
    is_read: bool
    happened_at: datetime


async def list_notifications(
    tx: Tx,
    actor: Actor,
    *,
    kind: NotificationKind | None = None,
    unread: bool = False,
    conversation_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Notification]:
    """List what concerns the actor, newest first. Raises NOT_FOUND (conversation)."""
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    size, key = check_limit(limit), decode_cursor(after, datetime, UUID)
    values: Params = {
        "kind": str(kind) if kind else None,
        "conversation": conversation_id,
        "unread": unread,
        "before": key[0] if key else None,
        "before_id": key[1] if key else None,
        "limit": size + 1,
    }
    page = page_of(await tx.all(Row, _LIST, values), size, lambda row: (row.happened_at, row.id))
    return Page([shown_of(row) for row in page.items], page.next)


async def get_notification(tx: Tx, notification_id: UUID) -> Notification:
    """Return one that is the transaction's actor's and still to be seen, or raise NOT_FOUND."""
    row = await tx.find(Row, _ONE, {"id": notification_id})
    if row is None:
        raise NOT_FOUND("There is no such notification, or what it was about is not yours to read any more.")
    return shown_of(row)


_MENTIONS: LiteralString = """
from notifications n
where n.recipient_id = current_actor() and n.org_id = any (current_orgs()) and n.kind = 'mention'
  and n.happened_at > %(since)s and not n.message_id = any (%(without)s) and shows_notification(n)
"""


async def list_mentions(tx: Tx, since: datetime, without: list[UUID], limit: int) -> list[UUID]:
    """The messages that mentioned the transaction's actor since then, but these: the newest first."""
    sql: LiteralString = "select n.message_id" + _MENTIONS + " order by n.happened_at desc, n.id desc limit %(limit)s"
    found: list[UUID] = await tx.values(sql, {"since": since, "without": without, "limit": limit})
    return found


async def count_mentions(tx: Tx, since: datetime, without: list[UUID]) -> int:
    """How many messages mentioned the transaction's actor since then, but these."""
    sql: LiteralString = "select count(*)" + _MENTIONS
    found: int = await tx.value(sql, {"since": since, "without": without})
    return found


async def count_unread(tx: Tx) -> UnreadCount:
    """How many the transaction's actor has not read, at most a hundred."""
    return UnreadCount(await tx.value("select unread_notifications()"))


def shown_of(row: Row) -> Notification:
    """A row as every face shows it."""
    message = None
    if row.message_id is not None and row.message_seq is not None:
        message = NotificationMessage(row.message_id, row.message_seq, row.parent_id, excerpt_of(row.content or ""))
    one = Notification(
        id=row.id,
        kind=row.kind,
        actor=row.actor,
        conversation=row.conversation,
        message=message,
        subject_id=row.subject_id,
        detail=row.detail,
        messages=row.messages,
        is_read=row.is_read,
        happened_at=row.happened_at,
    )
    one.summary, one.path = summary_of(one), path_of(one)
    return one
