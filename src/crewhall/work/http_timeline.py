"""The timeline over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID
from crewhall.kernel.paging import Page
from crewhall.kernel.tools import schema_of
from crewhall.work import timeline_queries as queries
from crewhall.work.timeline import Timeline
from crewhall.work.timeline_export import MEDIA_TYPES, ExportFormat, export_events
from crewhall.work.timeline_kinds import check_event_types, event_kinds
from crewhall.work.timeline_schemas import MAX_LABELS, MAX_WORDS, Event, EventPage, EventTypeInfo, Looked, NewEvent

MOST_TYPES = 30
Types = Annotated[list[str] | None, QueryParameter(max_items=MOST_TYPES, description="Several: any of them.")]
Author = Annotated[UUID | None, QueryParameter(description="Of this person or agent.")]
About = Annotated[UUID | None, QueryParameter(description="That tell of this agent: its trust, its tasks.")]
OfSession = Annotated[UUID | None, QueryParameter(description="Of this work session.")]
OfProject = Annotated[UUID | None, QueryParameter(description="Of this project.")]
Where = Annotated[UUID | None, QueryParameter(description="Of messages of this conversation.")]
Mention = Annotated[UUID | None, QueryParameter(description="That mention this person or agent.")]
Labels = Annotated[
    list[str] | None,
    QueryParameter(max_items=MAX_LABELS, description="`key=value` of the metadata; several: all of them."),
]
Since = Annotated[datetime | None, QueryParameter(description="At this moment or later, with an offset from UTC.")]
Until = Annotated[datetime | None, QueryParameter(description="Before this moment.")]
Words = Annotated[
    str | None,
    QueryParameter(max_length=MAX_WORDS, description="Words that it holds, or the message that it tells of."),
]
Around = Annotated[UUID | None, QueryParameter(description="The page around this event.")]
Before = Annotated[str | None, QueryParameter(description="`previous` of another page: what came after it.")]
As = Annotated[ExportFormat, QueryParameter(name="format", description="The form of the file.")]
_FILE = ResponseSpec(bytes, description="The file.", media_type="text/csv", generate_examples=False)


def looked_for(
    types: list[str] | None = None,
    author: UUID | None = None,
    agent: UUID | None = None,
    session: UUID | None = None,
    project: UUID | None = None,
    conversation: UUID | None = None,
    mention: UUID | None = None,
    metadata: list[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    words: str | None = None,
) -> Looked:
    """What a query asks for. Raises INVALID."""
    return Looked(
        types=tuple(dict.fromkeys(check_event_types(types) or ())),
        author_id=author,
        agent_id=agent,
        session_id=session,
        project_id=project,
        conversation_id=conversation,
        mention=mention,
        labels=tuple(dict.fromkeys(_label(one) for one in metadata or ())),
        since=since,
        until=until,
        words=" ".join(words.split()) or None if words else None,
    )


def _label(given: str) -> tuple[str, str]:
    key, equals, value = given.partition("=")
    if not key or not equals:
        raise INVALID("A label is looked for as key=value.", field="metadata")
    return key, value


@get(
    "/",
    summary="Read the timeline",
    description=(
        "Newest first. `next` goes on as `after` to older events; `previous` as `before` to newer ones, also when "
        "there is none yet."
    ),
)
async def list_events(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    type: Types = None,
    author: Author = None,
    agent: About = None,
    session: OfSession = None,
    project: OfProject = None,
    conversation: Where = None,
    mention: Mention = None,
    metadata: Labels = None,
    since: Since = None,
    until: Until = None,
    q: Words = None,
    around: Around = None,
    after: FromQuery[str | None] = None,
    before: Before = None,
    limit: FromQuery[int | None] = None,
) -> EventPage:
    """List events within the caller's reach."""
    looked = looked_for(type, author, agent, session, project, conversation, mention, metadata, since, until, q)
    async with services.db.transaction(actor) as tx:
        return await queries.list_events(tx, actor, looked, after=after, before=before, around=around, limit=limit)


@post(
    "/",
    summary="Post an event",
    description=(
        "Types that people and agents post by themselves (GET /timeline/types); every other comes of what happens. An "
        "agent that has a public key signs what it posts: 422 `signature_required`, `signature_wrong`."
    ),
)
async def post_event(
    data: JSONBody[NewEvent], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Event:
    """Post an event."""
    return await services.part(Timeline).post(actor, data)


@get("/types", summary="List types of events", description="What each holds, as a JSON schema.")
async def list_event_types(actor: NamedDependency[Actor]) -> Page[EventTypeInfo]:
    """List the types."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    return Page([
        EventTypeInfo(
            type=kind.name, label=kind.label, group=kind.group, is_posted=kind.is_posted, schema=schema_of(kind.holds)
        )
        for kind in event_kinds()
    ])  # fmt: skip


@get(
    "/export",
    summary="Export the timeline",
    description="Newest first, at most 100,000 events: CSV, or one JSON object a line.",
    responses={200: _FILE},
)
async def export_timeline(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    into: As = ExportFormat.CSV,
    type: Types = None,
    author: Author = None,
    agent: About = None,
    session: OfSession = None,
    project: OfProject = None,
    conversation: Where = None,
    mention: Mention = None,
    metadata: Labels = None,
    since: Since = None,
    until: Until = None,
    q: Words = None,
) -> Response[bytes]:
    """Send what the caller may see as a file."""
    looked = looked_for(type, author, agent, session, project, conversation, mention, metadata, since, until, q)
    pieces = await export_events(services.db, actor, looked, into)
    headers = {
        "content-disposition": f'attachment; filename="timeline.{into}"',
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
    }
    return Stream(pieces, media_type=MEDIA_TYPES[into], headers=headers)  # type: ignore[return-value]


@get("/{event_id:uuid}", summary="Show an event")
async def get_event(
    event_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Event:
    """Show one event."""
    async with services.db.transaction(actor) as tx:
        return await queries.get_event(tx, actor, event_id)


ROUTERS = [
    api_router("/timeline", [list_events, post_event, list_event_types, export_timeline, get_event], tags=["Timeline"])
]
