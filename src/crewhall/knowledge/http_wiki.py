"""The wiki over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.knowledge import http_wiki_decisions as decisions
from crewhall.knowledge import wiki, wiki_queries, wiki_reading
from crewhall.knowledge.vocabulary import EntryOrder, WikiStatus
from crewhall.knowledge.wiki_differences import compare
from crewhall.knowledge.wiki_schemas import (
    Entry,
    EntryDifferences,
    EntryEdit,
    EntrySummary,
    EntryVersion,
    NewEntry,
    WikiCategory,
)

Words = Annotated[str | None, QueryParameter(description="Words to find, best first; titles stand above bodies.")]
InCategory = Annotated[str | None, QueryParameter(description="Only of this category.")]
Tagged = Annotated[str | None, QueryParameter(description="Only with this tag.")]
OfProject = Annotated[UUID | None, QueryParameter(description="Only what is of this project.")]
Order = Annotated[EntryOrder, QueryParameter(description="By title, the last approved first, or the most read first.")]
OfStatus = Annotated[WikiStatus | None, QueryParameter(description="Only what has come so far.")]
Own = Annotated[bool, QueryParameter(description="Only one's own.")]
BY_AUTHORS = "By people and by agents of the organization."


@get("/", summary="List wiki entries", description="What is approved, by title; with `q` what matches, best first.")
async def list_entries(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Words = None,
    category: InCategory = None,
    tag: Tagged = None,
    project: OfProject = None,
    order: Order = EntryOrder.TITLE,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[EntrySummary]:
    """List or find entries."""
    async with services.db.transaction(actor) as tx:
        if q is not None:
            return await wiki_queries.search_entries(
                tx, actor, q, category=category, tag=tag, project_id=project, after=after, limit=limit
            )
        return await wiki_queries.list_entries(
            tx, actor, order=order, category=category, tag=tag, project_id=project, after=after, limit=limit
        )


@post(
    "/",
    summary="Write a wiki entry",
    description=f"Proposed at once, unless it is kept as a draft, which its author alone sees. {BY_AUTHORS}",
)
async def write_entry(
    data: JSONBody[NewEntry], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> EntryVersion:
    """Begin an entry."""
    async with services.db.transaction(actor) as tx:
        return await wiki.write_entry(tx, actor, data)


@get("/categories", summary="List wiki categories", description="In the order that the organization's settings have.")
async def list_categories(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page[WikiCategory]:
    """List the categories with how many entries each has."""
    async with services.db.transaction(actor) as tx:
        return Page(await wiki_reading.list_categories(tx, actor))


@get(
    "/versions",
    summary="List unsettled versions of wiki entries",
    description="Newest first: one's own drafts, proposals and what was rejected; to owners and admins what waits.",
)
async def list_open_versions(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    status: OfStatus = None,
    own: Own = False,  # noqa: FBT002 - a parameter of the query
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[EntryVersion]:
    """List what is not settled."""
    async with services.db.transaction(actor) as tx:
        return await wiki_queries.list_open(tx, actor, status=status, own=own, after=after, limit=limit)


@get("/versions/{version_id:uuid}", summary="Show a version of a wiki entry")
async def get_version(
    version_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> EntryVersion:
    """Show a version with its words."""
    async with services.db.transaction(actor) as tx:
        return await wiki_queries.access_version(tx, actor, version_id)


@get(
    "/versions/{version_id:uuid}/differences",
    summary="Show what a version changes",
    description="Word by word, against the approved version that it was made from.",
)
async def get_differences(
    version_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> EntryDifferences:
    """Compare a version with the one before."""
    async with services.db.transaction(actor) as tx:
        return await compare(tx, actor, await wiki_queries.access_version(tx, actor, version_id))


@post(
    "/versions/{version_id:uuid}/propose",
    summary="Propose a version",
    description="One's own draft, or once more what was rejected.",
    status_code=200,
)
async def propose_version(
    version_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> EntryVersion:
    """Let a version wait for a decision."""
    async with services.db.transaction(actor) as tx:
        return await wiki.propose_version(tx, actor, version_id)


@post(
    "/versions/{version_id:uuid}/withdraw",
    summary="Take a proposal back",
    description="It is one's own draft again.",
    status_code=200,
)
async def withdraw_version(
    version_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> EntryVersion:
    """Take back what waits."""
    async with services.db.transaction(actor) as tx:
        return await wiki.withdraw_version(tx, actor, version_id)


@delete(
    "/versions/{version_id:uuid}",
    summary="Throw a version away",
    description="One's own that is not settled; an entry that was nothing else goes with it.",
)
async def drop_version(
    version_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Throw away a draft, a proposal, or what was rejected."""
    async with services.db.transaction(actor) as tx:
        await wiki.drop_version(tx, actor, version_id)


@get(
    "/{entry_id:uuid}",
    summary="Read a wiki entry",
    description="The version approved last, with what it links to and what links to it. It is counted as read.",
)
async def read_entry(
    entry_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Entry:
    """Read an entry."""
    return await wiki_reading.read_entry(services.db, actor, entry_id)


@get(
    "/by-slug/{slug:str}",
    summary="Read a wiki entry by its slug",
    description="Or by its title, as links between entries name it. It is counted as read.",
)
async def read_entry_by_slug(
    slug: FromPath[str], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Entry:
    """Read the entry of a name."""
    async with services.db.transaction(actor) as tx:
        found = await wiki_reading.find_entry(tx, actor, slug)
    return await wiki_reading.read_entry(services.db, actor, found.id)


@get(
    "/{entry_id:uuid}/versions",
    summary="List versions of a wiki entry",
    description="Newest first: what was approved, one's own, and to owners and admins what waited and was rejected.",
)
async def list_entry_versions(
    entry_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[EntryVersion]:
    """List the versions that the caller may see."""
    async with services.db.transaction(actor) as tx:
        return await wiki_queries.list_history(tx, actor, entry_id, after=after, limit=limit)


@post(
    "/{entry_id:uuid}/versions",
    summary="Edit a wiki entry",
    description=(
        "Writes a new version, from the approved one or from one's own that is not settled. 409 `stale_entry` with what"
        f" is there where that one is not the newest. {BY_AUTHORS}"
    ),
)
async def edit_entry(
    entry_id: FromPath[UUID],
    data: JSONBody[EntryEdit],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> EntryVersion:
    """Write another version."""
    async with services.db.transaction(actor) as tx:
        return await wiki.edit_entry(tx, actor, entry_id, data)


ROUTERS = [
    api_router(
        "/wiki",
        [
            list_entries, write_entry, list_categories, list_open_versions, get_version, get_differences,
            propose_version, withdraw_version, drop_version, read_entry, read_entry_by_slug, list_entry_versions,
            edit_entry, *decisions.HANDLERS,
        ],
        tags=["Wiki"],
    )
]  # fmt: skip
