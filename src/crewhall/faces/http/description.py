"""The description of the API (OpenAPI 3.1), made when it is first asked for, with its errors as problem details."""

import copy
import re
from typing import Any

import msgspec
from litestar import HttpMethod, Request, Router, route
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Contact, License, SecurityScheme
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from crewhall.faces.http import reference
from crewhall.faces.http.webhooks import describe_webhooks
from crewhall.faces.plumbing.problems import MEDIA_TYPE
from crewhall.faces.plumbing.routers import API_PREFIX
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.paging import MAX_LIMIT
from crewhall.version import VERSION

DESCRIPTION = """
One API for people and agents. Send `Authorization: Bearer …` with a person's access token or an agent's key, and
`X-Crewhall-Org` (id or slug) where a person belongs to several organizations.

Lists answer `{items, next}`: give `next` back as `after`. One list has two ways: messages read without `after` are the
newest, and their `next` leads to older ones, given back as `before`; read with `after` (a seq), it goes on as `after`.

Errors are problem details (RFC 9457) with a stable `code`.
Live delivery is the WebSocket `/api/v1/live`, or one conversation's event stream.
"""
FRAMEWORKS_WORDS = {
    "Request fulfilled, document follows",
    "Document created, URL follows",
    "Request accepted, processing continues off-line",
    "Request fulfilled, nothing follows",
}
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
            self._made = msgspec.json.encode(described(openapi_schema))
        return self._made


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with readable names, parameters described, and problem details as every operation's errors."""
    made = _renamed(copy.deepcopy(schema))
    made["tags"] = [{"name": name, "description": text} for name, text in reference.TAGS.items()]
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    made["webhooks"] = describe_webhooks(schemas)
    for name, example in reference.EXAMPLES.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    for item in made.get("paths", {}).values():
        for method in OPERATIONS:
            if method in item:
                _describe_operation(item[method])
    return made


def _describe_operation(operation: dict[str, Any]) -> None:
    answers = operation.setdefault("responses", {})
    answers.pop("400", None)
    for status, answer in answers.items():
        if answer.get("description") in FRAMEWORKS_WORDS:
            answer["description"] = reference.ANSWERS[status]
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answers["default"] = {"description": "An error, as problem details", "content": content}
    if form := reference.FURTHER_FORMS.get(operation.get("operationId", "")):
        forms = answers["200"]["content"]
        forms[form] = next(iter(forms.values()))
    if operation.get("operationId") in reference.GUEST_OPERATIONS:
        operation["security"] = []
    for parameter in operation.get("parameters", []):
        _describe_parameter(parameter)


def _describe_parameter(parameter: dict[str, Any]) -> None:
    """Say what it means, and drop the null that Python's default stands for: a query cannot say it."""
    schema = parameter["schema"]
    kinds = [kind for kind in schema.get("oneOf", ()) if kind.get("type") != "null"]
    if len(kinds) == 1 and len(kinds) < len(schema["oneOf"]):
        rest = {key: value for key, value in schema.items() if key not in {"oneOf", "default"}}
        schema = parameter["schema"] = {**kinds[0], **rest}
    name, place = parameter["name"], parameter["in"]
    if name == "limit":
        schema.update(minimum=1, maximum=schema.get("maximum", MAX_LIMIT))
    if schema.get("type") == "integer":
        schema.setdefault("minimum", 0)
    words = {
        "path": reference.PATH_PARAMETERS,
        "query": reference.QUERY_PARAMETERS,
        "header": reference.HEADER_PARAMETERS,
    }
    if not parameter.get("description") and name in words[place]:
        is_seq = name == "after" and schema.get("type") == "integer"
        parameter["description"] = reference.SEQ_AFTER if is_seq else words[place][name]


def _renamed(schema: dict[str, Any]) -> dict[str, Any]:
    """Pages are named for what is on them: `PageOfMessage`."""
    text = msgspec.json.encode(schema).decode()
    renamed: dict[str, Any] = msgspec.json.decode(re.sub(r"\bPage_(?:\w+\.)*(\w+?)_(?=\")", r"PageOf\1", text))
    return renamed


def operation_id(handler: HTTPRouteHandler, _method: Method, _path: list[str | PathParameterDefinition]) -> str:
    """An operation is named as its handler is."""
    return handler.handler_name


async def refuse_unknown_address(request: Request[Any, Any, Any]) -> None:
    """What is not the description is unknown, as everywhere else: Litestar would show a page of its own."""
    if request.url.path.rstrip("/") not in {API_PREFIX, f"{API_PREFIX}/openapi.json"}:
        raise NOT_FOUND("There is nothing at this address.")


@route("/{path:str}", http_method=[HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE])
async def unknown_address() -> None:
    """Litestar has a route for reading unknown addresses beside the description: whatever the method, none is there."""
    raise NOT_FOUND("There is nothing at this address.")


def describe() -> OpenAPIConfig:
    """How Litestar describes the API."""
    return OpenAPIConfig(
        title="Crewhall",
        version=VERSION,
        description=DESCRIPTION.strip(),
        contact=Contact(name="Crewhall maintainers"),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        openapi_router=Router(
            API_PREFIX,
            route_handlers=[unknown_address],
            include_in_schema=False,
            before_request=refuse_unknown_address,
        ),
        render_plugins=[Description()],
        use_handler_docstrings=True,
        operation_id_creator=operation_id,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", description="Access token or agent key."),
                "session": SecurityScheme(type="apiKey", name="crewhall_session", security_scheme_in="cookie"),
            }
        ),
        security=[{"bearer": []}, {"session": []}],
    )
