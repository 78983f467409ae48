"""Imports over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from crewhall.conversations import FileStore
from crewhall.faces.plumbing.dependencies import AnyRequest
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.faces.plumbing.uploading import body_of, length_of
from crewhall.imports import actions, queries
from crewhall.imports.schemas import Import, ImportChannel
from crewhall.imports.settings import ImportSettings
from crewhall.imports.vocabulary import ImportSource
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page

Source = Annotated[ImportSource, QueryParameter(description="What it is an export of.")]
Name = Annotated[str, QueryParameter(min_length=1, max_length=255, description="What the archive is called.")]
BY_OWNER = "By the organization's owner: what is imported says who said what."


@get("/", summary="List imports", description=f"Newest first. {BY_OWNER}")
async def list_imports(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Import]:
    """List the organization's imports."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_imports(tx, actor, after=after, limit=limit)


@post(
    "/",
    summary="Bring an archive",
    description=(
        "The body is the zip file, whatever its content type. It is looked through, and nothing of it is taken in "
        f"before the import is started; until then it is kept for a week. {BY_OWNER}"
    ),
)
async def bring_archive(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    source: Source = ImportSource.SLACK,
    name: Name = "export.zip",
) -> Import:
    """Keep an archive and look it through."""
    settings = services.settings_of(ImportSettings)
    return await actions.bring_archive(
        services.part(FileStore), settings, actor, source, name, body_of(request), length_of(request)
    )


@get(
    "/{import_id:uuid}",
    summary="Show an import",
    description=f"What was found, what was taken so far, and what is left out, with the reasons. {BY_OWNER}",
)
async def get_import(
    import_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Import:
    """Show an import as it is now."""
    async with services.db.transaction(actor) as tx:
        return (await queries.access_import(tx, actor, import_id)).shown()


@get("/{import_id:uuid}/channels", summary="List an import's channels", description=f"By name. {BY_OWNER}")
async def list_import_channels(
    import_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[ImportChannel]:
    """List what becomes of each channel."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_import_channels(tx, actor, import_id, after=after, limit=limit)


@post(
    "/{import_id:uuid}/start",
    summary="Start an import",
    description=(
        "Takes in what was found and is not here yet. It goes on whatever is restarted meanwhile. One that is started "
        f"already stays as it is. {BY_OWNER}"
    ),
    status_code=200,
)
async def start_import(
    import_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Import:
    """Take an archive in."""
    async with services.db.transaction(actor) as tx:
        return await actions.start_import(tx, actor, import_id)


@post(
    "/{import_id:uuid}/cancel",
    summary="Call an import off",
    description=f"What was taken in stays; the archive goes. One that is over stays as it is. {BY_OWNER}",
    status_code=200,
)
async def cancel_import(
    import_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Import:
    """Call an import off."""
    async with services.db.transaction(actor) as tx:
        return await actions.cancel_import(tx, actor, import_id)


ROUTERS = [
    api_router(
        "/imports",
        [list_imports, bring_archive, get_import, list_import_channels, start_import, cancel_import],
        tags=["Imports"],
    )
]
