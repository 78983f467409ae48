"""Events as they are shown: names, a line that says what happened, the words of messages as they read now."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from crewhall.kernel.db import Tx
from crewhall.work.timeline_kinds import EventKind, find_event_kind
from crewhall.work.timeline_schemas import Event, Somebody

EXCERPT = 1000
SYSTEM = "Crewhall"


class EventRow(msgspec.Struct):
    """An event as it is stored."""

    id: UUID
    type: str
    author_type: str | None
    author_id: UUID | None
    author_name: str | None
    agent_id: UUID | None
    session_id: UUID | None
    project_id: UUID | None
    conversation_id: UUID | None
    message_id: UUID | None
    entry_id: UUID | None
    content: dict[str, Any]
    mentions: list[UUID]
    metadata: dict[str, Any]
    signature: str | None
    timestamp: datetime


class _Words(msgspec.Struct):
    id: UUID
    seq: int
    content: str


async def show_events(tx: Tx, rows: list[EventRow]) -> list[Event]:
    """Show rows that the actor may see. Whom it may not see is not named among the mentions."""
    names = await names_shown(tx, {one for row in rows for one in (*row.mentions, row.agent_id) if one is not None})
    words = await _words(tx, [row.message_id for row in rows if row.message_id is not None])
    return [_shown(row, names, words.get(row.message_id) if row.message_id else None) for row in rows]


def _shown(row: EventRow, names: dict[UUID, Somebody], words: _Words | None) -> Event:
    kind = find_event_kind(row.type)
    author = (
        Somebody(row.author_type, row.author_id, row.author_name or "")
        if row.author_type is not None and row.author_id is not None
        else None
    )
    agent = names.get(row.agent_id) if row.agent_id else None
    title = row.content.get(kind.title) if kind and kind.title else None
    return Event(
        id=row.id,
        type=row.type,
        timestamp=row.timestamp,
        author=author,
        agent=agent,
        session_id=row.session_id,
        project_id=row.project_id,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        entry_id=row.entry_id,
        content=row.content,
        mentions=[names[one] for one in row.mentions if one in names],
        metadata=row.metadata,
        signature=row.signature,
        summary=summary_of(kind, row, author, agent, title),
        title=title,
        text=(words.content if words else "") if row.message_id else _text_of(kind, row.content),
        link=_link_of(row, words),
    )


def summary_of(
    kind: EventKind | None, row: EventRow, author: Somebody | None, agent: Somebody | None, title: str | None
) -> str:
    """What happened, in a line: who did what."""
    did = did_of(kind, row)
    who = (
        f"{agent.name}’s"
        if kind and kind.is_system and agent
        else author.name
        if author
        else row.content.get("login") or SYSTEM
    )
    said = f"{who} {did}"
    return f"{said}: {title}" if title else said


def did_of(kind: EventKind | None, row: EventRow) -> str:
    """What follows the name. Of an extension that is not there any more nobody knows the words."""
    if kind is None:
        return "did something that is not known here any more"
    if kind.did_alone and row.author_id is not None and not row.mentions:
        return kind.did_alone
    return kind.says(row.content) if kind.says else kind.did


def _text_of(kind: EventKind | None, content: dict[str, Any]) -> str:
    return str(content.get(kind.text) or "") if kind and kind.text else ""


def _link_of(row: EventRow, words: _Words | None) -> str:
    """Where on this hall the event leads: to its message, or to itself on the timeline."""
    if row.conversation_id is not None and words is not None:
        return f"/c/{row.conversation_id}?at={words.seq}"
    return f"/timeline/{row.id}"


async def names_shown(tx: Tx, ids: set[UUID]) -> dict[UUID, Somebody]:
    """The people and agents of these ids whom the actor may see."""
    if not ids:
        return {}
    found = await tx.all(
        Somebody,
        """
        select 'user' as type, u.id, u.name from memberships m join users u on u.id = m.user_id
        where m.org_id = any (current_orgs()) and m.user_id = any (%(ids)s)
        union all
        select 'agent', a.id, a.name from agents a
        where a.org_id = any (current_orgs()) and a.id = any (%(ids)s) and may_see_agent(a)
        """,
        {"ids": list(ids)},
    )
    return {one.id: one for one in found}


async def _words(tx: Tx, ids: list[UUID]) -> dict[UUID, _Words]:
    """The messages of events that the actor may see, as they read now."""
    if not ids:
        return {}
    found = await tx.all(
        _Words,
        """
        select m.id, m.seq, left(m.content, %(most)s) as content from messages m
        where m.org_id = any (current_orgs()) and m.id = any (%(ids)s)
        """,
        {"ids": ids, "most": EXCERPT},
    )
    return {one.id: one for one in found}
