"""What can go wrong for a client: the server's own problem details, no server at all, or no valid sign-in."""

from typing import Any

import httpx
import msgspec


class CrewhallApiError(Exception):
    """The server refused. `code` is stable, `detail` says what to do next, `fields` are the error's own facts.

    `status` is the HTTP status, or 0 when the refusal came over a socket.
    """

    def __init__(
        self,
        code: str,
        status: int,
        detail: str,
        fields: dict[str, Any] | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status = status
        self.detail = detail
        self.fields = fields or {}
        self.request_id = request_id


class SignedOut(CrewhallApiError):
    """The token or key is missing, wrong, expired or revoked, and could not be renewed."""


class NotReachable(Exception):
    """No answer from the server within the time allowed for retries."""


PROBLEM_MEMBERS = frozenset({"type", "title", "status", "detail", "code", "request_id", "instance"})


def error_from(response: httpx.Response) -> CrewhallApiError:
    """Read problem details; an answer that has none (a proxy's page) still makes an error with a code."""
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        problem = {}
    code = str(problem.get("code") or f"http_{response.status_code}")
    detail = str(problem.get("detail") or problem.get("title") or f"The server answered {response.status_code}.")
    fields = {name: value for name, value in problem.items() if name not in PROBLEM_MEMBERS}
    request_id = problem.get("request_id") or response.headers.get("x-request-id")
    kind = SignedOut if response.status_code == httpx.codes.UNAUTHORIZED else CrewhallApiError
    return kind(code, response.status_code, detail, fields, request_id)
