"""What is walked: every GET of the API as its description states it, and every page as the product routes it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, LiteralString

import httpx
import msgspec
import psycopg
from litestar import Router
from psycopg.rows import dict_row

from bench.dataset import RARE
from bench.ground import Ground
from crewhall.faces.plumbing.routers import API_PREFIX
from crewhall.faces.web.routes import PAGES
from crewhall.kernel.paging import MAX_LIMIT

STREAMED = {"/conversations/{conversation_id}/stream"}
STORED = {
    "/documents/{document_id}/picture",
    "/files/{file_id}/content",
    "/files/{file_id}/thumbnail",
    "/timeline/export",
    "/uploads/{upload_id}",
}
"""Bytes of the blob store, which the data set leaves empty."""
FOR_GUESTS = {
    "/login",
    "/setup",
    "/invitation",
    "/reset",
    "/password-reset",
    "/unsubscribe/{token}",
    "/oauth/authorize",
}
NO_PAGES = {"/static/{version}/{name}", "/service-worker.js", "/inbox/{notification_id}", "/in/{org_id}/{path}"}
"""Files and redirections."""

NOT_WRITTEN = {"chunk_id", "session_id", "connection_id", "repository_id"}
"""What the data set holds nothing of: lent passages, GitHub, and sessions."""
OF_WORK = tuple(f"{base}/{place}/" for base in ("", API_PREFIX) for place in ("projects", "tasks"))
"""Below these a slug is a project's, and `task_id` no quick task's."""

NARROWED = {
    f"{API_PREFIX}/conversations": ("?member=me", "?kind=group", "?status=archived", "?q=matter"),
    f"{API_PREFIX}/people": ("?q=gra", "?status=deactivated"),
    f"{API_PREFIX}/agents": ("?q=matters", "?capability=research"),
    f"{API_PREFIX}/conversations/{{conversation_id}}/messages": ("?after=0", "?around=1000", "?parent={thread_id}"),
    f"{API_PREFIX}/conversations/{{conversation_id}}/members": ("?q=gra",),
    f"{API_PREFIX}/search": ("?q=kb", f"?q={RARE}", "?q=kb+in%3A%23hall-3", "?q=has%3Afile"),
    f"{API_PREFIX}/knowledge/search": ("?q=kb",),
    f"{API_PREFIX}/documents": ("?q=page", "?status=failed", "?conversation={conversation_id}"),
    f"{API_PREFIX}/files": ("?q=plan",),
    f"{API_PREFIX}/wiki": ("?q=kb", "?category=category-1", "?tag=tag-1"),
    f"{API_PREFIX}/switcher": ("", "?q=hal", "?q=project-0%231", "?q=gr", "?q=matter"),
    f"{API_PREFIX}/notifications": ("?unread=true",),
    f"{API_PREFIX}/runs": ("?agent={agent_id}", "?status=failed", "?status=running"),
    f"{API_PREFIX}/approvals": ("?status=waiting",),
    f"{API_PREFIX}/audit": ("?action=agent.updated", "?action=nothing.happened"),
    f"{API_PREFIX}/usage": ("?group=agent", "?group=conversation", "?span=hour"),
    f"{API_PREFIX}/usage/storage": ("?group=conversation",),
    f"{API_PREFIX}/saved": ("?status=done",),
    f"{API_PREFIX}/projects": ("?q=project",),
    f"{API_PREFIX}/tasks": (
        "?q=kb",
        "?q=matter",
        "?label=label-1",
        "?status=completed",
        "?assignee={agent_id}",
        "?order=newest",
        "?project={project_id}",
        "?due_before=2000-01-01T00:00:00Z",
    ),
    f"{API_PREFIX}/timeline": (
        "?q=kb",
        "?q=matter",
        "?type=problem_report",
        "?agent={agent_id}",
        "?metadata=service%3Dservice-1",
        "?around={event_id}",
    ),
    "/c/{conversation_id}": ("", "?at=1", "?at=unread", "?thread={thread_id}", "?at=100000"),
    "/c/{conversation_id}/members": ("?q=gra",),
    "/c/new": ("?kind=group", "?kind=direct"),
    "/people": ("?q=gra", "?status=deactivated"),
    "/agents": ("?q=matters",),
    "/search": ("?q=kb", "?q=kb+in%3A%23hall-3"),
    "/search/best": ("?q=kb", "?q=matter+kind%3Atask"),
    "/files": ("?q=plan",),
    "/wiki": ("?q=kb", "?category=category-1", "?tag=tag-1"),
    "/inbox": ("?show=all",),
    "/runs": ("?status=failed", "?agent={agent_id}"),
    "/approvals": ("?status=approved",),
    "/audit": ("?action=agent.updated",),
    "/saved": ("?status=done",),
    "/tasks": ("?q=kb", "?q=matter", "?project=project-0", "?status=all", "?due=late", "?assignee=me"),
    "/tasks/new": ("?conversation={conversation_id}&message={message_id}",),
    "/timeline": ("?q=kb", "?group=problems", "?author={agent_id}"),
    "/help/{name}": (),
}
"""What is asked of a route beside the bare path, which is asked too where `q` may be left out."""
ASKS = {f"{API_PREFIX}/search", f"{API_PREFIX}/knowledge/search"}
"""Answers nothing without a query."""

IDS: LiteralString = """
with hall as (select id from conversations where org_id = %(org)s and name = 'hall-0'),
     agent as (select id from agents where org_id = %(org)s and code = 'agent-0'),
     fork as (select id from agents where org_id = %(org)s and code = 'agent-2')
select %(org)s::uuid as org_id, (select id from hall) as conversation_id, (select id from agent) as agent_id,
    (select id from fork) as fork_id,
    (select id from users where handle = 'person-1') as person_id,
    (select id from message_records where conversation_id = (select id from hall) and seq = 41) as message_id,
    (select id from message_records where conversation_id = (select id from hall) and seq = 1) as thread_id,
    (select id from agent_credentials where agent_id = (select id from agent) order by id desc limit 1)
        as credential_id,
    (select id from agent_grants where org_id = %(org)s limit 1) as grant_id,
    (select id from files where conversation_id = (select id from hall) limit 1) as file_id,
    (select id from later_messages where org_id = %(org)s and user_id = %(owner)s limit 1) as later_id,
    (select id from notifications where recipient_id = %(owner)s limit 1) as notification_id,
    (select id from model_prices where org_id = %(org)s limit 1) as price_id,
    (select id from budgets where org_id = %(org)s limit 1) as budget_id,
    (select run_id from run_steps where org_id = %(org)s limit 1) as run_id,
    (select id from approvals where org_id = %(org)s limit 1) as approval_id,
    (select id from schedules where org_id = %(org)s limit 1) as schedule_id,
    (select id from hooks where org_id = %(org)s order by id desc limit 1) as hook_id,
    (select id from tool_servers where org_id = %(org)s limit 1) as server_id,
    (select id from imports where org_id = %(org)s order by id desc limit 1) as import_id,
    (select id from agent_knowledge_sources where agent_id = (select id from agent) order by id desc limit 1)
        as source_id,
    (select d.id from documents d where d.org_id = %(org)s and d.title = 'Page 0') as document_id,
    (select entry_id from wiki_heads where org_id = %(org)s and slug = 'entry-0') as entry_id,
    (select approved_id from wiki_heads where org_id = %(org)s and slug = 'entry-0') as version_id,
    'entry-0' as slug,
    (select id from agent_quick_tasks where agent_id = (select id from agent) limit 1) as task_id,
    (select id from projects where org_id = %(org)s and slug = 'project-0') as project_id,
    (select t.id from tasks t join projects p on p.id = t.project_id
     where t.org_id = %(org)s and p.slug = 'project-0' and t.number = 1) as todo_id,
    (select id from events where org_id = %(org)s and type = 'problem_report' order by "timestamp" limit 1) as event_id,
    'agents' as name
"""
OF_FORKS = {f"{API_PREFIX}/agents/{{agent_id}}/differences", "/agents/{agent_id}/differences"}


class Address(msgspec.Struct, frozen=True):
    """One GET: the route that it belongs to, and what is asked of it."""

    route: str
    path: str
    most: int = MAX_LIMIT
    """The largest page that may be asked for."""

    @property
    def is_page(self) -> bool:
        """Whether HTML is answered."""
        return not self.route.startswith(API_PREFIX)


async def addresses(ground: Ground) -> list[Address]:
    """Every GET with the ids of the largest things there are."""
    with psycopg.connect(ground.superuser_url, row_factory=dict_row) as connection:
        ids = connection.execute(IDS, {"org": ground.org_id, "owner": ground.user_id}).fetchone()
    assert ids is not None
    described = (await ground.api.get("/openapi.json")).raise_for_status().json()
    answering = operations(described)
    routes = [route for route in [*answering, *pages()] if NOT_WRITTEN.isdisjoint(re.findall(r"\{(\w+)\}", route))]
    return [one for route in routes for one in _of_route(route, ids, answering.get(route, MAX_LIMIT))]


def operations(described: Mapping[str, Any]) -> dict[str, int]:
    """The paths of the API that answer a GET with JSON, each with the largest page that it takes."""
    left_out = {API_PREFIX + path for path in STREAMED | STORED}
    found = {path: item["get"] for path, item in described["paths"].items() if "get" in item and path not in left_out}
    return {path: _most(found[path].get("parameters", ())) for path in sorted(found)}


def _most(parameters: Iterable[Mapping[str, Any]]) -> int:
    return next((one["schema"]["maximum"] for one in parameters if one["name"] == "limit"), MAX_LIMIT)


def pages() -> list[str]:
    """The paths of the pages that somebody signed in opens."""
    found = {route.path_format for route in Router("/", route_handlers=PAGES).routes if "GET" in (route.methods or ())}
    return sorted(found - FOR_GUESTS - NO_PAGES)


def _of_route(route: str, ids: Mapping[str, Any], most: int) -> Iterator[Address]:
    known = {**ids, "agent_id": ids["fork_id"]} if route in OF_FORKS else dict(ids)
    if route.startswith(OF_WORK):
        known |= {"slug": "project-0", "task_id": ids["todo_id"], "number": 1}
    asked = NARROWED.get(route, ())
    for query in dict.fromkeys(asked if route in ASKS else ("", *asked)):
        yield Address(route, re.sub(r"\{(\w+)\}", lambda found: str(known[found[1]]), route + query), most)


_NEXT = re.compile(r'href="([^"]*[?&;]\w*after=[^"]+)"')


def following(address: Address, answer: httpx.Response) -> str | None:
    """Where the list that was answered goes on, or None."""
    if address.is_page:
        found = _NEXT.search(answer.text)
        return found[1].replace("&amp;", "&") if found else None
    said = answer.json()
    cursor = said.get("next") if isinstance(said, dict) else None
    if cursor is None or "around=" in address.path:
        return None
    backwards = address.route.endswith("/messages") and not re.search(r"[?&](after|parent)=", address.path)
    url = httpx.URL(address.path).copy_set_param("limit", address.most)
    return str(url.copy_set_param("before" if backwards else "after", cursor))
