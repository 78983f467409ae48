"""What pages look like for whoever is not inside yet: as their organization does, where that can be told."""

from uuid import UUID

from msgspec import Struct

from crewhall.kernel.db import Database


class Looks(Struct, frozen=True):
    """What an organization is called and looks like."""

    name: str
    accent: str | None
    logo: UUID | None

    @property
    def logo_url(self) -> str | None:
        """Where its logo is, if it has one."""
        return logo_url(self.logo)


def logo_url(logo: UUID | None) -> str | None:
    """The address of a logo; it never shows anything else."""
    return f"/brand/logo/{logo}" if logo else None


async def find_looks(db: Database, org_id: UUID | None = None) -> Looks | None:
    """The looks of an organization that one is led to; by default of the only one of this installation, where it is."""
    async with db.transaction(None) as tx:
        return await tx.find(Looks, "select name, accent, logo from looks_of(%(org)s)", {"org": org_id})
