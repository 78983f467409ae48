"""Every operation answers errors as problem details; the description says so in one place."""

from litestar import Litestar
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIType

from crewhall.faces.plumbing.problems import MEDIA_TYPE

_TEXT = Schema(type=OpenAPIType.STRING)
PROBLEM = Schema(
    type=OpenAPIType.OBJECT,
    title="Problem",
    description="An error (RFC 9457). `code` is stable; `detail` says what to do next; more fields may follow.",
    required=["type", "title", "status", "detail", "code"],
    properties={
        "type": _TEXT,
        "title": _TEXT,
        "status": Schema(type=OpenAPIType.INTEGER),
        "detail": _TEXT,
        "code": _TEXT,
        "request_id": Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL]),
    },
    additional_properties=True,
)
OPERATIONS = ("get", "put", "post", "delete", "patch")


def describe_problems(app: Litestar) -> None:
    """Add the problem schema and a default error response to every operation; drop the framework's own."""
    schema = app.openapi_schema
    if schema.components.schemas is None:
        schema.components.schemas = {}
    schema.components.schemas["Problem"] = PROBLEM
    content = {MEDIA_TYPE: OpenAPIMediaType(schema=Reference(ref="#/components/schemas/Problem"))}
    answer = OpenAPIResponse(description="An error, as problem details", content=content)
    for item in (schema.paths or {}).values():
        for name in OPERATIONS:
            operation = getattr(item, name)
            if operation is not None and operation.responses is not None:
                operation.responses.pop("400", None)
                operation.responses["default"] = answer
