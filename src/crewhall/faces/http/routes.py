"""Every route of the product."""

import gc
from copy import copy
from functools import cache

from litestar import Litestar
from litestar.datastructures import State

import crewhall.agents.http as agents
import crewhall.conversations.http as conversations
import crewhall.governance.http as governance
import crewhall.identity.http as identity
import crewhall.imports.http as imports
import crewhall.knowledge.http as documents
import crewhall.knowledge.http_lent as lent
import crewhall.knowledge.http_search as knowledge
import crewhall.knowledge.http_sources as sources
import crewhall.knowledge.http_wiki as wiki
import crewhall.notifications.http as notifications
import crewhall.runtime.http as runtime
import crewhall.work.http as work
import crewhall.work.http_github as github
import crewhall.work.http_issues as issues
import crewhall.work.http_kpis as kpis
import crewhall.work.http_timeline as timeline
from crewhall.faces.http.description import describe
from crewhall.faces.http.system import SYSTEM
from crewhall.faces.live.stream import stream_conversation
from crewhall.faces.plumbing.dependencies import DEPENDENCIES
from crewhall.faces.plumbing.error_pages import error_page
from crewhall.faces.plumbing.problems import render_problem
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.faces.web.routes import PAGES

API = [
    *identity.ROUTERS,
    *agents.ROUTERS,
    *conversations.ROUTERS,
    *notifications.ROUTERS,
    *governance.ROUTERS,
    *documents.ROUTERS,
    *knowledge.ROUTERS,
    *runtime.ROUTERS,
    *imports.ROUTERS,
    *wiki.ROUTERS,
    *sources.ROUTERS,
    *lent.ROUTERS,
    *work.ROUTERS,
    *timeline.ROUTERS,
    *github.ROUTERS,
    *issues.ROUTERS,
    *kpis.ROUTERS,
    api_router("/conversations", [stream_conversation], tags=["Live"]),
]


def build_routes(services: Services) -> Litestar:
    """The application behind the gate: its routes are made once in a process, whatever it serves with them."""
    application = copy(_routed())
    application.state = State({"services": services, "error_page": error_page})
    return application


@cache
def _routed() -> Litestar:
    gc.disable()  # it would go through millions of objects that stay: a fifth of the time
    try:
        return Litestar(
            route_handlers=[*API, *SYSTEM, *PAGES],
            dependencies=DEPENDENCIES,
            exception_handlers={Exception: render_problem},
            openapi_config=describe(),
            request_max_body_size=None,
            logging_config=None,
            debug=False,
        )
    finally:
        gc.enable()
