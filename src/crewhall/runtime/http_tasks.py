"""Giving quick tasks over HTTP and from pages."""

from typing import Any
from uuid import UUID

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from crewhall.conversations import Posting
from crewhall.faces.plumbing.forms import read_form
from crewhall.faces.plumbing.pages import go
from crewhall.faces.plumbing.routers import api_router, page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import NOT_FOUND, CrewhallError
from crewhall.runtime.lifecycle import RuntimeParts
from crewhall.runtime.quick_tasks import QuickTaskRequest, give_quick_task
from crewhall.runtime.started import TurnStarted, await_start

AnyRequest = Request[Any, Any, Any]


@post(
    "/{agent_id:uuid}/quick-tasks/{task_id:uuid}/run",
    summary="Run a quick task",
    description="Posted by the caller, in its direct conversation with the agent unless one is named; answered outside "
    "working hours too. Answers with the turn that began, or with why it waits or was refused.",
    status_code=200,
)
async def run_quick_task(
    agent_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[QuickTaskRequest],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> TurnStarted:
    """Give an agent one of its quick tasks."""
    task = await give_quick_task(services.db, services.log, services.part(Posting), actor, agent_id, task_id, data)
    return await await_start(services.db, services.part(RuntimeParts).watch, actor, task)


@post("/agents/{agent_id:uuid}/quick-tasks/{task_id:uuid}/run")
async def click_quick_task(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    task_id: FromPath[UUID],
) -> Redirect:
    """Give it, and look at the conversation."""
    form = await read_form(request)
    try:
        data = form.read(QuickTaskRequest, "conversation_id")
        task = await give_quick_task(services.db, services.log, services.part(Posting), actor, agent_id, task_id, data)
    except CrewhallError as error:
        if error.kind is NOT_FOUND:
            raise
        return go(f"/agents/{agent_id}", error.detail)
    return go(f"/c/{task.conversation_id}")


ROUTERS = [api_router("/agents", [run_quick_task], tags=["Agents"])]
PAGES = page_router([click_quick_task])
