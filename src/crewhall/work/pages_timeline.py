"""Pages of the timeline: by day, narrowed by links, an event where it stands, saying something oneself."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect
from markupsafe import Markup

from crewhall.conversations import render_markdown
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.moments import clock, day_key, day_name
from crewhall.faces.plumbing.pages import go, render_in_hall, zone_of
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.work import timeline_queries as queries
from crewhall.work.http_timeline import looked_for
from crewhall.work.timeline import Timeline
from crewhall.work.timeline_kinds import EventKind, event_kinds, find_event_kind
from crewhall.work.timeline_schemas import MAX_LABELS, MAX_WORDS, Event, EventPage, Looked, NewEvent
from crewhall.work.timeline_shown import SYSTEM
from crewhall.work.timeline_vocabulary import EventType, Severity

AnyRequest = Request[Any, Any, Any]
Labels = Annotated[list[str] | None, QueryParameter(max_items=MAX_LABELS)]
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
SIZE, AROUND, EXCERPT, MOST_CHIPS = 50, 20, 320, 6
GROUPS = {
    "": "All", "problems": "Problems", "questions": "Questions", "advice": "Advice", "reviews": "Reviews",
    "tasks": "Tasks", "sessions": "Sessions", "github": "GitHub", "wiki": "Wiki", "trust": "Trust",
}  # fmt: skip
"""What the tabs show, by the groups that event types name."""
TONES = {"problems": "danger", "questions": "sky", "advice": "brass", "reviews": "accent", "trust": "brass"}
SAID = {
    str(EventType.PROBLEM_REPORT): ("A problem", "Something does not work, or stands in the way."),
    str(EventType.QUESTION_ASKED): ("A question", "Something you want to know, of everybody."),
    str(EventType.ADVICE_GIVEN): ("Advice", "Something that others do well to know."),
}
"""What people say by themselves, with words for it."""
SEVERITIES = [
    ("", "Not said"), (Severity.LOW, "A little"), (Severity.MEDIUM, "Somewhat"), (Severity.HIGH, "Much"),
    (Severity.CRITICAL, "It stops the work"),
]  # fmt: skip


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


class Asked(msgspec.Struct):
    """What the page's address asks for; links keep it."""

    group: str = ""
    author: UUID | None = None
    agent: UUID | None = None
    project: UUID | None = None
    session: UUID | None = None
    mention: UUID | None = None
    conversation: UUID | None = None
    metadata: tuple[str, ...] = ()
    q: str = ""

    def looked(self) -> Looked:
        """The same as the list takes it. A group that nobody knows is any."""
        return looked_for(
            self._types, self.author, self.agent, self.session, self.project, self.conversation, self.mention,
            list(self.metadata), words=self.q,
        )  # fmt: skip

    def link(self, **changed: Any) -> str:
        """The address with something changed."""
        given = msgspec.structs.asdict(self) | changed
        query = [(name, one) for name, value in given.items() if value for one in _each(value)]
        return f"/timeline?{urlencode(query)}" if query else "/timeline"

    @property
    def export(self) -> str:
        """The address of the same as a file."""
        given = msgspec.structs.asdict(self) | {"group": ()}
        query = [("type", name) for name in self._types]
        query += [(name, one) for name, value in given.items() if value for one in _each(value)]
        return f"/api/v1/timeline/export?{urlencode(query)}" if query else "/api/v1/timeline/export"

    @property
    def _types(self) -> list[str]:
        return [kind.name for kind in event_kinds() if self.group and kind.group == self.group]

    @property
    def narrows(self) -> bool:
        """Whether anything but the group is asked for."""
        return self != Asked(group=self.group)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """All of it but the words, as fields of the form that asks for others."""
        given = msgspec.structs.asdict(self)
        return [(name, one) for name, value in given.items() if value and name != "q" for one in _each(value)]


def _each(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, tuple) else [str(value)]


@get("/timeline")
async def show_timeline(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    group: FromQuery[str] = "",
    author: FromQuery[UUID | None] = None,
    agent: FromQuery[UUID | None] = None,
    project: FromQuery[UUID | None] = None,
    session: FromQuery[UUID | None] = None,
    mention: FromQuery[UUID | None] = None,
    conversation: FromQuery[UUID | None] = None,
    metadata: Labels = None,
    q: FromQuery[str] = "",
    after: FromQuery[str | None] = None,
    before: FromQuery[str | None] = None,
) -> Response[str]:
    """What happened, newest first."""
    asked = Asked(
        group if group in GROUPS else "", author, agent, project, session, mention, conversation, tuple(metadata or ()),
        q.strip()[:MAX_WORDS].replace("\0", ""),
    )  # fmt: skip
    async with services.db.transaction(actor) as tx:
        page = await queries.list_events(tx, actor, asked.looked(), after=after, before=before, limit=SIZE)
        if before is not None and len(page.items) < SIZE:
            page = await queries.list_events(tx, actor, asked.looked(), limit=SIZE)
            before = None
        days = await days_of(tx, request, asked, page)
        only = await _only(tx, asked)
    return await render_in_hall(
        "timeline.html", request, services, actor, days=days, asked=asked, groups=GROUPS, only=only, focus=None,
        older=asked.link(after=page.next) if page.next else None,
        newer=asked.link(before=page.previous) if (after or before) and page.previous else None,
        export=asked.export,
        is_newest=after is None and before is None,
    )  # fmt: skip


@get("/timeline/{event_id:uuid}")
async def show_event(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], event_id: FromPath[UUID]
) -> Response[str]:
    """An event where it stands, with what it holds."""
    async with services.db.transaction(actor) as tx:
        page = await queries.list_events(tx, actor, around=event_id, limit=AROUND)
        focus = next(one for one in page.items if one.id == event_id)
        days = await days_of(tx, request, Asked(), page, focus=event_id)
    kind = find_event_kind(focus.type)
    asked = Asked()
    return await render_in_hall(
        "timeline_event.html", request, services, actor, days=days, asked=asked, focus=focus,
        label=kind.label if kind else focus.type, facts=_facts(focus),
        older=asked.link(after=page.next) if page.next else None,
        newer=asked.link(before=page.previous) if page.items.index(focus) >= AROUND // 2 else None,
    )  # fmt: skip


@get("/timeline/new")
async def show_new(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], kind: FromQuery[str] = ""
) -> Response[str]:
    """Say something on the timeline."""
    check_permission(actor, Permission.MESSAGES_POST)
    return await _form(request, services, actor, Form({"type": kind} if kind in SAID else {}))


@post("/timeline/new")
async def post_new(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Response[str] | Redirect:
    """Post what was said, and show the timeline."""
    form = await read_form(request)
    content = {"text": form.v("text").strip()} if form.v("text").strip() else {}
    if form.v("severity") and form.v("type") == EventType.PROBLEM_REPORT:
        content["severity"] = form.v("severity")
    try:
        await services.part(Timeline).post(actor, form.read(NewEvent, "type", content=content))
    except CrewhallError as error:
        form.refuse(error)
        return await _form(request, services, actor, form, status=error.kind.status)
    return go("/timeline", "It stands on the timeline.")


async def _form(
    request: AnyRequest, services: Services, actor: Actor, form: Form, *, status: int = 200
) -> Response[str]:
    return await render_in_hall(
        "timeline_new.html", request, services, actor, status=status, form=form, said=SAID, severities=SEVERITIES
    )


async def days_of(
    tx: Tx, request: AnyRequest, asked: Asked, page: EventPage, *, focus: UUID | None = None
) -> list[Day]:
    """Events by local day, as the list shows them; links narrow what was asked for."""
    zone, days = zone_of(request), list[Day]()
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


def _facts(one: Event) -> list[tuple[str, str]]:
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


async def _only(tx: Tx, asked: Asked) -> list[tuple[str, str]]:
    """What the list is narrowed by, in words, each with the address without it. Who may not be named is somebody."""
    ids = [one for one in (asked.author, asked.agent, asked.mention) if one]
    names = await queries.names_of(tx, ids)
    told = {
        "author": f"by {names.get(asked.author, 'somebody')}" if asked.author else None,
        "agent": f"about {names.get(asked.agent, 'an agent')}" if asked.agent else None,
        "mention": f"mentioning {names.get(asked.mention, 'somebody')}" if asked.mention else None,
        "conversation": "from one conversation" if asked.conversation else None,
        "project": "of one project" if asked.project else None,
        "session": "of one session" if asked.session else None,
    }
    said = [(words, asked.link(**{name: None})) for name, words in told.items() if words]
    return said + [
        (label, asked.link(metadata=tuple(one for one in asked.metadata if one != label))) for label in asked.metadata
    ]


PAGES = page_router([show_timeline, show_event, show_new, post_new])
