"""What an agent has done of late: a frame of its page."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from crewhall.agents import access_agent
from crewhall.faces.plumbing.pages import render
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.runtime.pages import shown
from crewhall.runtime.queries import list_runs

LATEST = 5


@get("/agents/{agent_id:uuid}/activity")
async def show_activity(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Response[str]:
    """An agent's latest turns, of those that the viewer may know of."""
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        page = await list_runs(tx, actor, agent_id=agent_id, limit=LATEST)
    return render(
        "agent_activity.html", request, agent=agent, runs=[shown(run) for run in page.items], more=page.next is not None
    )


PAGES = page_router([show_activity])
