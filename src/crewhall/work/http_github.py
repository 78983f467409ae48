"""GitHub over HTTP: set up and looked after by owners and admins; called by GitHub, which signs."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.faces.plumbing.uploading import body_of
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.work.github import connections, deliveries, outgoing, repositories
from crewhall.work.github.door import Called, GithubDoor
from crewhall.work.github.lifecycle import GithubParts
from crewhall.work.github.schemas import (
    Change,
    ChangeInput,
    Connection,
    ConnectionInput,
    ConnectionPatch,
    ConnectionWithSecret,
    Delivery,
    MirroredItem,
    Repository,
    RepositoryInput,
    Taken,
)
from crewhall.work.github.vocabulary import DeliveryState, ItemKind

AnyRequest = Request[Any, Any, Any]
BY = "By owners and admins."
Of = Annotated[DeliveryState | None, QueryParameter(description="Only those that stand so.")]
Kind = Annotated[ItemKind, QueryParameter(description="What is listed.")]
Number = Annotated[int | None, QueryParameter(ge=1, le=2**31 - 1, description="Only what is part of this number.")]


@get("/connections", summary="List connections to GitHub", description=f"By name, without what is secret. {BY}")
async def list_github_connections(
    services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page[Connection]:
    """List how the organization reaches GitHub."""
    async with services.db.transaction(actor) as tx:
        return await connections.list_connections(tx, actor, services.base_url)


@post(
    "/connections",
    summary="Connect to GitHub",
    description="By a token, or by an app's id and private key. They are encrypted and never shown again. "
    "`webhook_secret` of the answer is what GitHub signs with; it is shown this once. " + BY,
)
async def connect_github(
    data: JSONBody[ConnectionInput], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> ConnectionWithSecret:
    """Keep how GitHub is reached."""
    keeping = services.part(GithubParts).keeping
    async with services.db.transaction(actor) as tx:
        return await connections.connect(tx, actor, keeping, services.base_url, data)


@get("/connections/{connection_id:uuid}", summary="Show a connection to GitHub", description=BY)
async def get_github_connection(
    connection_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Connection:
    """Show a connection, without what is secret."""
    async with services.db.transaction(actor) as tx:
        return await connections.get_connection(tx, actor, services.base_url, connection_id)


@patch(
    "/connections/{connection_id:uuid}",
    summary="Change a connection to GitHub",
    description=f"What is left out stays; a secret that is given is good at once, the old one no more. {BY}",
)
async def change_github_connection(
    connection_id: FromPath[UUID],
    data: JSONBody[ConnectionPatch],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Connection:
    """Change how GitHub is reached."""
    keeping = services.part(GithubParts).keeping
    async with services.db.transaction(actor) as tx:
        return await connections.change_connection(tx, actor, keeping, services.base_url, connection_id, data)


@delete(
    "/connections/{connection_id:uuid}",
    summary="Remove a connection to GitHub",
    description="Its repositories' mirror and its deliveries go; at GitHub nothing changes. " + BY,
)
async def remove_github_connection(
    connection_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Remove a connection."""
    async with services.db.transaction(actor) as tx:
        await connections.remove_connection(tx, actor, services.base_url, connection_id)


@post(
    "/connections/{connection_id:uuid}/check",
    summary="Check a connection to GitHub",
    description=f"Asks GitHub whom it takes us for: `answered`, or `problem` with the reason. {BY}",
    status_code=200,
)
async def check_github_connection(
    connection_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Connection:
    """Ask GitHub whether it lets us in."""
    parts = services.part(GithubParts)
    return await connections.check_connection(
        services.db, actor, parts.keeping, parts.github, services.base_url, connection_id
    )


@get("/repositories", summary="List mirrored repositories", description=f"By name, with how far each is. {BY}")
async def list_github_repositories(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Repository]:
    """List what is mirrored."""
    async with services.db.transaction(actor) as tx:
        return await repositories.list_repositories(tx, actor, after=after, limit=limit)


@post("/repositories", summary="Mirror a repository", description=f"It is read at once, and follows webhooks. {BY}")
async def add_github_repository(
    data: JSONBody[RepositoryInput], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Repository:
    """Mirror a repository from now on."""
    async with services.db.transaction(actor) as tx:
        return await repositories.add_repository(tx, actor, data)


@get("/repositories/{repository_id:uuid}", summary="Show a mirrored repository", description=BY)
async def get_github_repository(
    repository_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Repository:
    """How a mirror stands: `pages_done` of `pages_total` are read."""
    async with services.db.transaction(actor) as tx:
        return await repositories.get_repository(tx, actor, repository_id)


@delete(
    "/repositories/{repository_id:uuid}",
    summary="Mirror a repository no more",
    description=f"What was mirrored goes; at GitHub nothing changes. {BY}",
)
async def remove_github_repository(
    repository_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Forget a repository."""
    async with services.db.transaction(actor) as tx:
        await repositories.remove_repository(tx, actor, repository_id)


@post(
    "/repositories/{repository_id:uuid}/sync",
    summary="Read a repository now",
    description=f"What has changed since it was read last. {BY}",
    status_code=202,
)
async def sync_github_repository(
    repository_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Repository:
    """Have a repository read."""
    async with services.db.transaction(actor) as tx:
        return await repositories.sync_repository(tx, actor, repository_id)


@get(
    "/repositories/{repository_id:uuid}/items",
    summary="List what a repository holds",
    description=f"Of one kind, as it was newest, the newest first. {BY}",
)
async def list_github_items(
    repository_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    kind: Kind = ItemKind.ISSUE,
    number: Number = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[MirroredItem]:
    """List what is mirrored of a repository."""
    async with services.db.transaction(actor) as tx:
        return await repositories.list_items(
            tx, actor, repository_id, kind=kind, number=number, after=after, limit=limit
        )


@get(
    "/repositories/{repository_id:uuid}/changes",
    summary="List what was asked of GitHub",
    description=f"The newest first, with what became of each field. {BY}",
)
async def list_github_changes(
    repository_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Change]:
    """List the changes that went out, or wait."""
    async with services.db.transaction(actor) as tx:
        await repositories.get_repository(tx, actor, repository_id)
        return await outgoing.list_changes(tx, actor, repository_id, after=after, limit=limit)


@post(
    "/repositories/{repository_id:uuid}/changes",
    summary="Change something at GitHub",
    description="An issue is made, changed, or commented on; in the background, again and again until GitHub took it. "
    "A field that was changed there after this was asked stays as it is there, and `outcome` says so. " + BY,
    status_code=202,
)
async def ask_github_change(
    repository_id: FromPath[UUID],
    data: JSONBody[ChangeInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Change:
    """Have something changed at GitHub."""
    async with services.db.transaction(actor) as tx:
        return await outgoing.ask_change(tx, actor, repository_id, data)


@get("/deliveries", summary="List what GitHub's webhooks delivered", description=f"The newest first. {BY}")
async def list_github_deliveries(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    status: Of = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Delivery]:
    """List what came, and what became of it."""
    async with services.db.transaction(actor) as tx:
        return await deliveries.list_deliveries(tx, actor, state=status, after=after, limit=limit)


@post(
    "/deliveries/{delivery_id:uuid}/redeliver",
    summary="Do a delivery again",
    description=f"From what was kept of it; what it tells that is known changes nothing. {BY}",
    status_code=202,
)
async def redeliver_github(
    delivery_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Delivery:
    """Do a delivery again."""
    async with services.db.transaction(actor) as tx:
        return await deliveries.redeliver(tx, actor, delivery_id)


@post(
    "/{connection_id:uuid}",
    summary="Deliver a webhook of GitHub",
    description="For GitHub, without signing in: `X-Hub-Signature-256` over the body as it is sent, "
    "`X-GitHub-Delivery` and `X-GitHub-Event`. It is kept, and done later; a delivery that was kept before does "
    "nothing again. 401 `github_hook_refused`, always the same, for an unknown connection and a bad signature.",
    status_code=202,
)
async def take_github_delivery(
    connection_id: FromPath[UUID], request: AnyRequest, services: NamedDependency[Services]
) -> Taken:
    """Take what GitHub tells."""
    door = services.part(GithubParts).door
    headers = {name.lower(): value for name, value in request.headers.items()}
    return await door.take(Called(connection_id, headers, await _read(door, headers, request)))


async def _read(door: GithubDoor, headers: dict[str, str], request: AnyRequest) -> bytes:
    """The body, as it came; no more of it than a delivery may have. Raises TOO_LARGE."""
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > door.most_bytes:
        raise door.too_large()
    body = bytearray()
    async for piece in body_of(request):
        body += piece
        if len(body) > door.most_bytes:
            raise door.too_large()
    return bytes(body)


ROUTERS = [
    api_router(
        "/github",
        [
            list_github_connections, connect_github, get_github_connection, change_github_connection,
            remove_github_connection, check_github_connection, list_github_repositories, add_github_repository,
            get_github_repository, remove_github_repository, sync_github_repository, list_github_items,
            list_github_changes, ask_github_change, list_github_deliveries, redeliver_github,
        ],
        tags=["GitHub"],
    ),
    api_router("/github/hooks", [take_github_delivery], tags=["GitHub"], for_guests=True),
]  # fmt: skip
