"""Decisions about the wiki over HTTP: approve, reject, roll back, archive, restore."""

from uuid import UUID

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.knowledge import wiki_decisions, wiki_moves, wiki_queries
from crewhall.knowledge.wiki_schemas import Approve, EntryVersion, MoveEntry, Reject, RollBack

BY_DECIDERS = "By owners and admins."


@get(
    "/archived",
    summary="List archived wiki entries",
    description=f"Each as it was read last. {BY_DECIDERS}",
)
async def list_archived_entries(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[EntryVersion]:
    """List what can be restored."""
    async with services.db.transaction(actor) as tx:
        return await wiki_queries.list_archived(tx, actor, after=after, limit=limit)


@post(
    "/versions/{version_id:uuid}/approve",
    summary="Approve a version",
    description=f"Everybody in the entry's scope reads it from now on. {BY_DECIDERS}",
    status_code=200,
)
async def approve_version(
    version_id: FromPath[UUID],
    data: JSONBody[Approve],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> EntryVersion:
    """Approve what waits."""
    async with services.db.transaction(actor) as tx:
        return await wiki_decisions.approve_version(tx, actor, version_id, data.reason)


@post(
    "/versions/{version_id:uuid}/reject",
    summary="Reject a version",
    description=f"Its author reads why, and may write it anew. {BY_DECIDERS}",
    status_code=200,
)
async def reject_version(
    version_id: FromPath[UUID],
    data: JSONBody[Reject],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> EntryVersion:
    """Reject what waits."""
    async with services.db.transaction(actor) as tx:
        return await wiki_decisions.reject_version(tx, actor, version_id, data.reason)


@post(
    "/{entry_id:uuid}/rollback",
    summary="Roll a wiki entry back",
    description=(
        "The words of an approved version before become those of a new one: proposed, or approved at once where the"
        " caller may decide."
    ),
)
async def roll_back_entry(
    entry_id: FromPath[UUID],
    data: JSONBody[RollBack],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> EntryVersion:
    """Go back to former words, as a new version."""
    async with services.db.transaction(actor) as tx:
        return await wiki_decisions.roll_back(tx, actor, entry_id, data)


@put(
    "/{entry_id:uuid}/project",
    summary="Move a wiki entry",
    description=(
        "To a project, or to the whole organization. Its words stay, in a version that tells of the move; who reads and"
        f" finds it changes at once, links to it stay. {BY_DECIDERS}"
    ),
)
async def move_entry(
    entry_id: FromPath[UUID],
    data: JSONBody[MoveEntry],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> EntryVersion:
    """Move an entry."""
    async with services.db.transaction(actor) as tx:
        return await wiki_moves.move_entry(tx, actor, entry_id, data)


@put(
    "/{entry_id:uuid}/archive",
    summary="Archive a wiki entry",
    description=f"Nobody reads or finds it any more; its versions stay. {BY_DECIDERS}",
    status_code=204,
)
async def archive_entry(
    entry_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Take an entry out of the wiki."""
    async with services.db.transaction(actor) as tx:
        await wiki_decisions.archive_entry(tx, actor, entry_id)


@delete("/{entry_id:uuid}/archive", summary="Restore a wiki entry", description=BY_DECIDERS)
async def restore_entry(
    entry_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Bring an archived entry back."""
    async with services.db.transaction(actor) as tx:
        await wiki_decisions.restore_entry(tx, actor, entry_id)


HANDLERS = [
    approve_version, reject_version, roll_back_entry, move_entry, archive_entry, restore_entry, list_archived_entries,
]  # fmt: skip
