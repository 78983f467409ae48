"""The page that writes a task: from nothing, or of a message."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.work import tasks
from crewhall.work.pages_projects import PRIORITIES
from crewhall.work.project_queries import list_projects
from crewhall.work.task_messages import Beginning, begin_with
from crewhall.work.task_schemas import MessageRef, NewTask
from crewhall.work.vocabulary import Priority

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
MOST_PROJECTS = 200


@get("/tasks/new")
async def show_new_task(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    project: FromQuery[str] = "",
    conversation: FromQuery[UUID | None] = None,
    message: FromQuery[UUID | None] = None,
) -> Page:
    """The form of a new task; of a message when one is named."""
    made_of = MessageRef(conversation, message) if conversation and message else None
    return await _form(request, services, actor, Form({"project": project} if project else {}), made_of)


@post("/tasks/new")
async def write_task(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Write it."""
    form, made_of = await read_form(request), None
    try:
        made_of = _made_of(form)
        data = form.read(NewTask, "title", "description", "priority", project_id=form.v("project_id"), message=made_of)
        async with services.db.transaction(actor) as tx:
            made = await tasks.create_task(tx, actor, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _form(request, services, actor, form, made_of, status=error.kind.status)
    return go(f"/tasks/{made.id}", f"{made.name} is in the backlog.")


async def _form(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    form: Form,
    made_of: MessageRef | None,
    *,
    status: int = 200,
) -> Response[str]:
    begins: Beginning | None = None
    async with services.db.transaction(actor) as tx:
        if made_of is not None:
            begins = await begin_with(tx, actor, made_of)
        known = (await list_projects(tx, actor, active=True, limit=MOST_PROJECTS)).items
    wanted = {str(begins.project_id) if begins else "", form.v("project"), form.v("project_id")} - {""}
    chosen = next((str(one.id) for one in known if {str(one.id), one.slug} & wanted), "")
    return await render_in_hall(
        "task_new.html", request, services, actor, status=status, form=form, made_of=made_of, begins=begins,
        projects=[(str(one.id), one.name) for one in known], chosen=chosen, priorities=PRIORITIES,
        usual=str(Priority.MEDIUM),
    )  # fmt: skip


def _made_of(form: Form) -> MessageRef | None:
    if not form.v("message"):
        return None
    try:
        return MessageRef(UUID(form.v("conversation")), UUID(form.v("message")))
    except ValueError as error:
        raise INVALID("There is no such message.") from error


HANDLERS = [show_new_task, write_task]
