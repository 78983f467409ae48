"""The page that says how far an organization's index is: documents, the embedding model, the language of search."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from crewhall.faces.plumbing.pages import render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.knowledge.indexing import get_status
from crewhall.knowledge.lifecycle import KnowledgeParts


@get("/settings/knowledge")
async def show_status(
    request: Request[Any, Any, Any], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Response[str]:
    """What is searchable, and what is under way. Owners and admins."""
    async with services.db.transaction(actor) as tx:
        status = await get_status(tx, actor, services.part(KnowledgeParts).means.most_chunks)
    waiting = status.queued + status.extracting + status.embedding + status.outdated
    is_under_way = bool(waiting or status.next_model or status.rewriting)
    return await render_in_hall(
        "settings_knowledge.html", request, services, actor, index=status, is_under_way=is_under_way
    )


PAGES = page_router([show_status])
