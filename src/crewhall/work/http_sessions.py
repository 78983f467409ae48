"""Work sessions over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.work import session_queries as queries
from crewhall.work.session_schemas import (
    NewLogEntry,
    NewSession,
    SessionEnd,
    StartedSession,
    WorkSession,
    WorkSessionDetail,
)
from crewhall.work.session_vocabulary import SessionShow
from crewhall.work.sessions import WorkSessions
from crewhall.work.timeline_schemas import Event

OfAgent = Annotated[UUID | None, QueryParameter(description="Only of this agent.")]
OfProject = Annotated[UUID | None, QueryParameter(description="Only of this project.")]
Mine = Annotated[bool, QueryParameter(description="Only the caller's own; people have none.")]
Shown = Annotated[
    SessionShow | None, QueryParameter(description="Those under way (`open`), those that are over, or why they are.")
]


@get("/", summary="List work sessions", description="Of agents that one may see, the newest first.")
async def list_sessions(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent: OfAgent = None,
    project: OfProject = None,
    show: Shown = None,
    mine: Mine = False,  # noqa: FBT002 - a parameter of the query
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[WorkSession]:
    """List sessions."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_sessions(
            tx, actor, agent_id=agent, project_id=project, show=show, mine=mine, after=after, limit=limit
        )


@post(
    "/",
    summary="Start a work session",
    description=(
        "An agent begins to work. The answer tells what changed since it last began: its open tasks by priority and "
        "deadline, mentions (at most 100, with the count of all), roles, questions without an answer, answers, the "
        "wiki, and how its session before ended; `text` says all of it to be read. One session is open per agent: 409 "
        "`session_open` names it, unless `supersede` ends it."
    ),
)
async def start_session(
    data: JSONBody[NewSession], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> StartedSession:
    """Start a session."""
    return await services.part(WorkSessions).start(actor, data)


@get("/{session_id:uuid}", summary="Show a work session", description="Its log is `GET /timeline?session=`.")
async def show_session(
    session_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> WorkSessionDetail:
    """Show one session, with what its start told."""
    return await services.part(WorkSessions).show(actor, session_id)


@post(
    "/{session_id:uuid}/log",
    summary="Note something in a work session",
    description="An entry of its log, on the timeline for good; at most 1,000 in a session (409 `session_full`).",
)
async def log_session(
    session_id: FromPath[UUID],
    data: JSONBody[NewLogEntry],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Event:
    """Note what was done."""
    return await services.part(WorkSessions).log(actor, session_id, data)


@post(
    "/{session_id:uuid}/stop",
    summary="Stop a work session",
    description=(
        "The agent its own, or who looks after the agent. It takes what it took, and never changes again: 409 "
        "`session_stopped` when it is over already."
    ),
    status_code=200,
)
async def stop_session(
    session_id: FromPath[UUID],
    data: JSONBody[SessionEnd],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> WorkSession:
    """End a session."""
    return await services.part(WorkSessions).stop(actor, session_id, data)


ROUTERS = [
    api_router(
        "/sessions",
        [list_sessions, start_session, show_session, log_session, stop_session],
        tags=["Work sessions"],
    )
]
