"""Parts of pages where tasks and GitHub meet: what is done on a task's page, and on that of GitHub."""

from typing import Any
from uuid import UUID

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, NOT_FOUND, CrewhallError
from crewhall.work.github.schemas import ProjectLink
from crewhall.work.issues import linking, pulls, seen
from crewhall.work.issues.schemas import PullRequestLink

AnyRequest = Request[Any, Any, Any]
PATH = "/settings/github"


async def do_at_github(tx: Tx, actor: Actor, task_id: UUID, deed: str, form: Form) -> None:
    """Make an issue of a task, say earlier comments there, link a pull request to it, or take the link away."""
    if deed == "issue":
        await seen.make_issue(tx, actor, task_id)
    elif deed == "earlier-comments":
        await seen.send_comments(tx, actor, task_id)
    elif deed == "pull-request":
        asked = form.read(PullRequestLink, url=form.v("url").strip())
        await pulls.link_pull_request(tx, actor, task_id, *seen.read_url(asked.url))
    elif deed == "unlink":
        await pulls.unlink_pull_request(tx, actor, task_id, form.id("repository"), seen.read_number(form.v("number")))
    else:
        raise NOT_FOUND("Nothing of that name is done with tasks.")


@post(PATH + "/repositories/{repository_id:uuid}/link")
async def link(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    repository_id: FromPath[UUID],
) -> Redirect:
    """Make tasks of a repository's issues."""
    form = await read_form(request)
    settings = {name: bool(form.v(name)) for name in ("makes_issues", "sends_comments")}
    try:
        data = form.read(ProjectLink, "project_id", **settings)
        async with services.db.transaction(actor) as tx:
            linked = await linking.link_repository(tx, actor, repository_id, data)
    except CrewhallError as error:
        if error.kind is not CONFLICT:
            raise
        return go(PATH, error.detail)
    return go(PATH, f"Issues of {linked.full_name} become tasks.")


@post(PATH + "/repositories/{repository_id:uuid}/unlink")
async def unlink(
    services: NamedDependency[Services], actor: NamedDependency[Actor], repository_id: FromPath[UUID]
) -> Redirect:
    """Make no more tasks of them."""
    async with services.db.transaction(actor) as tx:
        found = await linking.unlink_repository(tx, actor, repository_id)
    return go(PATH, f"Issues of {found.full_name} become tasks no more.")


HANDLERS = [link, unlink]
