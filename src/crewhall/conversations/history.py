"""Reading messages: one statement gives a page as JSON text, which goes to the client as it is."""

from typing import LiteralString
from uuid import UUID

from crewhall.kernel.db import Database

READ: LiteralString = "select items, first, last, length from read_messages(%s, %s, %s, %s, %s, %s)"
LAST = 2**62


async def messages_json(
    db: Database,
    org_id: UUID,
    conversation_id: UUID,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
    parent: UUID | None = None,
) -> bytes:
    """Return `{"items": […], "next": …}`, items in order of seq.

    With `after` (or `parent`, which reads a thread) the page goes forward and `next` is the seq to continue after;
    otherwise it is the newest page before `before` and `next` is the seq to continue before.
    The caller has checked access.
    """
    forward = after is not None or parent is not None
    bound = (after or 0) if forward else (before if before is not None else LAST)
    async with db.connection() as connection:
        cursor = await connection.execute(READ, ([org_id], conversation_id, forward, bound, parent, limit))
        row = await cursor.fetchone()
    if row is None:
        raise LookupError("an aggregate gives a row")
    items, first, last, length = row
    more = length == limit and (forward or first > 1)
    following = (last if forward else first) if more else None
    return b'{"items":%b,"next":%b}' % ((items or "[]").encode(), b"null" if following is None else b'"%d"' % following)
