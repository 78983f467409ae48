"""Events as the page of the timeline shows them: by local day, each with its words, its place and links that narrow."""

import re
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from crewhall.conversations import render_markdown
from crewhall.faces.plumbing.moments import clock, day_key, day_name
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.work.pages_timeline_asked import Asked
from crewhall.work.timeline_kinds import EventKind, find_event_kind
from crewhall.work.timeline_schemas import Event, EventPage
from crewhall.work.timeline_shown import SYSTEM

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
EXCERPT, MOST_CHIPS = 320, 6
TONES = {"problems": "danger", "questions": "sky", "advice": "brass", "reviews": "accent", "trust": "brass"}


class ShownEvent(msgspec.Struct):
    """An event in the list. `narrows` are links that keep those of the same author, and of the same label."""

    one: Event
    icon: str
    tone: str
    who: str
    did: str
    text: str
    time: str
    place: str | None
    url: str | None
    by: str | None
    chips: list[tuple[str, str]]
    severity: str | None
    is_focus: bool


class Day(msgspec.Struct):
    """The events of one local day."""

    key: str
    name: str
    events: list[ShownEvent]


async def days_of(tx: Tx, zone: ZoneInfo, asked: Asked, page: EventPage, *, focus: UUID | None = None) -> list[Day]:
    """Events by local day, as the list shows them; links narrow what was asked for."""
    days = list[Day]()
    places = await _places(tx, [one.conversation_id for one in page.items if one.conversation_id])
    for one in page.items:
        key = day_key(one.timestamp, zone)
        if not days or days[-1].key != key:
            days.append(Day(key, _day_in_words(one.timestamp, zone), []))
        place = places.get(one.conversation_id) if one.conversation_id else None
        days[-1].events.append(_shown(one, asked, zone, place, focus=focus))
    return days


def _shown(one: Event, asked: Asked, zone: ZoneInfo, place: str | None, *, focus: UUID | None) -> ShownEvent:
    kind = find_event_kind(one.type)
    is_system = kind is not None and kind.is_system
    who = one.agent if is_system and one.agent else one.author
    name = who.name if who else SYSTEM
    did = one.summary.removeprefix(name).strip()
    labels = [
        f"{key}={value}" for key, value in one.metadata.items() if isinstance(value, str | int) and not _is_id(value)
    ]
    narrowed = {"agent": who.id} if is_system and who else {"author": who.id} if who else None
    return ShownEvent(
        one=one,
        icon=kind.icon if kind else "info",
        tone=TONES.get(kind.group, "") if kind else "",
        who=name,
        did=did.removesuffix(f": {one.title}") if one.title else did,
        text=plain_text(one.text),
        time=clock(one.timestamp, zone),
        place=place,
        url=_address(kind, one),
        by=asked.link(**narrowed) if narrowed else None,
        chips=[(label, asked.link(metadata=(label,))) for label in labels[:MOST_CHIPS]],
        severity=one.content.get("severity"),
        is_focus=one.id == focus,
    )


def _address(kind: EventKind | None, one: Event) -> str | None:
    """Where what an event is about stands: elsewhere, or a task."""
    elsewhere = one.content.get(kind.url) if kind and kind.url else None
    task = one.content.get("task_id") if kind and not kind.is_posted else None
    return elsewhere or (f"/tasks/{task}" if task else None)


def _is_id(value: object) -> bool:
    """Whether a label is for programs alone."""
    return isinstance(value, str) and bool(_ID.match(value))


def plain_text(text: str) -> str:
    """The beginning of what was said, without its marks."""
    said = " ".join(Markup(render_markdown(text)).striptags().split()) if text else ""  # noqa: S704 - sanitised
    return said if len(said) <= EXCERPT else said[:EXCERPT].rstrip() + "…"


def _day_in_words(moment: datetime, zone: ZoneInfo) -> str:
    today = utc_now()
    if day_key(moment, zone) == day_key(today, zone):
        return "Today"
    if day_key(moment, zone) == day_key(today - timedelta(days=1), zone):
        return "Yesterday"
    return day_name(moment, zone)


def facts_of(one: Event) -> list[tuple[str, str]]:
    """What the event holds, beside its words."""
    kind = find_event_kind(one.type)
    shown = {kind.text, kind.title} if kind else set()
    held = [(key, value) for key, value in one.content.items() if key not in shown and value not in (None, {}, [])]
    return [(key.replace("_", " "), _in_words(value)) for key, value in (*held, *one.metadata.items())]


def _in_words(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


async def _places(tx: Tx, ids: list[UUID]) -> dict[UUID, str]:
    """What the conversations of events that the actor sees are called; one without a name is a direct one."""
    if not ids:
        return {}
    rows = await tx.values(
        """
        select jsonb_build_array(c.id, coalesce('#' || c.name, c.title, 'a direct conversation'))
        from conversations c where c.org_id = any (current_orgs()) and c.id = any (%(ids)s)
        """,
        {"ids": ids},
    )
    return {UUID(row[0]): row[1] for row in rows}
