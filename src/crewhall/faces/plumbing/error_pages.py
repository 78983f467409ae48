"""Errors as pages. Whoever is signed in stays in the hall, with the sidebar, and goes on where they want."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from crewhall.faces.plumbing.dependencies import provide_guest, services_of
from crewhall.faces.plumbing.pages import go, render, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
NOT_THERE, SERVER_FAILED = 404, 500


class ErrorInHall(Response[str]):
    """Renders its page when it is sent: the sidebar is read from the database, which handlers of exceptions cannot."""

    def __init__(self, request: AnyRequest, services: Services, actor: Actor, error: CrewhallError) -> None:
        super().__init__("", status_code=error.kind.status)
        self._page = _Page(request, services, actor, error)

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """The page, which is yet to be rendered."""
        return self._page


class _Page(ASGIResponse):
    def __init__(self, request: AnyRequest, services: Services, actor: Actor, error: CrewhallError) -> None:
        super().__init__(status_code=error.kind.status)
        self._request, self._services, self._actor, self._error = request, services, actor, error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the page; without the sidebar where that cannot be read."""
        response = await self._rendered()
        await response.to_asgi_response(None, self._request)(scope, receive, send)

    async def _rendered(self) -> Response[str]:
        error, status = self._error, self._error.kind.status
        sought = self._request.url.path if status == NOT_THERE and self._request.method == "GET" else None
        if sought and self._request.url.query:
            sought += f"?{self._request.url.query}"
        try:
            return await render_in_hall(
                "error_in_hall.html", self._request, self._services, self._actor,
                status=status, error=error, sought=sought,
            )  # fmt: skip
        except Exception:  # noqa: BLE001 - what failed is shown, not that the sidebar failed too
            return render("error.html", self._request, status=status, error=error)


def error_page(request: AnyRequest, error: CrewhallError) -> Response[Any]:
    """The error as a page; somebody who is not signed in is led to the door and back.

    Where a form leads is no page to come back to: who opens such an address sees the page that the form stands on.
    """
    is_visit = request.method == "GET"
    if error.code == "unauthenticated":
        query = f"?{request.url.query}" if request.url.query and is_visit else ""
        there = (request.url.path if is_visit else _page_of(request)) + query
        return go("/login" if there == "/" else f"/login?next={quote(there, safe='')}")
    if error.code == "method_not_allowed" and is_visit:
        return go(_page_of(request))
    if error.code == "no_organization":
        return go("/organizations")
    return _shown(request, error)


def _page_of(request: AnyRequest) -> str:
    """The path of the request if it can be opened, else the nearest above it that can."""
    path = "/" + request.url.path.strip("/")
    while path:
        try:
            request.app.asgi_router.handle_routing(path=path, method="GET")
        except (NotFoundException, MethodNotAllowedException):
            path = path.rpartition("/")[0]
        else:
            return path
    return "/"


def _shown(request: AnyRequest, error: CrewhallError) -> Response[Any]:
    """The page, in the hall for whoever is in it. A frame of a page shows an error by itself."""
    actor = provide_guest(request)
    if actor is None or actor.org_id is None or error.kind.status >= SERVER_FAILED or "turbo-frame" in request.headers:
        return render("error.html", request, status=error.kind.status, error=error)
    return ErrorInHall(request, services_of(request), actor, error)
