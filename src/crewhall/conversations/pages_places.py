"""Where in a conversation a page opens: at its newest messages, or at a place that its address names."""

import re
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from crewhall.conversations.history import seq_at
from crewhall.conversations.pages_stream import Stream
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.ports.message_log import MAX_SEQ

UNREAD = "unread"
_SEQ = re.compile(r"[0-9]{1,19}")


class Place(msgspec.Struct, frozen=True):
    """The seq at which a page opens. `is_exact`: that of the message a link points at, else of the first from there."""

    seq: int
    is_exact: bool = True
    is_unread: bool = False

    def mark(self, html: Markup, stream: Stream) -> Markup:
        """Mark the message at the place, for the script that scrolls there and for the eye."""
        if self.is_unread:
            return html
        found = next((message.seq for message in stream.messages if message.seq >= self.seq), None)
        if found is None or (self.is_exact and found != self.seq):
            return html
        how = "data-found" if self.is_exact else 'data-found="top"'
        place = f'data-seq="{found}"'
        return Markup(str.replace(html, place, f"{place} {how}"))  # noqa: S704 - was safe before; Markup's own escapes


async def place_of(
    services: Services, actor: Actor, conversation_id: UUID, at: str | None, zone: ZoneInfo
) -> Place | None:
    """The place that `at` names: a seq, a day of the viewer's (2026-11-22), or `unread`; None: the newest messages.

    The caller has checked access.
    """
    if not at:
        return None
    if _SEQ.fullmatch(at):
        return Place(min(int(at), MAX_SEQ))
    if at == UNREAD:
        return await _first_unread(services, actor, conversation_id)
    day = _day(at)
    if day is None:
        return None
    async with services.db.transaction(actor) as tx:
        moment = datetime(day.year, day.month, day.day, tzinfo=zone)
        return Place(await seq_at(tx, actor, conversation_id, moment), is_exact=False)


async def _first_unread(services: Services, actor: Actor, conversation_id: UUID) -> Place | None:
    async with services.db.transaction(actor) as tx:
        seq = await tx.value(
            """
            select last_read_seq from conversation_members
            where conversation_id = %(id)s and member_type = %(actor_type)s and member_id = %(actor)s
            """,
            {"id": conversation_id, "actor": actor.id, "actor_type": str(actor.type)},
        )
    return None if seq is None else Place(seq, is_unread=True)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Days(msgspec.Struct, frozen=True):
    """Days that the menu of a day's divider leads to."""

    today: str
    yesterday: str
    week: str
    month: str


def days_of(zone: ZoneInfo) -> Days:
    """The days as the viewer's calendar has them now."""
    today = datetime.now(zone).date()
    ago = [today - timedelta(days=days) for days in (0, 1, 7, 30)]
    return Days(*(day.isoformat() for day in ago))
