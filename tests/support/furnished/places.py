"""The address of every page in a furnished organization, by its route."""

from functools import cache

from litestar import Litestar

from crewhall.faces.plumbing.dependencies import DEPENDENCIES
from crewhall.faces.web.routes import PAGES
from tests.support.furnished.company import Company

NO_PAGES = {
    "/": "leads to a conversation",
    "/agents/{agent_id:uuid}/activity": "a frame of the agent's page",
    "/agents/{agent_id:uuid}/causes": "a frame of the agent's page",
    "/agents/{agent_id:uuid}/kpis/summary": "a frame of the agent's page",
    "/agents/{agent_id:uuid}/sessions": "a frame of the agent's page",
    "/c/{conversation_id:uuid}/surroundings": "a part of the conversation's page",
    "/in/{org_id:uuid}": "leads to an organization",
    "/in/{org_id:uuid}/{path:path}": "leads to a page, or to the organization that it is in",
    "/inbox/{notification_id:uuid}": "leads to what it tells of",
    "/schedules/words": "a part of the form of a schedule",
    "/service-worker.js": "a script",
    "/sidebar": "a part of every page",
    "/tasks/assignees": "what a field of tasks offers",
    "/wiki/{slug:str}/edit": "leads to the editor of a version",
    "/styleguide": "for those who change Crewhall; judged in tests/web/test_styleguide.py",
    "/styleguide.css": "a style sheet",
    "/static/{version:str}/{name:path}": "files",
}
"""Routes that answer with no page of their own."""
GUESTS = {"/invitation", "/login", "/password-reset", "/reset", "/setup", "/unsubscribe/{token:str}"}
"""Routes that are for people who are not signed in."""
ON_A_PHONE = {
    "/day",
    "/sessions/{session_id:uuid}",
    "/projects/{slug:str}",
    "/settings/github",
    "/tasks/{task_id:uuid}",
    "/timeline",
    "/wiki",
    "/wiki/{slug:str}",
    "/agents",
    "/agents/{agent_id:uuid}",
    "/agents/{agent_id:uuid}/kpis",
    "/leaderboard",
    "/approvals",
    "/c/{conversation_id:uuid}",
    "/inbox",
    "/search",
}
"""Routes whose pictures are also taken on a phone, in the dark."""


@cache
def routes() -> set[str]:
    """The routes of pages."""
    application = Litestar(PAGES, dependencies=DEPENDENCIES, openapi_config=None, logging_config=None)
    return {route.path for route in application.routes if "GET" in getattr(route, "methods", ())} - set(NO_PAGES)


def addresses(company: Company) -> dict[str, str]:
    """Where each route is in the company, without the address of the server."""
    ids = {
        "agent_id": company.scout.id,
        "conversation_id": company.talk.general,
        "message_id": company.talk.edited,
        "name": "basics",
        **company.ids,
    }
    special = {
        "/agents/{agent_id:uuid}/differences": f"/agents/{ids['fork']}/differences",
        "/agents/{agent_id:uuid}/webhook": f"/agents/{company.ledger.id}/webhook",
        "/invitation": f"/invitation?token={ids['invitation']}",
        "/oauth/authorize": ids["app"],
        "/password-reset": "/password-reset?token=x",
        "/agents/{agent_id:uuid}/knowledge/new": f"/agents/{company.scout.id}/knowledge/new?kind=api",
        "/search": "/search?q=sidama",
        "/search/best": "/search/best?q=which+coffee+comes+from+Sidama",
        "/setup": "/setup?token=x",
        "/projects/{slug:str}": f"/projects/{ids['project']}",
        "/projects/{slug:str}/about": f"/projects/{ids['project']}/about",
        "/tasks": "/tasks?status=all",
        "/tasks/new": f"/tasks/new?conversation={company.talk.general}&message={company.talk.edited}",
        "/tasks/{task_id:uuid}": f"/tasks/{ids['work']}",
        "/wiki/versions/{version_id:uuid}/edit": f"/wiki/versions/{ids['draft']}/edit",
    }
    return {route: special.get(route) or _filled(route, ids) for route in sorted(routes())}


def _filled(route: str, ids: dict[str, str]) -> str:
    """The route with what it names."""
    parts = [ids[part[1:].partition(":")[0]] if part.startswith("{") else part for part in route.split("/")]
    return "/".join(parts)


def picture_of(route: str) -> str:
    """The name of a page's picture below docs/images, such as `c-conversation-files`."""
    words = [part.strip("{}").partition(":")[0].removesuffix("_id") for part in route.split("/") if part]
    return "-".join(words)
