"""Projects over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.conversations import MemberType, NewMember
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.work import project_queries, projects, task_queries
from crewhall.work.project_schemas import NewProject, Project, ProjectChange, ProjectMember
from crewhall.work.task_schemas import Board

Sought = Annotated[str | None, QueryParameter(description="Part of the name.")]
Active = Annotated[bool | None, QueryParameter(description="Only active ones, or only archived ones.")]
Confirm = Annotated[str | None, QueryParameter(description="The project's slug, typed again to be sure.")]
MANAGERS = "By who began it, owners and admins."


@get("/", summary="List projects", description="Active ones first, then by name.")
async def list_projects(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Sought = None,
    active: Active = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Project]:
    """List the projects that one may see."""
    async with services.db.transaction(actor) as tx:
        return await project_queries.list_projects(tx, actor, q=q, active=active, after=after, limit=limit)


@post("/", summary="Begin a project", description="With a public channel of its name. By people.")
async def create_project(
    data: JSONBody[NewProject], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Project:
    """Begin a project."""
    async with services.db.transaction(actor) as tx:
        return await projects.create_project(tx, actor, services.log, data)


@get("/{project_id:uuid}", summary="Show a project")
async def show_project(
    project_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Project:
    """Show a project."""
    async with services.db.transaction(actor) as tx:
        return await project_queries.access_project(tx, actor, project_id)


@get("/by-slug/{slug:str}", summary="Show a project by its slug", description="Or by its id.")
async def show_project_by_slug(
    slug: FromPath[str], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Project:
    """Show the project of a name."""
    async with services.db.transaction(actor) as tx:
        return await project_queries.find_project(tx, actor, slug)


@patch("/{project_id:uuid}", summary="Change a project", description=MANAGERS)
async def change_project(
    project_id: FromPath[UUID],
    data: JSONBody[ProjectChange],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Project:
    """Change what is said of a project."""
    async with services.db.transaction(actor) as tx:
        return await projects.change_project(tx, actor, project_id, data)


@delete(
    "/{project_id:uuid}",
    summary="Delete a project",
    description="Softly, with its tasks; its channel stays. Refused while it has agents of its own. By admins.",
)
async def delete_project(
    project_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    confirm: Confirm = None,
) -> None:
    """Delete a project."""
    async with services.db.transaction(actor) as tx:
        await projects.delete_project(tx, actor, project_id, confirm=confirm)


@put(
    "/{project_id:uuid}/archive",
    summary="Archive a project",
    description=f"It stays to be read; nothing in it is to be done. {MANAGERS}",
)
async def archive_project(
    project_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Project:
    """Archive a project."""
    async with services.db.transaction(actor) as tx:
        return await projects.archive_project(tx, actor, project_id)


@delete("/{project_id:uuid}/archive", summary="Restore a project", description=MANAGERS, status_code=200)
async def restore_project(
    project_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Project:
    """Take an archived project up again."""
    async with services.db.transaction(actor) as tx:
        return await projects.restore_project(tx, actor, project_id)


@get(
    "/{project_id:uuid}/members",
    summary="List who works on a project",
    description="Its own agents first, then the people and agents of the organization that joined, by name.",
)
async def list_project_members(
    project_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[ProjectMember]:
    """List the people and agents of a project."""
    async with services.db.transaction(actor) as tx:
        return await project_queries.list_members(tx, actor, project_id, after=after, limit=limit)


@put(
    "/{project_id:uuid}/members/{member_type:str}/{member_id:uuid}",
    summary="Put somebody on a project",
    description="A person, or an agent of the organization. Anybody joins by themselves; who manages it adds others.",
    status_code=204,
)
async def add_project_member(
    project_id: FromPath[UUID],
    member_type: FromPath[MemberType],
    member_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Let somebody work on a project."""
    async with services.db.transaction(actor) as tx:
        await projects.add_member(tx, actor, project_id, NewMember(member_type, member_id))


@delete(
    "/{project_id:uuid}/members/{member_type:str}/{member_id:uuid}",
    summary="Take somebody off a project",
    description="Tasks that they have stay theirs.",
)
async def remove_project_member(
    project_id: FromPath[UUID],
    member_type: FromPath[MemberType],
    member_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Take a member off a project."""
    async with services.db.transaction(actor) as tx:
        await projects.remove_member(tx, actor, project_id, NewMember(member_type, member_id))


@get(
    "/{project_id:uuid}/board",
    summary="Show a project's board",
    description=f"Its tasks by status, at most {task_queries.ON_BOARD} each, in the order of the queue; what is "
    "settled the last first. `total` counts all of them.",
)
async def show_board(
    project_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Board:
    """Show the columns of a board."""
    async with services.db.transaction(actor) as tx:
        return await task_queries.read_board(tx, actor, project_id)


ROUTERS = [
    api_router(
        "/projects",
        [
            list_projects, create_project, show_project, show_project_by_slug, change_project, delete_project,
            archive_project, restore_project, list_project_members, add_project_member, remove_project_member,
            show_board,
        ],
        tags=["Projects"],
    )
]  # fmt: skip
