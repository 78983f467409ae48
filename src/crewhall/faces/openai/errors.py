"""Errors as OpenAI's clients read them, with Crewhall's codes and sentences inside."""

from typing import Any

import msgspec

from crewhall.kernel.errors import INVALID, CrewhallError, define_error
from crewhall.kernel.telemetry import request_id

MODEL_NOT_FOUND = define_error("model_not_found", 404, "No such model")
UNSUPPORTED_PARAMETER = define_error("unsupported_parameter", 400, "This parameter cannot be honoured")
TURN_REFUSED = define_error("turn_refused", 409, "The agent does not answer this")
TURN_FAILED = define_error("turn_failed", 502, "The agent did not come to an answer")
NO_ANSWER = define_error("no_answer", 504, "The agent did not answer in time")

JSON = "application/json"
BAD_REQUEST = 400
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
SERVER_SIDE = 500
_TOLD_APART = frozenset({"field", "retry_after", "allow"})


def status_of(error: CrewhallError) -> int:
    """The status of an answer: what is not valid is 400 on this wire."""
    return BAD_REQUEST if error.kind is INVALID else error.kind.status


def body_of(error: CrewhallError) -> dict[str, Any]:
    """The error's body: `code` is Crewhall's, `param` the field that is meant."""
    status = status_of(error)
    kind = _TYPES.get(status, "server_error" if status >= SERVER_SIDE else "invalid_request_error")
    more = {name: value for name, value in error.fields.items() if name not in _TOLD_APART}
    told = {
        "message": error.detail,
        "type": kind,
        "param": error.fields.get("field"),
        "code": error.code,
        "request_id": request_id.get(),
        **msgspec.to_builtins(more),
    }
    return {"error": told}


def rendered(error: CrewhallError) -> tuple[int, bytes, str]:
    """The whole answer: status, body, media type."""
    return status_of(error), msgspec.json.encode(body_of(error)), JSON
