"""One small family of errors with stable codes; every face renders the same error (RFC 9457 over HTTP).

A kind of error is defined once and called to make one: ``raise NOT_FOUND("There is no such conversation.")``.
The detail is a sentence that a person can act on; the fields are structured and safe to show.
"""

from typing import Any

import msgspec

KINDS: dict[str, "ErrorKind"] = {}
"""Every kind of error by its code; the reference page `docs/errors.md` must name each."""


class CrewhallError(Exception):
    """What went wrong, in a form that each face can show."""

    def __init__(self, kind: "ErrorKind", detail: str, fields: dict[str, Any]) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.fields = fields

    @property
    def code(self) -> str:
        """The stable code that clients may switch on."""
        return self.kind.code


class ErrorKind(msgspec.Struct, frozen=True):
    """A stable code, the HTTP status it maps to, and a short title."""

    code: str
    status: int
    title: str

    def __call__(self, detail: str, **fields: Any) -> CrewhallError:
        """Make an error of this kind."""
        return CrewhallError(self, detail, fields)


def define_error(code: str, status: int, title: str) -> ErrorKind:
    """Define a kind of error once; a second definition of the same code is a programming error."""
    if code in KINDS:
        raise ValueError(f"error code {code!r} is defined twice")
    KINDS[code] = ErrorKind(code, status, title)
    return KINDS[code]


INVALID = define_error("invalid", 422, "The input is not valid")
MALFORMED = define_error("malformed", 400, "The request cannot be read")
UNAUTHENTICATED = define_error("unauthenticated", 401, "Sign in first")
FORBIDDEN = define_error("forbidden", 403, "Not allowed")
CROSS_ORIGIN = define_error("cross_origin", 403, "Refused: the request came from another site")
NOT_FOUND = define_error("not_found", 404, "Not found")
METHOD_NOT_ALLOWED = define_error("method_not_allowed", 405, "Method not allowed")
CONFLICT = define_error("conflict", 409, "Conflict")
TOO_LARGE = define_error("too_large", 413, "Too large")
BROKEN_OFF = define_error("upload_broken_off", 400, "The upload broke off")
UPLOAD_DAMAGED = define_error("upload_damaged", 400, "The upload is not what was sent")
UNSUPPORTED_MEDIA_TYPE = define_error("unsupported_media_type", 415, "Unsupported media type")
TOO_MANY_REQUESTS = define_error("too_many_requests", 429, "Too many requests")
INTERNAL = define_error("internal", 500, "Something went wrong on our side")
UNAVAILABLE = define_error("unavailable", 503, "Not available right now")
DATABASE_AWAY = define_error("database_away", 503, "The database is away")
