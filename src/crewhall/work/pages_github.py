"""The page of GitHub: how it is connected, step by step, and how far each repository is."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.work import pages_issues
from crewhall.work.github import connections, deliveries, repositories
from crewhall.work.github.lifecycle import GithubParts
from crewhall.work.github.schemas import ConnectionInput, ConnectionWithSecret, RepositoryInput
from crewhall.work.github.vocabulary import DeliveryState
from crewhall.work.project_queries import list_projects

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
PATH = "/settings/github"
SHOWN_FAILURES = 5
MOST_PROJECTS = 200


class Said(msgspec.Struct):
    """What was refused, and what is shown this once."""

    connect: Form = msgspec.field(default_factory=Form)
    add: Form = msgspec.field(default_factory=Form)
    made: ConnectionWithSecret | None = None
    status: int = 200


@get(PATH)
async def show_github(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """How GitHub is connected, for owners and admins."""
    return await _page(request, services, actor, Said(), after)


@post(PATH)
async def connect(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Connect; the webhook's secret is shown in the answer, and nowhere else."""
    form = await read_form(request)
    try:
        given = [name for name in ("name", "token", "private_key", "webhook_secret") if form.v(name).strip()]
        data = form.read(ConnectionInput, *given, **_app_id(form))
        async with services.db.transaction(actor) as tx:
            made = await connections.connect(tx, actor, services.part(GithubParts).keeping, services.base_url, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _page(request, services, actor, Said(connect=form, status=error.kind.status))
    return await _page(request, services, actor, Said(made=made))


@post(PATH + "/connections/{connection_id:uuid}/check")
async def check(
    services: NamedDependency[Services], actor: NamedDependency[Actor], connection_id: FromPath[UUID]
) -> Redirect:
    """Ask GitHub whom it takes us for."""
    parts = services.part(GithubParts)
    found = await connections.check_connection(
        services.db, actor, parts.keeping, parts.github, services.base_url, connection_id
    )
    return go(PATH, f"GitHub answered: {found.answered}." if found.answered else None)


@post(PATH + "/connections/{connection_id:uuid}/remove")
async def disconnect(
    services: NamedDependency[Services], actor: NamedDependency[Actor], connection_id: FromPath[UUID]
) -> Redirect:
    """Remove a connection with its mirror."""
    async with services.db.transaction(actor) as tx:
        await connections.remove_connection(tx, actor, services.base_url, connection_id)
    return go(PATH, "Removed. At GitHub nothing changed.")


@post(PATH + "/repositories")
async def add(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Mirror a repository."""
    form = await read_form(request)
    try:
        data = form.read(RepositoryInput, "full_name", "connection_id")
        async with services.db.transaction(actor) as tx:
            await repositories.add_repository(tx, actor, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _page(request, services, actor, Said(add=form, status=error.kind.status))
    return go(PATH, f"{data.full_name} is read now.")


@post(PATH + "/repositories/{repository_id:uuid}/sync")
async def sync(
    services: NamedDependency[Services], actor: NamedDependency[Actor], repository_id: FromPath[UUID]
) -> Redirect:
    """Read a repository now."""
    async with services.db.transaction(actor) as tx:
        found = await repositories.sync_repository(tx, actor, repository_id)
    return go(PATH, f"{found.full_name} is read now.")


@post(PATH + "/repositories/{repository_id:uuid}/remove")
async def remove(
    services: NamedDependency[Services], actor: NamedDependency[Actor], repository_id: FromPath[UUID]
) -> Redirect:
    """Mirror a repository no more."""
    async with services.db.transaction(actor) as tx:
        await repositories.remove_repository(tx, actor, repository_id)
    return go(PATH, "Mirrored no more.")


@post(PATH + "/deliveries/{delivery_id:uuid}/redeliver")
async def redeliver(
    services: NamedDependency[Services], actor: NamedDependency[Actor], delivery_id: FromPath[UUID]
) -> Redirect:
    """Do a delivery again."""
    async with services.db.transaction(actor) as tx:
        await deliveries.redeliver(tx, actor, delivery_id)
    return go(PATH, "It is done again.")


def _app_id(form: Form) -> dict[str, int]:
    typed = form.v("app_id").strip()
    if not typed:
        return {}
    if not (typed.isascii() and typed.isdigit()):
        raise INVALID("An app's id is a number: it stands on the app's page at GitHub.", field="app_id")
    return {"app_id": int(typed)}


async def _page(
    request: AnyRequest, services: Services, actor: Actor, said: Said, after: str | None = None
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        connected = (await connections.list_connections(tx, actor, services.base_url)).items
        mirrored = await repositories.list_repositories(tx, actor, after=after)
        projects = await list_projects(tx, actor, active=True, limit=MOST_PROJECTS)
        failed = await deliveries.list_deliveries(tx, actor, state=DeliveryState.FAILED, limit=SHOWN_FAILURES)
    return await render_in_hall(
        "settings_github.html",
        request,
        services,
        actor,
        status=said.status,
        path=PATH,
        connections=connected,
        repositories=mirrored.items,
        next=mirrored.next,
        failed=failed.items,
        projects={str(one.id): one for one in projects.items},
        choices=[(str(one.id), one.name) for one in connected],
        may_change=is_allowed(actor, Permission.ORGANIZATION_UPDATE),
        said=said,
        tones={"synced": "accent", "failed": "danger", "limited": "brass"},
    )


PAGES = page_router([show_github, connect, check, disconnect, add, sync, remove, redeliver, *pages_issues.HANDLERS])
