"""Pages of work sessions: the list, a session with its log, those of one agent in a frame of its page."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.agents import access_agent, list_agents
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render, render_in_hall, zone_of
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.counting import counted, lasting
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.work import session_queries as queries
from crewhall.work.pages_timeline_asked import Asked
from crewhall.work.pages_timeline_shown import days_of
from crewhall.work.session_schemas import PulledCounts, SessionEnd, WorkSession
from crewhall.work.session_vocabulary import SessionShow
from crewhall.work.sessions import WorkSessions, detail
from crewhall.work.timeline_queries import list_events
from crewhall.work.timeline_schemas import Looked
from crewhall.work.timeline_vocabulary import EventType
from crewhall.work.vocabulary import IN_WORDS

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
ON_PAGE, ON_PROFILE, LOGGED, MOST_NAMES = 30, 5, 50, 200
SHOWN = {"": "All", "open": "At work", "stopped": "Stopped", "crashed": "Crashed", "superseded": "Superseded"}
"""What the tabs show."""


@get("/sessions")
async def show_sessions(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    show: FromQuery[str] = "",
    agent: FromQuery[UUID | None] = None,
    project: FromQuery[UUID | None] = None,
    after: FromQuery[str | None] = None,
) -> Page:
    """The sessions of everybody at work, or of one agent."""
    asked = {"show": show if show in SHOWN else "", "agent": agent or "", "project": project or ""}
    async with services.db.transaction(actor) as tx:
        page = await queries.list_sessions(
            tx, actor, agent_id=agent, project_id=project, show=SessionShow(show) if asked["show"] else None,
            after=after, limit=ON_PAGE,
        )  # fmt: skip
        agents = (await list_agents(tx, actor, limit=MOST_NAMES)).items
    return await render_in_hall(
        "sessions.html", request, services, actor, sessions=page.items, asked=asked, tabs=SHOWN, link=_linked(asked),
        older=_linked(asked)(after=page.next) if page.next else None, lasting=lasting,
        agents=[("", "Every agent"), *((str(one.id), one.name) for one in agents)],
    )  # fmt: skip


@get("/sessions/{session_id:uuid}")
async def show_session(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], session_id: FromPath[UUID]
) -> Page:
    """A session: what it was for, what its start told, its log, what it left."""
    return await _session(request, services, actor, session_id, Form())


@post("/sessions/{session_id:uuid}/stop")
async def stop(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], session_id: FromPath[UUID]
) -> Page:
    """End an agent's session, as a person."""
    form = await read_form(request)
    try:
        await services.part(WorkSessions).stop(actor, session_id, form.read(SessionEnd, "hand_off"))
    except CrewhallError as error:
        form.refuse(error)
        return await _session(request, services, actor, session_id, form, status=error.kind.status)
    return go(f"/sessions/{session_id}", "The session is over.")


@get("/agents/{agent_id:uuid}/sessions")
async def show_agents_sessions(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Page:
    """An agent's latest sessions: a frame of its page."""
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        page = await queries.list_sessions(tx, actor, agent_id=agent_id, limit=ON_PROFILE)
    return render("agent_sessions.html", request, agent=agent, sessions=page.items, more=page.next, lasting=lasting)


async def _session(
    request: AnyRequest, services: Services, actor: Actor, session_id: UUID, form: Form, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        session = await queries.access_session(tx, actor, session_id)
        whole = await detail(tx, actor, session)
        log = await list_events(tx, actor, Looked(session_id=session_id, since=session.started_at), limit=LOGGED)
        if session.hand_off:  # it stands above
            log.items = [one for one in log.items if one.type != EventType.SESSION_STOP]
        days = await days_of(tx, zone_of(request), Asked(), log)
        may_stop = session.stopped_at is None and await _may_stop(tx, actor, session)
    return await render_in_hall(
        "session.html", request, services, actor, status=status, session=whole, days=days, form=form, lasting=lasting,
        older=f"/timeline?session={session_id}" if log.next else None, may_stop=may_stop, words=IN_WORDS,
        told=_told(whole.pulled.counts),
    )  # fmt: skip


def _told(counts: PulledCounts) -> list[str]:
    """What a start counted, in words; nothing of what there was none."""
    words = (
        (counts.tasks, "open task", None), (counts.free, "free task", None), (counts.mentions, "mention", None),
        (counts.role_changes, "changed role", None), (counts.questions, "open question", None),
        (counts.answers, "answer", None), (counts.knowledge, "new wiki entry", "new wiki entries"),
    )  # fmt: skip
    return [counted(number, noun, plural) for number, noun, plural in words if number]


async def _may_stop(tx: Tx, actor: Actor, session: WorkSession) -> bool:
    try:
        await access_agent(tx, actor, session.agent.id, "update")
    except CrewhallError:
        return False
    return True


def _linked(asked: dict[str, Any]) -> Any:
    def link(**changed: Any) -> str:
        given = {name: value for name, value in (asked | changed).items() if value}
        return f"/sessions?{urlencode(given)}" if given else "/sessions"

    return link


PAGES = page_router([show_sessions, show_session, stop, show_agents_sessions])
