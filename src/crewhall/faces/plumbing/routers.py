"""Routers of the faces: the API below /api/v1, the pages at the root."""

from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Router
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ControllerRouterHandler

from crewhall.faces.plumbing.dependencies import signed_in
from crewhall.faces.plumbing.refusals import BODY
from crewhall.kernel.errors import UNSUPPORTED_MEDIA_TYPE

API_PREFIX = "/api/v1"


async def require_caller(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Refuse a guest before anything of the request is read, so that it is told to sign in whatever else is wrong.

    Waits for nothing, but a guard that is no coroutine would cost each request a thread.
    """
    signed_in(connection.scope.get("actor"))  # type: ignore[arg-type]


async def require_json(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse a body that says it is something else than JSON, where a body is read."""
    if BODY in handler.parsed_fn_signature.parameters and not says_json(connection.scope["headers"]):
        raise UNSUPPORTED_MEDIA_TYPE("Send the body as JSON, with `Content-Type: application/json`.")


def says_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request's body is JSON by its content type; it is where nothing is said."""
    said = b"application/json"
    for name, value in headers:
        if name == b"content-type":
            said = value
            break
    if said == b"application/json":
        return True
    kind = said.partition(b";")[0].strip().lower()
    return kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json"))


def api_router(
    path: str, handlers: Sequence[ControllerRouterHandler], *, tags: list[str], for_guests: bool = False
) -> Router:
    """Make a router of JSON handlers below the API prefix; without a caller they are open only `for_guests`."""
    guards = [require_json] if for_guests else [require_caller, require_json]
    return Router(path=API_PREFIX + path, route_handlers=list(handlers), tags=tags, guards=guards)


def page_router(handlers: Sequence[ControllerRouterHandler]) -> Router:
    """Make a router of pages: they are no part of the API's description."""
    return Router(path="/", route_handlers=list(handlers), include_in_schema=False)
