"""Pages of the timeline: by day, narrowed by links, an event where it stands, saying something oneself."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall, zone_of
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.work import timeline_queries as queries
from crewhall.work.pages_timeline_asked import GROUPS, Asked, narrowed_by
from crewhall.work.pages_timeline_shown import days_of, facts_of
from crewhall.work.timeline import Timeline
from crewhall.work.timeline_kinds import find_event_kind
from crewhall.work.timeline_schemas import MAX_LABELS, MAX_WORDS, NewEvent
from crewhall.work.timeline_vocabulary import EventType, Severity

AnyRequest = Request[Any, Any, Any]
Labels = Annotated[list[str] | None, QueryParameter(max_items=MAX_LABELS)]
SIZE, AROUND = 50, 20
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
        days = await days_of(tx, zone_of(request), asked, page)
        only = await narrowed_by(tx, asked)
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
        days = await days_of(tx, zone_of(request), Asked(), page, focus=event_id)
    kind = find_event_kind(focus.type)
    asked = Asked()
    return await render_in_hall(
        "timeline_event.html", request, services, actor, days=days, asked=asked, focus=focus,
        label=kind.label if kind else focus.type, facts=facts_of(focus),
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


PAGES = page_router([show_timeline, show_event, show_new, post_new])
