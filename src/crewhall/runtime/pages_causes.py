"""What sets an agent off beside messages: a frame of its page."""

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
from crewhall.runtime.hook_queries import list_hooks
from crewhall.runtime.http_tasks import PAGES as TASKS
from crewhall.runtime.pages_activity import PAGES as ACTIVITY
from crewhall.runtime.pages_hooks import CALLS
from crewhall.runtime.pages_hooks import PAGES as HOOKS
from crewhall.runtime.pages_hooks import shown as show_hook
from crewhall.runtime.pages_schedules import PAGES as SCHEDULES
from crewhall.runtime.pages_schedules import shown as show_schedule
from crewhall.runtime.schedule_queries import list_schedules

AnyRequest = Request[Any, Any, Any]
Page = Response[str]


@get("/agents/{agent_id:uuid}/causes")
async def show_causes(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Page:
    """What sets an agent off beside messages: a frame of its page."""
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        page = await list_schedules(tx, actor, agent_id=agent_id, limit=5)
        hooks = await list_hooks(tx, actor, services.base_url, agent_id=agent_id, limit=20)
    return render(
        "agent_causes.html",
        request,
        agent=agent,
        schedules=[show_schedule(one) for one in page.items],
        more=page.next,
        hooks=[show_hook(one) for one in hooks.items],
        calls=CALLS,
    )


PAGES = [SCHEDULES, HOOKS, TASKS, ACTIVITY, page_router([show_causes])]
