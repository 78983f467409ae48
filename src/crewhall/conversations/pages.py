"""Pages of conversations: the stream, what is around it, search."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from markupsafe import Markup

from crewhall.conversations import (
    pages_about,
    pages_defaults,
    pages_drafts,
    pages_files,
    pages_keeping,
    pages_manage,
    pages_pins,
    pages_show,
)
from crewhall.conversations.pages_words import within_sentence
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.schemas import SearchHit
from crewhall.conversations.search import is_too_common, search
from crewhall.faces.plumbing.pages import render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import Page

AnyRequest = Request[Any, Any, Any]


@get("/search")
async def show_search(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: FromQuery[str] = "",
    conversation: FromQuery[UUID | None] = None,
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """Messages within reach that match, newest first."""
    problem, found, too_common = None, Page[SearchHit]([]), False
    async with services.db.transaction(actor) as tx:
        within = await get_conversation(tx, actor, conversation) if conversation else None
        try:
            if q.strip():
                found = await search(tx, actor, q, conversation_id=conversation, after=after)
                too_common = not found.items and await is_too_common(tx, actor, q)
        except CrewhallError as error:
            problem = error.detail
    return await render_in_hall(
        "search.html",
        request,
        services,
        actor,
        q=q,
        within=within,
        where=within_sentence(within) if within else None,
        results=[(hit, _place(hit), Markup(hit.snippet)) for hit in found.items],  # noqa: S704 - escaped by search
        next=found.next,
        problem=problem,
        too_common=too_common,
    )


def _place(hit: SearchHit) -> str:
    return f"#{hit.conversation.name}" if hit.conversation.name else hit.conversation.title or "a direct conversation"


PAGES = page_router(
    [
        *pages_show.HANDLERS,
        *pages_manage.HANDLERS,
        *pages_about.HANDLERS,
        *pages_pins.HANDLERS,
        *pages_files.HANDLERS,
        *pages_keeping.HANDLERS,
        *pages_drafts.HANDLERS,
        *pages_defaults.HANDLERS,
        show_search,
    ]
)
