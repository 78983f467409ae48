"""Quick tasks over HTTP; giving one to its agent is the runtime's (`runtime/http_tasks.py`)."""

from uuid import UUID

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from crewhall.agents import quick_tasks
from crewhall.agents.quick_tasks import QuickTask, QuickTaskInput, QuickTaskPatch
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page


@get(
    "/{agent_id:uuid}/quick-tasks",
    summary="List an agent's quick tasks",
    description="In order. Those that are switched off are shown to who may change them.",
)
async def list_quick_tasks(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page[QuickTask]:
    """List what an agent is often asked."""
    async with services.db.transaction(actor) as tx:
        return Page(await quick_tasks.list_quick_tasks(tx, actor, agent_id))


@post("/{agent_id:uuid}/quick-tasks", summary="Add a quick task", description="The last one, unless it says where.")
async def add_quick_task(
    agent_id: FromPath[UUID],
    data: JSONBody[QuickTaskInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> QuickTask:
    """Give an agent another quick task."""
    async with services.db.transaction(actor) as tx:
        return await quick_tasks.add_quick_task(tx, actor, agent_id, data)


@patch("/{agent_id:uuid}/quick-tasks/{task_id:uuid}", summary="Change a quick task")
async def change_quick_task(
    agent_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[QuickTaskPatch],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> QuickTask:
    """Change a quick task: its words, its place, whether it is offered."""
    async with services.db.transaction(actor) as tx:
        return await quick_tasks.change_quick_task(tx, actor, agent_id, task_id, data)


@delete("/{agent_id:uuid}/quick-tasks/{task_id:uuid}", summary="Take a quick task away")
async def remove_quick_task(
    agent_id: FromPath[UUID],
    task_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Take a quick task away; the turns that it set off stay."""
    async with services.db.transaction(actor) as tx:
        await quick_tasks.remove_quick_task(tx, actor, agent_id, task_id)


HANDLERS = [list_quick_tasks, add_quick_task, change_quick_task, remove_quick_task]
