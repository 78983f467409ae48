"""The part of an agent's page that says what it is often asked: its quick tasks. Giving one is the runtime's."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from crewhall.agents.access import access_agent
from crewhall.agents.quick_tasks import (
    QuickTaskInput,
    QuickTaskPatch,
    add_quick_task,
    change_quick_task,
    get_quick_task,
    move_quick_task,
    remove_quick_task,
)
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
FIELDS = ("title", "prompt", "icon", "category")


@get("/agents/{agent_id:uuid}/quick-tasks/new")
async def show_new_task(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Page:
    """The form of a new quick task."""
    return await _page(request, services, actor, agent_id, None)


@post("/agents/{agent_id:uuid}/quick-tasks")
async def add_task(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Page:
    """Add a quick task."""
    form = await read_form(request)
    try:
        data = form.read(QuickTaskInput, *FIELDS)
        async with services.db.transaction(actor) as tx:
            await add_quick_task(tx, actor, agent_id, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _page(request, services, actor, agent_id, None, form=form, status=error.kind.status)
    return go(f"/agents/{agent_id}#tasks", "The quick task is there.")


@get("/agents/{agent_id:uuid}/quick-tasks/{task_id:uuid}")
async def show_task(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    task_id: FromPath[UUID],
) -> Page:
    """The form that changes a quick task."""
    return await _page(request, services, actor, agent_id, task_id)


@post("/agents/{agent_id:uuid}/quick-tasks/{task_id:uuid}")
async def change_task(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    task_id: FromPath[UUID],
) -> Page:
    """Change a quick task."""
    form = await read_form(request)
    try:
        data = form.read_all(QuickTaskPatch, "icon", "category")
        words = form.read(QuickTaskInput, "title", "prompt")
        data = msgspec.structs.replace(data, title=words.title, prompt=words.prompt, enabled="enabled" in form.values)
        async with services.db.transaction(actor) as tx:
            await change_quick_task(tx, actor, agent_id, task_id, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _page(request, services, actor, agent_id, task_id, form=form, status=error.kind.status)
    return go(f"/agents/{agent_id}#tasks", "Saved.")


@post("/agents/{agent_id:uuid}/quick-tasks/{task_id:uuid}/up")
async def move_task(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    task_id: FromPath[UUID],
) -> Redirect:
    """Move a quick task one place up."""
    async with services.db.transaction(actor) as tx:
        await move_quick_task(tx, actor, agent_id, task_id)
    return go(f"/agents/{agent_id}#tasks")


@post("/agents/{agent_id:uuid}/quick-tasks/{task_id:uuid}/remove")
async def remove_task(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    task_id: FromPath[UUID],
) -> Redirect:
    """Take a quick task away."""
    async with services.db.transaction(actor) as tx:
        await remove_quick_task(tx, actor, agent_id, task_id)
    return go(f"/agents/{agent_id}#tasks", "The quick task is gone.")


async def _page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    agent_id: UUID,
    task_id: UUID | None,
    *,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id, "update")
        task = await get_quick_task(tx, actor, agent_id, task_id) if task_id else None
    return await render_in_hall(
        "quick_task.html", request, services, actor, status=status, agent=agent, task=task, form=form or Form()
    )


HANDLERS = [show_new_task, add_task, show_task, change_task, move_task, remove_task]
