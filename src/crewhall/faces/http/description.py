"""The description of the API (OpenAPI 3.1), made when it is first asked for, with its errors as problem details."""

import copy
from typing import Any

import msgspec
from litestar import Request
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Contact, License, SecurityScheme

from crewhall.faces.plumbing.problems import MEDIA_TYPE
from crewhall.faces.plumbing.routers import API_PREFIX
from crewhall.version import VERSION

DESCRIPTION = """
One API for people and agents. Send `Authorization: Bearer …` with a person's access token or an agent's key, and
`X-Crewhall-Org` (id or slug) where a person belongs to several organizations.

Lists answer `{items, next}`: give `next` back as `after`. Errors are problem details (RFC 9457) with a stable `code`.
Live delivery is the WebSocket `/api/v1/live`, or one conversation's event stream.
"""
OPERATIONS = ("get", "put", "post", "delete", "patch")
PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "An error (RFC 9457). `code` is stable; `detail` says what to do next; more fields may follow.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
    },
    "additionalProperties": True,
}


class Description(JsonRenderPlugin):
    """Serves the description at `openapi.json`; it is the same for everybody and made once."""

    def __init__(self) -> None:
        super().__init__()
        self._made: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Give the description as JSON."""
        if self._made is None:
            self._made = msgspec.json.encode(with_problems(openapi_schema))
        return self._made


def with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with problem details as every operation's default answer, in place of the framework's own."""
    described = copy.deepcopy(schema)
    described.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for item in described.get("paths", {}).values():
        for name in OPERATIONS:
            if name in item:
                answers = item[name].setdefault("responses", {})
                answers.pop("400", None)
                answers["default"] = {"description": "An error, as problem details", "content": content}
    return described


def describe() -> OpenAPIConfig:
    """How Litestar describes the API."""
    return OpenAPIConfig(
        title="Crewhall",
        version=VERSION,
        description=DESCRIPTION.strip(),
        contact=Contact(name="Crewhall maintainers"),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        path=API_PREFIX,
        render_plugins=[Description()],
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", description="Access token or agent key."),
                "session": SecurityScheme(type="apiKey", name="crewhall_session", security_scheme_in="cookie"),
            }
        ),
        security=[{"bearer": []}, {"session": []}],
    )
