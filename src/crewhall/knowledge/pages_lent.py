"""The page of a passage that is lent with an agent: what an answer cites of another organization's knowledge."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from markupsafe import Markup

from crewhall.conversations import render_markdown
from crewhall.faces.plumbing.pages import render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.knowledge.lent import access_lent_passage
from crewhall.knowledge.pages import below_title


@get("/lent/{chunk_id:uuid}")
async def show_lent_passage(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    chunk_id: FromPath[UUID],
) -> Response[str]:
    """A passage, with what it stands in and who lends it."""
    async with services.db.transaction(actor) as tx:
        passage = await access_lent_passage(tx, actor, chunk_id)
    html = Markup(below_title(render_markdown(passage.content.strip("\n") or " ")))  # noqa: S704 - it sanitises
    return await render_in_hall("lent.html", request, services, actor, passage=passage, html=html)


PAGES = page_router([show_lent_passage])
