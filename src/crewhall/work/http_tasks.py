"""Tasks over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.conversations import Message, Posting
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.work import checkout, comments, task_dependencies, task_queries, tasks
from crewhall.work.task_schemas import (
    NewComment,
    NewTask,
    NextTask,
    Task,
    TaskChange,
    TaskDetail,
    TasksChange,
    TasksChanged,
)
from crewhall.work.vocabulary import Priority, TaskOrder, TaskStatus

OfProject = Annotated[UUID | None, QueryParameter(description="Only of this project.")]
Statuses = Annotated[list[TaskStatus] | None, QueryParameter(name="status", description="Only these; may be repeated.")]
Priorities = Annotated[
    list[Priority] | None, QueryParameter(name="priority", description="Only these; may be repeated.")
]
Whose = Annotated[UUID | None, QueryParameter(description="Only those of this person or agent.")]
Unassigned = Annotated[bool, QueryParameter(description="Only those that are nobody's.")]
Labelled = Annotated[list[str] | None, QueryParameter(name="label", description="Only with all of these labels.")]
DueBefore = Annotated[datetime | None, QueryParameter(description="Only with a deadline until then.")]
Words = Annotated[str | None, QueryParameter(description="Words of title and description.")]
Deleted = Annotated[bool, QueryParameter(description="Deleted ones instead.")]
Order = Annotated[TaskOrder, QueryParameter(description="The queue's (priority, deadline, age), or the newest first.")]


@get("/", summary="List tasks", description="Of the projects that one may see, in the order of the queue unless told.")
async def list_tasks(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    project: OfProject = None,
    status: Statuses = None,
    priority: Priorities = None,
    assignee: Whose = None,
    unassigned: Unassigned = False,  # noqa: FBT002 - a parameter of the query
    label: Labelled = None,
    due_before: DueBefore = None,
    q: Words = None,
    deleted: Deleted = False,  # noqa: FBT002 - a parameter of the query
    order: Order = TaskOrder.QUEUE,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Task]:
    """List or find tasks."""
    async with services.db.transaction(actor) as tx:
        return await task_queries.list_tasks(
            tx, actor, project=project, status=status, priority=priority, assignee=assignee, unassigned=unassigned,
            label=label, due_before=due_before, q=q, deleted=deleted, order=order, after=after, limit=limit,
        )  # fmt: skip


@post(
    "/",
    summary="Write a task",
    description="In the backlog, or assigned where it says to whom. A critical one (P0) goes to no agent on probation.",
)
async def create_task(
    data: JSONBody[NewTask], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> TaskDetail:
    """Write a task."""
    async with services.db.transaction(actor) as tx:
        return await tasks.create_task(tx, actor, data)


@post(
    "/next",
    summary="Take the next task",
    description=(
        "The most urgent one that is free or the caller's own, by priority, deadline and age: it is the caller's, and "
        "in progress. No two callers take the same one; what is blocked or waits for others is passed over, and an "
        "agent on probation gets nothing critical. 404 `no_task` when there is none."
    ),
    status_code=200,
)
async def take_next_task(
    data: JSONBody[NextTask], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> TaskDetail:
    """Check out the next task."""
    async with services.db.transaction(actor) as tx:
        return await checkout.take_next_task(tx, actor, data.project_id)


@post(
    "/changes",
    summary="Change several tasks",
    description="Each by itself: those that refuse the change are listed with the reason, and stay as they are.",
    status_code=200,
)
async def change_tasks(
    data: JSONBody[TasksChange], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> TasksChanged:
    """Make the same change of several tasks."""
    async with services.db.transaction(actor) as tx:
        return await tasks.change_tasks(tx, actor, data)


@get(
    "/labels",
    summary="List labels",
    description="Those that the newest ten thousand tasks have, the most used first, at most a hundred.",
)
async def list_labels(
    services: NamedDependency[Services], actor: NamedDependency[Actor], project: OfProject = None
) -> Page[str]:
    """List the labels of tasks."""
    async with services.db.transaction(actor) as tx:
        return Page(await task_queries.list_labels(tx, actor, project))


@get("/{task_id:uuid}", summary="Show a task")
async def show_task(
    task_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> TaskDetail:
    """Show a task with its description and dependencies."""
    async with services.db.transaction(actor) as tx:
        return await task_queries.access_task(tx, actor, task_id)


@get("/of/{slug:str}/{number:str}", summary="Show a task by its number", description="As in `project#12`.")
async def show_task_by_number(
    slug: FromPath[str], number: FromPath[str], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> TaskDetail:
    """Show the task of a project with that number."""
    async with services.db.transaction(actor) as tx:
        return await task_queries.find_task(tx, actor, f"{slug}#{number}")


@patch(
    "/{task_id:uuid}",
    summary="Change a task",
    description=(
        "Its words, whose it is, how far it is. 409 `stale_task` when somebody changed it since `expected_version`, "
        "`task_waits` when others have to be settled first, `agent_on_probation` for a critical one. An agent of a "
        "project changes its own tasks, and those that it wrote."
    ),
)
async def change_task(
    task_id: FromPath[UUID],
    data: JSONBody[TaskChange],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> TaskDetail:
    """Change a task."""
    async with services.db.transaction(actor) as tx:
        return await tasks.change_task(tx, actor, task_id, data)


@delete("/{task_id:uuid}", summary="Delete a task", description="It can be restored. By people.")
async def delete_task(
    task_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Delete a task, softly."""
    async with services.db.transaction(actor) as tx:
        await tasks.delete_task(tx, actor, task_id)


@post("/{task_id:uuid}/restore", summary="Restore a task", description="As it was. By people.", status_code=200)
async def restore_task(
    task_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> TaskDetail:
    """Bring a deleted task back."""
    async with services.db.transaction(actor) as tx:
        return await tasks.restore_task(tx, actor, task_id)


@put(
    "/{task_id:uuid}/dependencies/{other_id:uuid}",
    summary="Let a task wait for another",
    description="Of the same project; 409 where they would wait for each other.",
)
async def add_dependency(
    task_id: FromPath[UUID],
    other_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> TaskDetail:
    """Say what has to be settled before."""
    async with services.db.transaction(actor) as tx:
        return await task_dependencies.add_dependency(tx, actor, task_id, other_id)


@delete(
    "/{task_id:uuid}/dependencies/{other_id:uuid}",
    summary="Let a task wait for another no more",
    status_code=200,
)
async def remove_dependency(
    task_id: FromPath[UUID],
    other_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> TaskDetail:
    """Take a dependency away."""
    async with services.db.transaction(actor) as tx:
        return await task_dependencies.remove_dependency(tx, actor, task_id, other_id)


@post(
    "/{task_id:uuid}/comments",
    summary="Comment on a task",
    description=(
        "A message in the task's thread, in the channel of its project. All comments: `GET /conversations/{id}/messages"
        "?parent={thread_id}`."
    ),
)
async def comment_task(
    task_id: FromPath[UUID],
    data: JSONBody[NewComment],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Message:
    """Say something about a task."""
    posting, only_here = services.part(Posting), data.only_here
    posted = await comments.comment_task(services.db, posting, actor, task_id, data.content, only_here=only_here)
    return posted.message


ROUTERS = [
    api_router(
        "/tasks",
        [
            list_tasks, create_task, take_next_task, change_tasks, list_labels, show_task, show_task_by_number,
            change_task, delete_task, restore_task, add_dependency, remove_dependency, comment_task,
        ],
        tags=["Tasks"],
    )
]  # fmt: skip
