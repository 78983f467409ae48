"""Pages of imports: bring an archive, see what it holds, start it, follow it, read what was not taken."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.imports import actions, queries
from crewhall.imports.schemas import Import
from crewhall.imports.settings import ImportSettings
from crewhall.imports.vocabulary import ImportStatus
from crewhall.kernel.actor import Actor
from crewhall.kernel.counting import size_in_words
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
TONES = {ImportStatus.DONE: "accent", ImportStatus.FAILED: "danger", ImportStatus.READY: "brass"}
WORDS = {
    ImportStatus.READING: "being looked through",
    ImportStatus.READY: "ready to start",
    ImportStatus.RUNNING: "being taken in",
    ImportStatus.DONE: "done",
    ImportStatus.FAILED: "failed",
    ImportStatus.CANCELED: "called off",
}


@get("/settings/imports")
async def show_imports(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """The imports so far, and the form that brings another."""
    async with services.db.transaction(actor) as tx:
        page = await queries.list_imports(tx, actor, after=after)
    return await render_in_hall(
        "imports.html", request, services, actor, imports=page.items, next=page.next, words=WORDS, tones=TONES,
        limit_mb=services.settings_of(ImportSettings).import_mb,
    )  # fmt: skip


@get("/settings/imports/{import_id:uuid}")
async def show_import(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    import_id: FromPath[UUID],
    after: FromQuery[str | None] = None,
) -> Page:
    """One import: its report, its channels, what is to be decided."""
    async with services.db.transaction(actor) as tx:
        found = (await queries.access_import(tx, actor, import_id)).shown()
        channels = await queries.list_import_channels(tx, actor, import_id, after=after)
    return await render_in_hall(
        "import.html", request, services, actor, found=found, channels=channels.items, next=channels.next,
        size=size_in_words(found.size), share=_share(found),
        may_cancel=found.status in {ImportStatus.READING, ImportStatus.READY, ImportStatus.RUNNING},
    )  # fmt: skip


@post("/settings/imports/{import_id:uuid}/start")
async def start_import(
    services: NamedDependency[Services], actor: NamedDependency[Actor], import_id: FromPath[UUID]
) -> Page:
    """Start it."""
    try:
        async with services.db.transaction(actor) as tx:
            await actions.start_import(tx, actor, import_id)
    except CrewhallError as error:
        return go(f"/settings/imports/{import_id}", error.detail)
    return go(f"/settings/imports/{import_id}")


@post("/settings/imports/{import_id:uuid}/cancel")
async def cancel_import(
    services: NamedDependency[Services], actor: NamedDependency[Actor], import_id: FromPath[UUID]
) -> Page:
    """Call it off."""
    async with services.db.transaction(actor) as tx:
        await actions.cancel_import(tx, actor, import_id)
    return go(f"/settings/imports/{import_id}", "Called off.")


def _share(found: Import) -> int:
    """How much of it is taken in, in percent."""
    return min(100, 100 * found.taken // found.counts.fresh) if found.counts.fresh else 100


PAGES = page_router([show_imports, show_import, start_import, cancel_import])
