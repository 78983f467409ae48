"""How the installation runs, over HTTP."""

from litestar import get
from litestar.di import NamedDependency

from crewhall.faces.plumbing.services import Services
from crewhall.identity.installation import LogFollowers, look_at_installation
from crewhall.identity.schemas_installation import Installation
from crewhall.kernel.actor import Actor


@get(
    "/",
    summary="How the installation runs",
    description="Its processes, where messages live, what follows the log, what waits, the database, and what somebody "
    "has to look at. For the owner of the organization that the installation began with.",
)
async def show_installation(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Installation:
    """Show how the installation runs."""
    return await look_at_installation(services.db, services.settings, services.part(LogFollowers), actor)
