"""Reading messages: one statement gives a page as JSON text, which goes to the client as it is."""

from typing import LiteralString
from uuid import UUID

from crewhall.kernel.db import Tx

BEFORE: LiteralString = """
select coalesce(json_agg(message_wire(m) order by m.seq), '[]')::text, min(m.seq), max(m.seq), count(*)
from (select * from messages where conversation_id = %(id)s and seq < %(before)s order by seq desc limit %(limit)s) m
"""
AFTER: LiteralString = """
select coalesce(json_agg(message_wire(m) order by m.seq), '[]')::text, min(m.seq), max(m.seq), count(*)
from (select * from messages where conversation_id = %(id)s and seq > %(after)s order by seq limit %(limit)s) m
"""
THREAD: LiteralString = """
select coalesce(json_agg(message_wire(m) order by m.seq), '[]')::text, min(m.seq), max(m.seq), count(*)
from (select * from messages where parent_id = %(parent)s and conversation_id = %(id)s and seq > %(after)s
      order by seq limit %(limit)s) m
"""
LAST = 2**62


async def messages_json(
    tx: Tx,
    conversation_id: UUID,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
    parent: UUID | None = None,
) -> bytes:
    """Return `{"items": […], "next": …}`, items in order of seq.

    With `after` the page goes forward and `next` is the seq to continue after; otherwise it is the newest page before
    `before` and `next` is the seq to continue before. `parent` reads a thread, forward. The caller has checked access.
    """
    values = {"id": conversation_id, "limit": limit, "after": after or 0, "before": before or LAST, "parent": parent}
    forward = after is not None or parent is not None
    sql = THREAD if parent else AFTER if forward else BEFORE
    row = await (await tx.connection.execute(sql, values)).fetchone()
    if row is None:
        raise LookupError("an aggregate gives a row")
    items, first, last, count = row
    more = count == limit and (forward or first > 1)
    following = (last if forward else first) if more else None
    return b'{"items":%b,"next":%b}' % (items.encode(), b"null" if following is None else b'"%d"' % following)
