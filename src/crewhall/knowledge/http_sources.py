"""Sources of agents' knowledge over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.conversations import FileStore
from crewhall.faces.plumbing.dependencies import AnyRequest
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.faces.plumbing.uploading import body_of
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.knowledge.lifecycle import KnowledgeParts
from crewhall.knowledge.sources import actions, files, queries
from crewhall.knowledge.sources.schemas import Source, SourceInput, SourceItem, SourcePatch, SourceSync

Name = Annotated[str, QueryParameter(min_length=1, max_length=1000, description="What the file is called.")]
BY_OWNER = "The agent's owner, owners and admins; the agent itself reads its own."


@get(
    "/{agent_id:uuid}/knowledge",
    summary="List an agent's sources",
    description=f"What it looks things up in, by name, and how each stands. {BY_OWNER}",
)
async def list_sources(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page[Source]:
    """List an agent's sources."""
    async with services.db.transaction(actor) as tx:
        return Page(await queries.list_sources(tx, actor, agent_id))


@post(
    "/{agent_id:uuid}/knowledge",
    summary="Add a source",
    description=(
        "A folder, a database or an address to be gone through, at once and by its schedule. What each type takes in "
        f"`config` is told in the handbook. {BY_OWNER}"
    ),
)
async def add_source(
    agent_id: FromPath[UUID],
    data: JSONBody[SourceInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Source:
    """Give an agent another source."""
    worker = services.part(KnowledgeParts).sources
    async with services.db.transaction(actor) as tx:
        return await actions.add_source(tx, actor, agent_id, data, worker.settings, worker.outbound)


@post(
    "/{agent_id:uuid}/knowledge/files",
    summary="Give an agent a file",
    description=(
        "The body is the file, whatever its content type. It is stored when this answers, and read thereafter; one of "
        "the same name is replaced."
    ),
)
async def add_file(
    agent_id: FromPath[UUID],
    request: AnyRequest,
    name: Name,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Source:
    """Take a file in, for an agent to look things up in."""
    return await files.add_file(services.part(FileStore), actor, agent_id, name, body_of(request))


@put(
    "/{agent_id:uuid}/knowledge/files/{file_id:uuid}",
    summary="Give an agent a conversation's file",
    description="A file that you may read: from now on whoever may see the agent finds what it says.",
)
async def add_attached(
    agent_id: FromPath[UUID],
    file_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Source:
    """Give an agent a file of a conversation."""
    async with services.db.transaction(actor) as tx:
        return await files.add_attached(tx, actor, agent_id, file_id)


@get("/{agent_id:uuid}/knowledge/{source_id:uuid}", summary="Show a source")
async def get_source(
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Source:
    """How a source stands."""
    async with services.db.transaction(actor) as tx:
        return await queries.access_source(tx, actor, agent_id, source_id)


@patch(
    "/{agent_id:uuid}/knowledge/{source_id:uuid}",
    summary="Change a source",
    description="Its name, its configuration, its schedule, whether it is on: what is off is neither read nor found.",
)
async def change_source(
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
    data: JSONBody[SourcePatch],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Source:
    """Change a source."""
    worker = services.part(KnowledgeParts).sources
    async with services.db.transaction(actor) as tx:
        return await actions.change_source(tx, actor, agent_id, source_id, data, worker.settings, worker.outbound)


@delete(
    "/{agent_id:uuid}/knowledge/{source_id:uuid}",
    summary="Remove a source",
    description="With what it holds; documents that stand elsewhere, too, stay there.",
)
async def remove_source(
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Remove a source."""
    async with services.db.transaction(actor) as tx:
        await actions.remove_source(tx, actor, agent_id, source_id)


@post(
    "/{agent_id:uuid}/knowledge/{source_id:uuid}/sync",
    summary="Go through a source now",
    description="What has not changed is not read again. One that is under way goes on.",
    status_code=200,
)
async def sync_source(
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Source:
    """Ask for a sync."""
    async with services.db.transaction(actor) as tx:
        return await actions.sync_source(tx, actor, agent_id, source_id)


@delete(
    "/{agent_id:uuid}/knowledge/{source_id:uuid}/sync",
    summary="Call a sync off",
    description="What it has taken stays.",
    status_code=200,
)
async def cancel_sync(
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Source:
    """Call a sync off."""
    async with services.db.transaction(actor) as tx:
        return await actions.cancel_sync(tx, actor, agent_id, source_id)


@get(
    "/{agent_id:uuid}/knowledge/{source_id:uuid}/items",
    summary="List what a source holds",
    description="The oldest first, each with its document and how far that is.",
)
async def list_items(
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[SourceItem]:
    """List what a source holds."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_items(tx, actor, agent_id, source_id, after=after, limit=limit)


@get(
    "/{agent_id:uuid}/knowledge/{source_id:uuid}/syncs",
    summary="List a source's syncs",
    description="How it was gone through, the newest first.",
)
async def list_syncs(
    agent_id: FromPath[UUID],
    source_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[SourceSync]:
    """List a source's syncs."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_syncs(tx, actor, agent_id, source_id, after=after, limit=limit)


ROUTERS = [
    api_router(
        "/agents",
        [
            list_sources,
            add_source,
            add_file,
            add_attached,
            get_source,
            change_source,
            remove_source,
            sync_source,
            cancel_sync,
            list_items,
            list_syncs,
        ],
        tags=["Knowledge"],
    )
]
