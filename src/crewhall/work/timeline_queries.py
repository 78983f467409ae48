"""The timeline read: pages of events both ways, one event, the events around it."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND
from crewhall.kernel.paging import check_limit, decode_cursor, encode_cursor
from crewhall.work.timeline_schemas import MAX_LABELS, MAX_WORDS, Event, EventPage, Looked
from crewhall.work.timeline_shown import EventRow, names_shown, show_events

Place = tuple[datetime, UUID]
MAX_FILTER_LENGTH = 500
_PAGE: LiteralString = """
select e.id, e.type, e.author_type, e.author_id, e.author_name, e.agent_id, e.session_id, e.project_id,
       e.conversation_id, e.message_id, e.entry_id, e.content, e.mentions, e.metadata, e.signature, e.timestamp
from timeline_events(%(types)s, %(author)s, %(agent)s, %(session)s, %(project)s, %(conversation)s, %(mention)s,
                     %(labels)s, %(since)s, %(until)s, %(at)s, %(at_id)s, %(forwards)s, %(size)s, %(words)s) e
"""


async def list_events(
    tx: Tx,
    actor: Actor,
    looked: Looked | None = None,
    *,
    after: str | None = None,
    before: str | None = None,
    around: UUID | None = None,
    limit: int | None = None,
    most: int | None = None,
) -> EventPage:
    """List events, newest first: older than `after`, newer than `before`, or those around one.

    Raises FORBIDDEN, INVALID, NOT_FOUND (there is no such event to be around). `most`: the largest page.
    """
    check_permission(actor, Permission.ORGANIZATION_READ)
    looked = looked or Looked()
    check_looked(looked)
    if sum(given is not None for given in (after, before, around)) > 1:
        raise INVALID("Give one of `after`, `before` and `around`.", field="after")
    size = check_limit(limit, maximum=most) if most else check_limit(limit)
    if around is not None:
        return await _around(tx, looked, around, size)
    if before is not None:
        return await _newer(tx, looked, before, size)
    rows = await _rows(tx, looked, decode_cursor(after, datetime, UUID), size + 1)
    return await _page(tx, rows[:size], has_older=len(rows) > size, given=after)


async def get_event(tx: Tx, actor: Actor, event_id: UUID) -> Event:
    """Return an event that the actor may see, or raise NOT_FOUND."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    row = await _row(tx, event_id)
    (shown,) = await show_events(tx, [row])
    return shown


def check_looked(looked: Looked) -> None:
    """Refuse what cannot be looked for. Raises INVALID."""
    if len(looked.labels) > MAX_LABELS:
        raise INVALID(f"At most {MAX_LABELS} labels at once.", field="metadata")
    for key, value in looked.labels:
        if "\0" in key + value or not key or len(key) + len(value) > MAX_FILTER_LENGTH:
            raise INVALID("A label is looked for as key=value.", field="metadata")
    if looked.words is not None and (len(looked.words) > MAX_WORDS or "\0" in looked.words):
        raise INVALID(f"Words are at most {MAX_WORDS} characters without NUL.", field="q")
    for name, moment in (("since", looked.since), ("until", looked.until)):
        if moment is not None and moment.tzinfo is None:
            raise INVALID("Say at which offset from UTC: 2026-11-22T09:00:00Z.", field=name)


async def names_of(tx: Tx, ids: list[UUID]) -> dict[UUID | None, str]:
    """The names of people and agents that the actor may see."""
    return {one.id: one.name for one in (await names_shown(tx, set(ids))).values()}


async def _newer(tx: Tx, looked: Looked, before: str, size: int) -> EventPage:
    rows = await _rows(tx, looked, decode_cursor(before, datetime, UUID), size, forwards=True)
    page = await _page(tx, rows[::-1], has_older=True, given=before)
    return page if rows else msgspec.structs.replace(page, next=before)


async def _around(tx: Tx, looked: Looked, event_id: UUID, size: int) -> EventPage:
    """As many older ones as newer ones; the event itself whatever else is looked for."""
    row = await _row(tx, event_id)
    place, half = (row.timestamp, row.id), max(1, size // 2)
    newer = await _rows(tx, looked, place, half, forwards=True)
    older = await _rows(tx, looked, place, half + 1)
    return await _page(tx, [*newer[::-1], row, *older[:half]], has_older=len(older) > half)


async def _row(tx: Tx, event_id: UUID) -> EventRow:
    moment = await tx.value("select event_moment(%(id)s)", {"id": event_id})
    if moment is not None and event_id.int > 0:
        just_before = (moment, UUID(int=event_id.int - 1))
        rows = await _rows(tx, Looked(since=moment), just_before, 1, forwards=True)
        if rows and rows[0].id == event_id:
            return rows[0]
    raise NOT_FOUND("There is no such event.")


async def _rows(
    tx: Tx, looked: Looked, place: "Place | tuple[object, ...] | None", size: int, *, forwards: bool = False
) -> list[EventRow]:
    at, at_id = place or (None, None)
    return await tx.all(
        EventRow,
        _PAGE,
        {
            "types": list(looked.types) or None,
            "author": looked.author_id,
            "agent": looked.agent_id,
            "session": looked.session_id,
            "project": looked.project_id,
            "conversation": looked.conversation_id,
            "mention": looked.mention,
            "labels": Jsonb([list(label) for label in looked.labels]),
            "since": looked.since,
            "until": looked.until,
            "at": at,
            "at_id": at_id,
            "forwards": forwards,
            "size": size,
            "words": looked.words,
        },
    )


async def _page(tx: Tx, rows: list[EventRow], *, has_older: bool, given: str | None = None) -> EventPage:
    """The page of these rows, newest first; where there are none the place that was asked for stays."""
    items = await show_events(tx, rows)
    return EventPage(
        items=items,
        next=encode_cursor(rows[-1].timestamp, rows[-1].id) if rows and has_older else None,
        previous=encode_cursor(rows[0].timestamp, rows[0].id) if rows else given,
    )
