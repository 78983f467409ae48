"""Pages of projects: the list, the board, what a project is and who works on it."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from markupsafe import Markup

from crewhall.conversations import MemberType, NewMember, render_markdown
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND, CrewhallError
from crewhall.work import project_queries as queries
from crewhall.work import projects, task_queries, tasks
from crewhall.work.issues.rows import find_linked
from crewhall.work.pages_assignees import names_for, read_whose
from crewhall.work.project_queries import may_manage
from crewhall.work.project_schemas import NewProject, Project, ProjectChange
from crewhall.work.task_schemas import NewTask
from crewhall.work.vocabulary import IN_WORDS, PRIORITY_WORDS, Priority, TaskStatus

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
FIELDS = ("name", "slug", "description", "repository_url", "mvp_document_url", "github_installation_id")
ON_PAGE = 30
STATUSES = [(str(status), IN_WORDS[status].capitalize()) for status in TaskStatus]
PRIORITIES = [(str(priority), f"{priority} {PRIORITY_WORDS[priority]}") for priority in Priority]


@get("/projects")
async def show_projects(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    show: FromQuery[str] = "active",
    after: FromQuery[str | None] = None,
) -> Page:
    """The projects."""
    active = show != "archived"
    async with services.db.transaction(actor) as tx:
        page = await queries.list_projects(tx, actor, active=active, after=after, limit=ON_PAGE)
    return await render_in_hall(
        "projects.html", request, services, actor, projects=page.items, next=page.next, active=active
    )


@get("/projects/new")
async def show_new_project(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """The form of a new project."""
    return await render_in_hall("project_new.html", request, services, actor, form=Form())


@post("/projects/new")
async def begin(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Begin a project."""
    form = await read_form(request)
    try:
        data = form.read(NewProject, *FIELDS)
        async with services.db.transaction(actor) as tx:
            made = await projects.create_project(tx, actor, services.log, data)
    except CrewhallError as error:
        form.refuse(error)
        return await render_in_hall("project_new.html", request, services, actor, status=error.kind.status, form=form)
    return go(f"/projects/{made.slug}", f"{made.name} is begun. Write its first task.")


@get("/projects/{slug:str}")
async def show_project_board(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], slug: FromPath[str]
) -> Page:
    """The board of a project."""
    return await _board(request, services, actor, slug, Form())


@post("/projects/{slug:str}/tasks")
async def write(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], slug: FromPath[str]
) -> Page:
    """Write a task into the backlog."""
    form = await read_form(request)
    try:
        async with services.db.transaction(actor) as tx:
            project = await queries.find_project(tx, actor, slug)
            made = await tasks.create_task(
                tx, actor, form.read(NewTask, "title", "priority", project_id=str(project.id))
            )
    except CrewhallError as error:
        form.refuse(error)
        return await _board(request, services, actor, slug, form, status=error.kind.status)
    return go(f"/projects/{slug}", f"{made.name} is in the backlog.")


@get("/projects/{slug:str}/about")
async def show_about(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], slug: FromPath[str]
) -> Page:
    """What a project is, who works on it, and the form that changes it."""
    return await _about(request, services, actor, slug, Form())


@post("/projects/{slug:str}/about")
async def change(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], slug: FromPath[str]
) -> Page:
    """Change what is said of a project."""
    form = await read_form(request)
    try:
        async with services.db.transaction(actor) as tx:
            found = await queries.find_project(tx, actor, slug)
            now = await projects.change_project(tx, actor, found.id, form.read_all(ProjectChange, *FIELDS))
    except CrewhallError as error:
        form.refuse(error)
        return await _about(request, services, actor, slug, form, status=error.kind.status)
    return go(f"/projects/{now.slug}/about", "It is changed.")


@post("/projects/{slug:str}/{deed:str}")
async def decide(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    slug: FromPath[str],
    deed: FromPath[str],
) -> Page:
    """Archive it, take it up again, join it, leave it, put others on it or take them off, or delete it."""
    form, mine = await read_form(request), NewMember(MemberType.USER, actor.id)
    try:
        async with services.db.transaction(actor) as tx:
            found = await queries.find_project(tx, actor, slug)
            if deed == "archive":
                await projects.archive_project(tx, actor, found.id)
            elif deed == "restore":
                await projects.restore_project(tx, actor, found.id)
            elif deed == "join":
                await projects.add_member(tx, actor, found.id, mine)
            elif deed == "leave":
                await projects.remove_member(tx, actor, found.id, mine)
            elif deed == "add":
                await projects.add_member(tx, actor, found.id, await _meant(tx, form))
            elif deed == "remove":
                other = NewMember(_member_type(form), form.id("member_id"))
                await projects.remove_member(tx, actor, found.id, other)
            elif deed == "delete":
                await projects.delete_project(tx, actor, found.id, confirm=form.v("confirm"))
                return go("/projects", f"{found.name} is deleted.")
            else:
                raise NOT_FOUND("Nothing of that name is done with projects.")
    except CrewhallError as error:
        form.refuse(error)
        return await _about(request, services, actor, slug, form, status=error.kind.status)
    return go(f"/projects/{slug}/about")


async def _meant(tx: Tx, form: Form) -> NewMember:
    """Whom a form names. Raises INVALID."""
    found = await read_whose(tx, form.v("whose"))
    if found is None:
        raise INVALID("Say who: choose from the list, or write a handle: @ada.", field="whose")
    return NewMember(found.type, found.id)


def _member_type(form: Form) -> MemberType:
    return MemberType.AGENT if form.v("member_type") == MemberType.AGENT else MemberType.USER


async def _board(
    request: AnyRequest, services: Services, actor: Actor, slug: str, form: Form, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        project = await queries.find_project(tx, actor, slug)
        board = await task_queries.read_board(tx, actor, project.id)
    return await render_in_hall(
        "board.html", request, services, actor, status=status, project=project, board=board, form=form,
        words=dict(STATUSES), statuses=STATUSES, priorities=PRIORITIES,
    )  # fmt: skip


async def _about(
    request: AnyRequest, services: Services, actor: Actor, slug: str, form: Form, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        project = await queries.find_project(tx, actor, slug)
        members = await queries.list_members(tx, actor, project.id, limit=200)
        linked = await find_linked(tx, project_id=project.id)
        names = await names_for(tx, actor)
    there = {f"@{member.handle}" for member in members.items}
    is_member = any(member.member_id == actor.id for member in members.items)
    return await render_in_hall(
        "project_about.html", request, services, actor, status=status, project=project, members=members.items,
        linked=linked, names=names, others=[one for one in names.options if one[0] not in there],
        html=_rendered(project), form=form, manages=may_manage(actor, project), is_member=is_member,
        may_delete=is_allowed(actor, Permission.PROJECTS_UPDATE), words=dict(STATUSES),
    )  # fmt: skip


def _rendered(project: Project) -> Markup:
    return Markup(render_markdown(project.description or "", ()))  # noqa: S704 - sanitised


HANDLERS = [
    show_projects, show_new_project, begin, show_project_board, write, show_about, change, decide,
]  # fmt: skip
