"""The page of what agents noted of a conversation's older part."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from crewhall.conversations import Verb, access_conversation
from crewhall.faces.plumbing.pages import render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.runtime.summaries import list_summaries


@get("/c/{conversation_id:uuid}/summaries")
async def show_summaries(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """What each agent noted of a conversation."""
    async with services.db.transaction(actor) as tx:
        access = await access_conversation(tx, actor, conversation_id, Verb.READ)
        page = await list_summaries(tx, actor, conversation_id, after=after)
    return await render_in_hall(
        "summaries.html", request, services, actor, conversation=access, summaries=page.items, next=page.next
    )


PAGES = page_router([show_summaries])
