"""A person's day over HTTP."""

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.work.day import Day, Waiting, read_day

Since = Annotated[
    datetime | None, QueryParameter(description="What happened since then, with an offset; a day ago unless told.")
]


@get(
    "/",
    summary="Show one's day",
    description=(
        "Of a person: open tasks by urgency, mentions that are unread, calls of agents that wait for a decision, "
        "questions without an answer, which agents are at work on what, and what happened."
    ),
)
async def show_day(services: NamedDependency[Services], actor: NamedDependency[Actor], since: Since = None) -> Day:
    """Show the caller's day."""
    async with services.db.transaction(actor) as tx:
        return await read_day(tx, actor, services.part(Waiting), since)


ROUTERS = [api_router("/day", [show_day], tags=["Work sessions"])]
