"""Reading messages: one statement gives a page as JSON text, which goes to the client as it is."""

from datetime import datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from crewhall.conversations.access import Verb, access_conversation
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx

READ: LiteralString = "select items, first, last, length from read_messages(array[%s]::uuid[], %s, %s, %s, %s, %s)"
READ_THREAD: LiteralString = "select items, first, last, length from read_thread(array[%s]::uuid[], %s, %s, %s, %s, %s)"
LAST = 2**62


class _Part(NamedTuple):
    """Messages as a JSON array, their first and last seq, and how many they are."""

    items: str
    first: int
    last: int
    length: int


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

    With `after` the page goes forward and `next` is the seq to continue after; otherwise it is the newest page before
    `before` and `next` is the seq to continue before. `parent` reads the replies to one message, forward unless
    `before` is given. The caller has checked access.
    """
    forward = after is not None or (parent is not None and before is None)
    bound = (after or 0) if forward else (before if before is not None else LAST)
    part = await _read(db, org_id, conversation_id, parent, forward=forward, bound=bound, limit=limit)
    more = part.length == limit and (forward or part.first > 1)
    return _page(part.items, (part.last if forward else part.first) if more else None)


async def messages_around_json(
    db: Database, org_id: UUID, conversation_id: UUID, seq: int, *, limit: int, parent: UUID | None = None
) -> bytes:
    """Return the page around a place, as messages_json: half of it up to `seq`; `next` is the seq to continue after.

    The caller has checked access.
    """
    before, after = limit - limit // 2, limit // 2
    older = await _read(db, org_id, conversation_id, parent, forward=False, bound=min(seq, LAST - 1) + 1, limit=before)
    newer = await _read(db, org_id, conversation_id, parent, forward=True, bound=seq, limit=after) if after else None
    items = f"[{','.join(part.items[1:-1] for part in (older, newer) if part and part.length)}]"
    if newer is None:
        return _page(items, older.last if older.length else None)
    return _page(items, newer.last if newer.length == after else None)


async def seq_at(tx: Tx, actor: Actor, conversation_id: UUID, moment: datetime) -> int:
    """Return from which seq on a conversation that the actor may read was written at `moment` or later."""
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    values = {"id": conversation_id, "moment": moment}
    return int(await tx.value("select seq_at(%(id)s, %(moment)s)", values))


async def _read(
    db: Database, org_id: UUID, conversation_id: UUID, parent: UUID | None, *, forward: bool, bound: int, limit: int
) -> _Part:
    async with db.connection() as connection:
        if parent is None:
            cursor = await connection.execute(READ, (org_id, conversation_id, forward, bound, None, limit))
        else:
            cursor = await connection.execute(READ_THREAD, (org_id, conversation_id, parent, forward, bound, limit))
        row = await cursor.fetchone()
    if row is None:
        raise LookupError("an aggregate gives a row")
    items, first, last, length = row
    return _Part(items or "[]", first or 0, last or 0, length)


def _page(items: str, following: int | None) -> bytes:
    return b'{"items":%b,"next":%b}' % (items.encode(), b"null" if following is None else b'"%d"' % following)
