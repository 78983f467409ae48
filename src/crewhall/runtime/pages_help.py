"""The handbook as pages: where the guide's links lead."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from markupsafe import Markup

from crewhall.conversations import render_markdown
from crewhall.faces.plumbing.pages import render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import NOT_FOUND
from crewhall.runtime.handbook import FOR_MAKERS, IN_ORDER, at_home, pages, sections_of

AnyRequest = Request[Any, Any, Any]


@get("/help")
async def show_handbook(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Response[str]:
    """What there is to read."""
    known = sorted(pages().values(), key=lambda page: (page.name not in IN_ORDER, _place(page.name)))
    return await render_in_hall(
        "help.html",
        request,
        services,
        actor,
        users=[page for page in known if page.name not in FOR_MAKERS],
        makers=[page for page in known if page.name in FOR_MAKERS],
    )


def _place(name: str) -> int:
    return IN_ORDER.index(name) if name in IN_ORDER else 0


@get("/help/{name:str}")
async def show_help(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], name: FromPath[str]
) -> Response[str]:
    """One page of the handbook."""
    page = pages().get(name)
    if page is None:
        raise NOT_FOUND("The handbook has no such page.")
    shown = [
        (section, Markup(render_markdown(at_home(section.text, services.base_url))))  # noqa: S704 - sanitised
        for section in sections_of(page)
    ]
    return await render_in_hall("help_page.html", request, services, actor, page=page, sections=shown)


PAGES = page_router([show_handbook, show_help])
