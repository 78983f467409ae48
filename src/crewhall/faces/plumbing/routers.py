"""Routers of the faces: the API below /api/v1, the pages at the root."""

from collections.abc import Sequence

from litestar import Router
from litestar.types import ControllerRouterHandler

API_PREFIX = "/api/v1"


def api_router(path: str, handlers: Sequence[ControllerRouterHandler], *, tags: list[str]) -> Router:
    """Make a router of JSON handlers below the API prefix."""
    return Router(path=API_PREFIX + path, route_handlers=list(handlers), tags=tags)


def page_router(handlers: Sequence[ControllerRouterHandler]) -> Router:
    """Make a router of pages: they are no part of the API's description."""
    return Router(path="/", route_handlers=list(handlers), include_in_schema=False)
