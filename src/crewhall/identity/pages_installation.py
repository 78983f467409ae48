"""The page that shows how the installation runs."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from crewhall.faces.plumbing.pages import render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity.concerns import FOLLOWERS
from crewhall.identity.installation import LogFollowers, look_at_installation
from crewhall.identity.schemas_installation import Installation
from crewhall.kernel.actor import Actor
from crewhall.kernel.counting import lasting, size_in_words, up_to

KINDS = {
    "up": "Does everything",
    "serve": "Answers people and agents",
    "worker": "Takes turns, and does what follows",
    "projector": "Writes what Kafka holds into the database",
}
QUEUES = {"turns": "Turns", "documents": "Documents", "github": "From GitHub", "imports": "Imports"}
NOTICED_S = 5
"""What is seen sooner is seen at once, as far as anybody notices."""


@get("/settings/installation")
async def show_installation(
    request: Request[Any, Any, Any], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Response[str]:
    """Processes, the log, what waits, the database; for who runs the installation."""
    found = await look_at_installation(services.db, services.settings, services.part(LogFollowers), actor)
    return await render_in_hall(
        "settings_installation.html", request, services, actor,
        found=found, kinds=KINDS, up_to=up_to,
        followers=[(FOLLOWERS.get(one.name, one.name), _behind(one.lag_s)) for one in found.followers],
        queues=[(QUEUES.get(one.name, one.name), up_to(one.waiting)) for one in found.queues],
        is_behind=any(one.lag_s is not None and one.lag_s >= NOTICED_S for one in found.followers),
        database_size=size_in_words(found.database.size_bytes), free=_free(found),
    )  # fmt: skip


def _behind(lag_s: float | None) -> str:
    return "has seen everything" if lag_s is None else f"{lasting(int(lag_s))} behind"


def _free(found: Installation) -> str | None:
    disk = found.disk
    return None if disk is None else f"{size_in_words(disk.free_bytes)} of {size_in_words(disk.total_bytes)}"


INSTALLATION = [show_installation]
