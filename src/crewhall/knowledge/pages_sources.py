"""The pages of an agent's sources of knowledge: what it has, one of them with what it holds, and the forms."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.agents import access_agent
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.faces.plumbing.standings import UNDER_WAY, standing_words
from crewhall.kernel.actor import Actor
from crewhall.kernel.cron import in_words
from crewhall.kernel.errors import CrewhallError
from crewhall.knowledge.lifecycle import KnowledgeParts
from crewhall.knowledge.pages_source_fields import refuse, shown_config, typed_config
from crewhall.knowledge.sources import actions
from crewhall.knowledge.sources.queries import access_source, list_items, list_sources, list_syncs
from crewhall.knowledge.sources.schemas import Counts, Source, SourceInput, SourcePatch
from crewhall.knowledge.sources.vocabulary import SourceState, SourceType

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
TYPES = {
    SourceType.FILE: "File", SourceType.URL: "Web pages", SourceType.FOLDER: "Folder", SourceType.API: "API",
    SourceType.DATABASE: "Database",
}  # fmt: skip
STATES = {
    SourceState.NEW: "not read yet", SourceState.WAITING: "waiting", SourceState.SYNCING: "being read",
    SourceState.SYNCED: "up to date", SourceState.FAILED: "failed", SourceState.OFF: "off",
}  # fmt: skip
TONES = {SourceState.SYNCED: "accent", SourceState.FAILED: "danger", SourceState.OFF: "brass"}
WORDS: dict[str, Any] = {"names": TYPES, "states": STATES, "tones": TONES}


@get("/agents/{agent_id:uuid}/knowledge")
async def show_sources(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Page:
    """What an agent looks things up in."""
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        sources = await list_sources(tx, actor, agent_id)
    return await render_in_hall("sources.html", request, services, actor, agent=agent, sources=sources, **WORDS)


@get("/agents/{agent_id:uuid}/knowledge/new")
async def show_new_source(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    kind: FromQuery[SourceType] = SourceType.FILE,
) -> Page:
    """The form of a new source."""
    return await _new_page(request, services, actor, agent_id, kind)


@post("/agents/{agent_id:uuid}/knowledge")
async def add_source(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Page:
    """Add a source."""
    form, worker = await read_form(request), services.part(KnowledgeParts).sources
    try:
        kind = form.read(SourceInput, "type", "path", "name", "cron", "timezone").type
        config = typed_config(form, kind)
        data = form.read(SourceInput, "type", "path", "name", "cron", "timezone", config=config)
        async with services.db.transaction(actor) as tx:
            made = await actions.add_source(tx, actor, agent_id, data, worker.settings, worker.outbound)
    except CrewhallError as error:
        refuse(form, error)
        kind = SourceType(form.v("type")) if form.v("type") in set(SourceType) else SourceType.URL
        return await _new_page(request, services, actor, agent_id, kind, form=form, status=error.kind.status)
    return go(f"/agents/{agent_id}/knowledge/{made.id}", "It is being read.")


@get("/agents/{agent_id:uuid}/knowledge/{source_id:uuid}")
async def show_source(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
    after: FromQuery[str | None] = None,
) -> Page:
    """How a source stands, and what it holds."""
    return await _source_page(request, services, actor, agent_id, source_id, after=after)


@post("/agents/{agent_id:uuid}/knowledge/{source_id:uuid}")
async def change_source(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
) -> Page:
    """Change a source."""
    form, worker = await read_form(request), services.part(KnowledgeParts).sources
    try:
        data = form.read(SourcePatch, "name", enabled="enabled" in form.values)
        if form.v("fields") in set(SourceType):
            data = msgspec.structs.replace(data, config=typed_config(form, SourceType(form.v("fields"))))
        if "cron" in form.values:
            when = form.read_all(SourcePatch, "cron", "timezone")
            data = msgspec.structs.replace(data, cron=when.cron, timezone=when.timezone if when.cron else None)
        async with services.db.transaction(actor) as tx:
            await actions.change_source(tx, actor, agent_id, source_id, data, worker.settings, worker.outbound)
    except CrewhallError as error:
        refuse(form, error)
        return await _source_page(request, services, actor, agent_id, source_id, form=form, status=error.kind.status)
    return go(f"/agents/{agent_id}/knowledge/{source_id}", "Saved.")


@post("/agents/{agent_id:uuid}/knowledge/{source_id:uuid}/sync")
async def sync_source(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
) -> Redirect:
    """Go through it now."""
    return await _done(services, actor, agent_id, source_id, actions.sync_source, "It is being read.")


@post("/agents/{agent_id:uuid}/knowledge/{source_id:uuid}/cancel")
async def cancel_sync(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
) -> Redirect:
    """Call the sync off."""
    return await _done(services, actor, agent_id, source_id, actions.cancel_sync, "It was called off.")


@post("/agents/{agent_id:uuid}/knowledge/{source_id:uuid}/remove")
async def remove_source(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
) -> Redirect:
    """Remove it."""
    async with services.db.transaction(actor) as tx:
        await actions.remove_source(tx, actor, agent_id, source_id)
    return go(f"/agents/{agent_id}/knowledge", "The source is gone, with what only it held.")


async def _done(services: Services, actor: Actor, agent_id: UUID, source_id: UUID, act: Any, said: str) -> Redirect:
    path = f"/agents/{agent_id}/knowledge/{source_id}"
    try:
        async with services.db.transaction(actor) as tx:
            await act(tx, actor, agent_id, source_id)
    except CrewhallError as error:
        return go(path, error.detail)
    return go(path, said)


async def _new_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    agent_id: UUID,
    kind: SourceType,
    *,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id, "update")
    shown = form or Form()
    return await render_in_hall(
        "source_new.html", request, services, actor, status=status, agent=agent, kind=kind, form=shown,
        now=shown_config(shown, kind, {}), **WORDS,
    )  # fmt: skip


async def _source_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    agent_id: UUID,
    source_id: UUID,
    *,
    after: str | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        source = await access_source(tx, actor, agent_id, source_id)
        items = await list_items(tx, actor, agent_id, source_id, after=after)
        syncs = await list_syncs(tx, actor, agent_id, source_id, limit=10)
    shown = form or Form()
    is_watched = source.type is SourceType.FOLDER and source.enabled and source.config.get("watch", True)
    return await render_in_hall(
        "source.html", request, services, actor, status=status, agent=agent, source=source, items=items.items,
        next=items.next, syncs=syncs.items, form=shown,
        now=shown_config(shown, source.type, source.config), by=_by(source),
        is_watched=is_watched and not source.watch_failure,
        standing=_standing, told=_told, reading=UNDER_WAY,
        is_under_way=source.state in {SourceState.WAITING, SourceState.SYNCING},
        **WORDS,
    )  # fmt: skip


def _standing(item: Any) -> str:
    """How far an item is, in words."""
    if item.document_id is None or item.failure:
        return str(item.failure or "Not searchable")
    return standing_words(msgspec.structs.asdict(item))


def _told(counts: Counts) -> str:
    """What a sync saw, in words: of what there was none nothing is said."""
    words = {"fresh": "new", "changed": "changed", "unchanged": "as before", "gone": "gone", "failed": "failed"}
    told = [f"{count:,} {word}" for name, word in words.items() if (count := getattr(counts, name))]
    return ", ".join(told) or "nothing there"


def _by(source: Source) -> str | None:
    return None if source.cron is None else in_words(source.cron)


PAGES = page_router([
    show_sources, show_new_source, add_source, show_source, change_source, sync_source, cancel_sync, remove_source,
])  # fmt: skip
