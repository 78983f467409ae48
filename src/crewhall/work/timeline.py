"""The timeline written: what happened is recorded, once and for good."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.identity import Permission, check_permission, find_people
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import FORBIDDEN, INVALID
from crewhall.kernel.events import publish
from crewhall.kernel.ids import new_id
from crewhall.kernel.limits import RateLimit, RateLimiter
from crewhall.notifications import NotificationKind, tell
from crewhall.work.timeline_content import Content, ReviewResponded, Said
from crewhall.work.timeline_kinds import EventKind, find_event_kind, kind_holding, read_content
from crewhall.work.timeline_queries import get_event
from crewhall.work.timeline_schemas import Event, NewEvent
from crewhall.work.timeline_signing import check_signature
from crewhall.work.timeline_vocabulary import EventAudience, Verdict

CHANNEL = "crewhall_events"
"""Notices that an organization's timeline grew: its id, and nothing of what happened."""
MAX_METADATA_BYTES, MAX_METADATA_KEYS, MAX_KEY_LENGTH = 8 * 1024, 32, 64
MAX_LEVELS = 8
LIMIT = RateLimit("events", burst=30, per_second=5)


class ReviewPosted(msgspec.Struct, frozen=True):
    """Somebody said on the timeline what a review came to, of whose work: subscribers act in its transaction."""

    event_id: UUID
    title: str
    verdict: Verdict
    mentions: tuple[UUID, ...]


async def record_event(
    tx: Tx,
    org_id: UUID,
    content: Content,
    *,
    author: Actor | None = None,
    agent_id: UUID | None = None,
    session_id: UUID | None = None,
    project_id: UUID | None = None,
    entry_id: UUID | None = None,
    mentions: list[UUID] | None = None,
    metadata: dict[str, Any] | None = None,
    audience: EventAudience = EventAudience.ORGANIZATION,
    at: datetime | None = None,
    event_id: UUID | None = None,
) -> UUID:
    """Record what happened, in the transaction in which it did; the content's struct says of which type it is.

    Whose: `author`; None, and the system, is the system. `agent_id`: whom it tells of; who may not see that agent does
    not see the event. `at`: when, if not now, at most ten years ago. `event_id`, with `at`: what is told again
    under it is told once. For what people and agents say by themselves there
    is `Timeline.post`.
    """
    kind = kind_holding(content)
    return await _insert(
        tx, org_id, kind, msgspec.to_builtins(content), author=None if kind.is_system else author, agent_id=agent_id,
        session_id=session_id, project_id=project_id, entry_id=entry_id, mentions=mentions, metadata=metadata,
        audience=audience, at=at, event_id=event_id,
    )  # fmt: skip


class Timeline:
    """Posting to the timeline, as people and agents do by themselves."""

    def __init__(self, db: Database, limiter: RateLimiter) -> None:
        self._db = db
        self._limiter = limiter

    async def post(self, actor: Actor, data: NewEvent) -> Event:
        """Post an event. Raises FORBIDDEN, INVALID, SIGNATURE_REQUIRED, SIGNATURE_WRONG, TOO_MANY_REQUESTS."""
        check_permission(actor, Permission.MESSAGES_POST)
        self._limiter.check(LIMIT, actor.id)
        kind = _posted_kind(data.type)
        content = read_content(kind, data.content)
        if isinstance(content, Said) and not (content.text or "").strip():
            raise INVALID("Say what it is about.", field="content.text")
        check_metadata(data.metadata)
        check_storable(data.content, "content")
        async with self._db.transaction(actor) as tx:
            signature = await check_signature(tx, actor, data)
            await _check_mentions(tx, data.mentions)
            event_id = await _insert(
                tx, actor.org, kind, data.content, author=actor, project_id=await _own_project(tx, actor),
                mentions=data.mentions, metadata=data.metadata, signature=signature,
            )  # fmt: skip
            await _tell_mentioned(tx, actor, event_id, data.mentions)
            if isinstance(content, ReviewResponded):
                reviewed = ReviewPosted(event_id, content.title, content.verdict, tuple(data.mentions))
                await publish(tx, actor, reviewed)
            return await get_event(tx, actor, event_id)


def check_metadata(metadata: dict[str, Any]) -> None:
    """Refuse metadata that is too much or cannot be stored. Raises INVALID."""
    if len(metadata) > MAX_METADATA_KEYS or any(not 0 < len(key) <= MAX_KEY_LENGTH for key in metadata):
        raise INVALID(
            f"metadata has at most {MAX_METADATA_KEYS} keys of 1 to {MAX_KEY_LENGTH} characters.", field="metadata"
        )
    check_storable(metadata, "metadata")
    if len(msgspec.json.encode(metadata)) > MAX_METADATA_BYTES:
        raise INVALID(f"metadata has at most {MAX_METADATA_BYTES // 1024} KiB of JSON.", field="metadata")


def check_storable(value: Any, field: str) -> None:
    """Refuse what the database's JSON does not take, or some reader might not; it stands for ever. Raises INVALID."""
    if _levels(value) > MAX_LEVELS:
        raise INVALID(f"{field} is at most {MAX_LEVELS} levels deep.", field=field)
    if b"\\u0000" in msgspec.json.encode(value):
        raise INVALID(f"{field} must not hold NUL characters.", field=field)


def _levels(value: Any) -> int:
    """How deep lists and objects stand in each other: at most one more than may be."""
    levels, level = 0, [value]
    while levels <= MAX_LEVELS:
        level = [one for one in level if isinstance(one, dict | list)]
        if not level:
            break
        levels += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return levels


def _posted_kind(name: str) -> EventKind:
    kind = find_event_kind(name)
    if kind is None:
        raise INVALID(f"There are no events of type {name}. See GET /timeline/types.", field="type")
    if not kind.is_posted:
        raise FORBIDDEN(f"Nobody posts {kind.name}: it comes of what happens.", field="type")
    return kind


async def _check_mentions(tx: Tx, mentions: list[UUID]) -> None:
    if not mentions:
        return
    known = await tx.values(
        """
        select m.user_id from memberships m where m.org_id = any (current_orgs()) and m.user_id = any (%(ids)s)
        union all
        select a.id from agents a where a.org_id = any (current_orgs()) and a.id = any (%(ids)s) and may_see_agent(a)
        """,
        {"ids": mentions},
    )
    strange = set(mentions) - set(known)
    if strange:
        raise INVALID(f"There is nobody with the id {min(strange)} here.", field="mentions")


async def _tell_mentioned(tx: Tx, actor: Actor, event_id: UUID, mentions: list[UUID]) -> None:
    """Tell everybody who is mentioned, once; who may not see the event is shown nothing (`shows_notification`)."""
    others = list(dict.fromkeys(one for one in mentions if one != actor.id))
    people = set((await find_people(tx, others)).keys()) if others else set[UUID]()
    for kind in (ActorType.USER, ActorType.AGENT):
        await tell(
            tx,
            [one for one in others if (one in people) == (kind is ActorType.USER)],
            NotificationKind.TIMELINE_MENTION,
            org_id=actor.org,
            actor_type=actor.type,
            actor_id=actor.id,
            actor_name=actor.name,
            recipient_type=kind,
            subject_id=event_id,
        )


async def _own_project(tx: Tx, actor: Actor) -> UUID | None:
    """The project that an agent is of."""
    if actor.type is not ActorType.AGENT:
        return None
    found: UUID | None = await tx.value(
        "select project_id from agents where org_id = any (current_orgs()) and id = %(id)s", {"id": actor.id}
    )
    return found


async def _insert(
    tx: Tx,
    org_id: UUID,
    kind: EventKind,
    content: dict[str, Any],
    *,
    author: Actor | None,
    agent_id: UUID | None = None,
    session_id: UUID | None = None,
    project_id: UUID | None = None,
    entry_id: UUID | None = None,
    mentions: list[UUID] | None = None,
    metadata: dict[str, Any] | None = None,
    audience: EventAudience = EventAudience.ORGANIZATION,
    signature: str | None = None,
    at: datetime | None = None,
    event_id: UUID | None = None,
) -> UUID:
    whose = None if author is None or author.type is ActorType.SYSTEM else author
    event_id = event_id or new_id()
    if at is not None:
        await tx.run("select ensure_event_month(%(at)s)", {"at": at})
    await tx.run(
        """
        insert into events (id, org_id, type, author_type, author_id, author_name, agent_id, session_id, project_id,
                            entry_id, audience, content, mentions, metadata, signature, "timestamp")
        values (%(id)s, %(org)s, %(type)s, %(author_type)s, %(author)s, %(author_name)s, %(agent)s, %(session)s,
                %(project)s, %(entry)s, %(audience)s, %(content)s, %(mentions)s, %(metadata)s, %(signature)s,
                coalesce(%(at)s, clock_timestamp()))
        on conflict (id, "timestamp") do nothing
        """,
        {
            "id": event_id,
            "org": org_id,
            "type": kind.name,
            "author_type": str(whose.type) if whose else None,
            "author": whose.id if whose else None,
            "author_name": whose.name if whose else None,
            "agent": agent_id,
            "session": session_id,
            "project": project_id,
            "entry": entry_id,
            "audience": str(audience),
            "content": Jsonb(content),
            "mentions": mentions or [],
            "metadata": Jsonb(metadata or {}),
            "signature": signature,
            "at": at,
        },
    )
    await tx.notify(CHANNEL, str(org_id))
    return event_id
