"""Projects as the wiki knows them: an entry may be of one, and agents of others do not read it then."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from crewhall.kernel.db import Tx
from crewhall.knowledge.wiki_schemas import EntryProject

MOST = 200
_READABLE: LiteralString = """
select id, slug, name from projects where org_id = any (current_orgs()) and id in (select readable_projects())
"""


async def find_project(tx: Tx, project_id: UUID) -> EntryProject | None:
    """A project that the actor may see."""
    return await tx.find(EntryProject, _READABLE + " and id = %(id)s", {"id": project_id})


async def list_open_projects(tx: Tx) -> list[EntryProject]:
    """The projects that something may be written for, by name; no more than one chooses from."""
    return await tx.all(
        EntryProject, _READABLE + " and is_active order by lower(name), id limit %(most)s", {"most": MOST}
    )


def scopes_of(projects: Sequence[EntryProject]) -> list[tuple[str, str]]:
    """What an entry may be about, to choose from: the whole organization, or one of the projects."""
    return [("", "The whole organization"), *((str(one.id), one.name) for one in projects)]


async def is_open(tx: Tx, project_id: UUID) -> bool:
    """Whether something may be written for a project, which stays so until the transaction ends."""
    held: LiteralString = _READABLE + " and id = %(id)s and is_active for key share"
    return await tx.find(EntryProject, held, {"id": project_id}) is not None
