"""Every route of the product, and its description (OpenAPI 3.1 at /api/v1/openapi.json)."""

from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Tag

import crewhall.agents.http as agents
import crewhall.conversations.http as conversations
import crewhall.identity.http as identity
from crewhall.faces.http.problem_schema import describe_problems
from crewhall.faces.http.system import SYSTEM
from crewhall.faces.live.stream import stream_conversation
from crewhall.faces.plumbing.dependencies import DEPENDENCIES
from crewhall.faces.plumbing.problems import render_problem
from crewhall.faces.plumbing.routers import API_PREFIX, api_router
from crewhall.faces.plumbing.services import Services
from crewhall.faces.web.routes import PAGES
from crewhall.version import VERSION

API = [
    *identity.ROUTERS,
    *agents.ROUTERS,
    *conversations.ROUTERS,
    api_router("/conversations", [stream_conversation], tags=["Live"]),
]

DESCRIPTION = """
One API for people and agents. Send `Authorization: Bearer …` with a person's access token or an agent's key, and
`X-Crewhall-Org` (id or slug) where a person belongs to several organizations.

Lists answer `{items, next}`: give `next` back as `after`. Errors are problem details (RFC 9457) with a stable `code`.
Live delivery is the WebSocket `/api/v1/live`, or one conversation's event stream.
"""


def describe() -> OpenAPIConfig:
    """The description of the API."""
    return OpenAPIConfig(
        title="Crewhall",
        version=VERSION,
        description=DESCRIPTION.strip(),
        contact=Contact(name="Crewhall maintainers"),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        path=API_PREFIX,
        render_plugins=[JsonRenderPlugin()],
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", description="Access token or agent key."),
                "session": SecurityScheme(type="apiKey", name="crewhall_session", security_scheme_in="cookie"),
            }
        ),
        security=[{"bearer": []}, {"session": []}],
        tags=[Tag(name=name) for name in ("Auth", "Me", "Organizations", "People", "Agents", "Conversations", "Live")],
    )


def build_routes(services: Services) -> Litestar:
    """The application behind the gate."""
    from crewhall.faces.plumbing.pages import error_page

    app = Litestar(
        route_handlers=[*API, *SYSTEM, *PAGES],
        dependencies=DEPENDENCIES,
        exception_handlers={Exception: render_problem},
        openapi_config=describe(),
        state=State({"services": services, "error_page": error_page}),
        request_max_body_size=None,
        logging_config=None,
        debug=False,
    )
    describe_problems(app)
    return app


def openapi_of(app: Litestar) -> dict[str, Any]:
    """The description as plain data."""
    return app.openapi_schema.to_schema()
