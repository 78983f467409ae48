"""Routers of the faces: the API below /api/v1, the pages at the root."""

from collections.abc import Sequence
from typing import Any

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ControllerRouterHandler

from crewhall.faces.plumbing.dependencies import signed_in

API_PREFIX = "/api/v1"


async def require_caller(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Refuse a guest before anything of the request is read, so that it is told to sign in whatever else is wrong.

    Waits for nothing, but a guard that is no coroutine would cost each request a thread.
    """
    signed_in(connection.scope.get("actor"))  # type: ignore[arg-type]


def api_router(
    path: str, handlers: Sequence[ControllerRouterHandler], *, tags: list[str], for_guests: bool = False
) -> Router:
    """Make a router of JSON handlers below the API prefix; without a caller they are open only `for_guests`."""
    guards = [] if for_guests else [require_caller]
    return Router(path=API_PREFIX + path, route_handlers=list(handlers), tags=tags, guards=guards)


def page_router(handlers: Sequence[ControllerRouterHandler]) -> Router:
    """Make a router of pages: they are no part of the API's description."""
    return Router(path="/", route_handlers=list(handlers), include_in_schema=False)
