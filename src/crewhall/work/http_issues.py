"""Tasks at GitHub over HTTP: whose tasks a repository's issues are, a task's issue and pull requests."""

from uuid import UUID

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.work.github.schemas import ProjectLink, Repository
from crewhall.work.issues import linking, pulls, seen
from crewhall.work.issues.schemas import PullRequestLink, TaskOnGithub


@put(
    "/repositories/{repository_id:uuid}/project",
    summary="Link a repository to a project",
    description="Its issues become tasks there, those that are mirrored already too, in the background (`is_filling`, "
    "`tasks_done` of `tasks_total`). A project has one repository, a repository one project. By owners and admins.",
)
async def link_github_repository(
    repository_id: FromPath[UUID],
    data: JSONBody[ProjectLink],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Repository:
    """Make tasks of issues."""
    async with services.db.transaction(actor) as tx:
        return await linking.link_repository(tx, actor, repository_id, data)


@delete(
    "/repositories/{repository_id:uuid}/project",
    summary="Unlink a repository from its project",
    description="Its tasks stay, and follow no more; linked again, they do. By owners and admins.",
    status_code=200,
)
async def unlink_github_repository(
    repository_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Repository:
    """Make no more tasks of issues."""
    async with services.db.transaction(actor) as tx:
        return await linking.unlink_repository(tx, actor, repository_id)


@get(
    "/{task_id:uuid}/github",
    summary="Show what a task is at GitHub",
    description="Its issue, its pull requests with review and checks, and what went out of it, waits, or was refused.",
)
async def show_task_on_github(
    task_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> TaskOnGithub:
    """For whoever sees the task."""
    async with services.db.transaction(actor) as tx:
        return await seen.task_on_github(tx, actor, task_id)


@post(
    "/{task_id:uuid}/issue",
    summary="Make an issue of a task",
    description="In the repository of its project, in the background. From then on they follow each other.",
    status_code=202,
)
async def make_issue_of_task(
    task_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> TaskOnGithub:
    """Have an issue made."""
    async with services.db.transaction(actor) as tx:
        return await seen.make_issue(tx, actor, task_id)


@post(
    "/{task_id:uuid}/earlier-comments",
    summary="Say earlier comments of a task at GitHub",
    description="Those that were made before it had an issue (`unsent_comments`), the oldest hundred; each once.",
    status_code=202,
)
async def send_earlier_comments(
    task_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> TaskOnGithub:
    """Have them said there, too."""
    async with services.db.transaction(actor) as tx:
        return await seen.send_comments(tx, actor, task_id)


@post(
    "/{task_id:uuid}/pull-requests",
    summary="Link a pull request to a task",
    description="One that is mirrored, whatever its words say. Its merge completes the task; one that is merged "
    "already does at once.",
)
async def link_pull_request(
    task_id: FromPath[UUID],
    data: JSONBody[PullRequestLink],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> TaskOnGithub:
    """Link one by hand."""
    repository, number = seen.read_url(data.url)
    async with services.db.transaction(actor) as tx:
        await pulls.link_pull_request(tx, actor, task_id, repository, number)
        return await seen.task_on_github(tx, actor, task_id)


@delete(
    "/{task_id:uuid}/pull-requests/{repository_id:uuid}/{number:str}",
    summary="Unlink a pull request from a task",
    description="One that was linked by hand.",
)
async def unlink_pull_request(
    task_id: FromPath[UUID],
    repository_id: FromPath[UUID],
    number: FromPath[str],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Take a link away."""
    async with services.db.transaction(actor) as tx:
        await pulls.unlink_pull_request(tx, actor, task_id, repository_id, seen.read_number(number))


ROUTERS = [
    api_router("/github", [link_github_repository, unlink_github_repository], tags=["GitHub"]),
    api_router(
        "/tasks",
        [show_task_on_github, make_issue_of_task, send_earlier_comments, link_pull_request, unlink_pull_request],
        tags=["Tasks"],
    ),
]
