"""What pages look like for whoever is not inside yet: as their organization does, where that can be told."""

from uuid import UUID

from msgspec import Struct

from crewhall.kernel.db import Database


class Looks(Struct, frozen=True):
    """What an organization is called and looks like. `logo_url`: where its logo is, if it has one."""

    name: str
    accent: str | None
    logo_url: str | None


async def find_looks(db: Database, org_id: UUID | None = None) -> Looks | None:
    """The looks of an organization that one is led to; by default of the only one of this installation, where it is."""
    async with db.transaction(None) as tx:
        return await tx.find(
            Looks, "select name, accent, '/brand/logo/' || logo as logo_url from looks_of(%(org)s)", {"org": org_id}
        )
