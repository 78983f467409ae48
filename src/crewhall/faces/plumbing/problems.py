"""Errors as problem details (RFC 9457), the same from every route; pages get the same error as a page."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException
from psycopg_pool import PoolTimeout

from crewhall.faces.plumbing.refusals import refused_request
from crewhall.kernel.db import is_lost
from crewhall.kernel.errors import (
    CONFLICT,
    DATABASE_AWAY,
    INTERNAL,
    INVALID,
    KINDS,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    TOO_LARGE,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    CrewhallError,
)
from crewhall.kernel.telemetry import request_id

log = logging.getLogger(__name__)
PROBLEM_TYPE = "https://crewhall.dev/errors/"
MEDIA_TYPE = "application/problem+json"
Rendering = Callable[[CrewhallError], tuple[int, bytes, str]]
"""How an error is shown: status, body, media type."""
_BY_STATUS = {400: MALFORMED, 404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 413: TOO_LARGE, 415: UNSUPPORTED_MEDIA_TYPE}
_SENTENCES = {
    400: "The request cannot be read. Check the path, the query and the body against the API reference.",
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    413: "The body is too large.",
    415: "Send the body as JSON.",
}


def problem_of(error: CrewhallError) -> dict[str, Any]:
    """The problem details of an error; no field of it stands in for one of the standard's."""
    standard: dict[str, Any] = {
        "type": PROBLEM_TYPE + error.code,
        "title": error.kind.title,
        "status": error.kind.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id.get(),
    }
    fields: dict[str, Any] = msgspec.to_builtins(error.fields)
    return standard | fields | standard


def rendered(error: CrewhallError) -> tuple[int, bytes, str]:
    """The whole answer that shows an error: status, body, media type."""
    return error.kind.status, msgspec.json.encode(problem_of(error)), MEDIA_TYPE


def headers_of(error: CrewhallError) -> dict[str, str]:
    """Headers that go with an error: Retry-After, Allow, WWW-Authenticate."""
    headers = {}
    if "retry_after" in error.fields:
        headers["Retry-After"] = str(error.fields["retry_after"])
    if "allow" in error.fields:
        headers["Allow"] = error.fields["allow"]
    if error.kind.status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = 'Bearer realm="crewhall"'
    return headers


def as_crewhall_error(error: Exception) -> CrewhallError:
    """Translate what libraries raise into the one family; what nobody expected is logged and hidden."""
    match error:
        case CrewhallError():
            return error
        case ValidationException():
            return INVALID(error.detail)
        case SerializationException():
            return MALFORMED("The body is not valid JSON of the expected shape.")
        case HTTPException() if error.status_code < 500:  # noqa: PLR2004
            kind = _BY_STATUS.get(error.status_code, MALFORMED)
            return kind(_SENTENCES.get(error.status_code, error.detail))
        case UnicodeDecodeError():
            return MALFORMED("The body is not valid UTF-8.")
        case RecursionError():
            return MALFORMED("The body is nested too deeply.")
        case psycopg.errors.UniqueViolation():
            return CONFLICT("This would exist twice.", constraint=error.diag.constraint_name)
        case psycopg.errors.CheckViolation() | psycopg.errors.ForeignKeyViolation():
            return INVALID("The database refuses this value.", constraint=error.diag.constraint_name)
        case psycopg.DataError():
            return INVALID("A value cannot be stored: it is out of range or holds a NUL character.")
        case psycopg.OperationalError() if is_lost(error):
            return DATABASE_AWAY("The database is away. Try again shortly.", retry_after=1)
        case (
            TimeoutError()
            | PoolTimeout()
            | psycopg.OperationalError()
            | psycopg.errors.IdleInTransactionSessionTimeout()  # no OperationalError, but as much our own slowness
            | psycopg.errors.TransactionTimeout()
        ):
            log.warning("unavailable", exc_info=error)
            return UNAVAILABLE("The server is busy or its database is away. Try again shortly.", retry_after=1)
    log.error("unexpected error", exc_info=error)
    return INTERNAL("Something went wrong on our side. The log names it by this request id.")


def render_problem(request: Request[Any, Any, Any], exception: Exception) -> Response[Any]:
    """Answer a request that failed: problem details, or the error page for a browser on a page."""
    error = (
        refused_request(request, exception)
        if isinstance(exception, ValidationException)
        else as_crewhall_error(exception)
    )
    page = getattr(request.app.state, "error_page", None)
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    if page is not None and wants_page:
        shown: Response[Any] = page(request, error)
        return shown
    return Response(
        msgspec.json.encode(problem_of(error)),
        status_code=error.kind.status,
        media_type=MEDIA_TYPE,
        headers=headers_of(error),
    )


def known_codes() -> list[str]:
    """Every error code, sorted."""
    return sorted(KINDS)
