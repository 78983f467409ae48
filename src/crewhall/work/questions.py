"""Questions on the timeline that nobody has answered yet, and answers to one's own."""

from datetime import datetime
from uuid import UUID

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.work.timeline_queries import list_events
from crewhall.work.timeline_schemas import Event, Looked
from crewhall.work.timeline_vocabulary import EventType

MOST = 50
MOST_ADVICE = 200


async def open_questions(tx: Tx, actor: Actor, since: datetime, *, mention: UUID | None = None) -> list[Event]:
    """Questions of others that the actor may see, newest first, without advice about them or a reply to the message."""
    asked = [
        one
        for one in await _listed(tx, actor, EventType.QUESTION_ASKED, Looked(mention=mention, since=since))
        if not _is_by(one, actor)
    ]
    if not asked:
        return []
    about = {one.content.get("about") for one in await _advice(tx, actor, since)}
    messages = [one.message_id for one in asked if one.message_id]
    replied = set(
        await tx.values(
            """
            select m.id from messages m
            where m.org_id = %(org)s and m.id = any (%(ids)s) and (m.reply_count > 0 or m.deleted_at is not null)
            """,
            {"org": actor.org, "ids": messages},
        )
    )
    return [one for one in asked if str(one.id) not in about and one.message_id not in replied]


async def new_answers(tx: Tx, actor: Actor, asked_since: datetime, since: datetime) -> list[Event]:
    """Advice of others about the actor's own questions, newest first."""
    own = await _listed(tx, actor, EventType.QUESTION_ASKED, Looked(author_id=actor.id, since=asked_since))
    mine = {str(one.id) for one in own}
    return [
        one
        for one in (await _advice(tx, actor, since) if mine else [])
        if one.content.get("about") in mine and not _is_by(one, actor)
    ]


async def _advice(tx: Tx, actor: Actor, since: datetime) -> list[Event]:
    return await _listed(tx, actor, EventType.ADVICE_GIVEN, Looked(since=since), limit=MOST_ADVICE)


async def _listed(tx: Tx, actor: Actor, kind: EventType, looked: Looked, *, limit: int = MOST) -> list[Event]:
    narrowed = Looked(types=(str(kind),), author_id=looked.author_id, mention=looked.mention, since=looked.since)
    return (await list_events(tx, actor, narrowed, limit=limit)).items


def _is_by(event: Event, actor: Actor) -> bool:
    return event.author is not None and event.author.id == actor.id
