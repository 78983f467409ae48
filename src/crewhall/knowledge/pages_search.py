"""The page of best matches: everything within reach, by words and meaning. Its address is the query as it is typed."""

from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect
from markupsafe import Markup

from crewhall.agents import find_agents_by_codes
from crewhall.conversations import Posting, PostMessage, open_direct
from crewhall.faces.plumbing.forms import read_form
from crewhall.faces.plumbing.pages import go, render_in_hall, zone_of
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.knowledge.originals import Original, original_of
from crewhall.knowledge.pages_search_filters import HOLDS, Asked, choices_of
from crewhall.knowledge.schemas_search import MAX_QUESTION_LENGTH, MOST_FOUND, Finding, FindingKind, Findings
from crewhall.knowledge.search import KnowledgeSearch

PAGE = 10
LIBRARIAN = "librarian"
"""The agent that quotes what is found, as organizations are given it."""
KINDS = (
    ("", "Everything"),
    ("file", "Files"),
    ("source", "Sources"),
    ("wiki", "Wiki"),
    ("task", "Tasks"),
    ("message", "Messages"),
)
ICONS = {
    FindingKind.FILE: "file", FindingKind.SOURCE: "jump", FindingKind.WIKI: "book", FindingKind.MESSAGE: "thread",
    FindingKind.TASK: "check",
}  # fmt: skip


class ShownFinding(msgspec.Struct, frozen=True):
    """Something that was found, as the page shows it."""

    finding: Finding
    icon: str
    place: str
    snippet: Markup
    original: Original | None


@get("/search/best")
async def show_best(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    offset: FromQuery[int] = 0,
    chosen: FromQuery[str | None] = None,
) -> Response[str] | Redirect:
    """What fits best, page by page as far as ranks go; what was chosen beside it is sent on to its address."""
    problem, found = None, Findings([], more=False, by_meaning=True)
    search = services.part(KnowledgeSearch)
    asked = Asked(**{name: request.query_params.get(name, "") for name in Asked.__struct_fields__})
    try:
        if chosen:
            return go(asked.chosen(request.query_params).path())
        if asked.q.strip():
            offset = max(0, min(offset, MOST_FOUND - PAGE))
            found = await search.search(
                actor, asked.q, asked.searched(), zone=zone_of(request), limit=PAGE, offset=offset
            )
    except CrewhallError as error:
        problem = error.detail
    async with services.db.transaction(actor) as tx:
        has_librarian = LIBRARIAN in await find_agents_by_codes(tx, [LIBRARIAN])
        choices = await choices_of(tx, asked)
    return await render_in_hall(
        "search_best.html",
        request,
        services,
        actor,
        q=asked.q,
        asked=asked,
        choices=choices,
        holds=HOLDS,
        has_librarian=has_librarian,
        longest=MAX_QUESTION_LENGTH,
        kinds=[(name, label, asked.but(kinds=name).path()) for name, label in KINDS],
        found=[_shown(one) for one in found.found],
        by_words_alone=not found.by_meaning and (asked.kinds != FindingKind.MESSAGE or search.compares_messages),
        earlier=asked.path(max(0, offset - PAGE)) if offset else None,
        more=asked.path(offset + PAGE) if found.more else None,
        problem=problem,
    )


@post("/search/ask")
async def ask_librarian(
    request: Request[Any, Any, Any], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Redirect:
    """Ask the librarian in one's direct conversation with it, and go there."""
    q = (await read_form(request)).v("q").strip()
    try:
        async with services.db.transaction(actor) as tx:
            there = await find_agents_by_codes(tx, [LIBRARIAN])
            if LIBRARIAN not in there or not q:
                return go(f"/search/best?{urlencode({'q': q})}", "There is nothing to ask, or nobody.")
            place = await open_direct(tx, actor, services.log, there[LIBRARIAN].id)
        await services.part(Posting).post(actor, place, PostMessage(content=q[:MAX_QUESTION_LENGTH]))
    except CrewhallError as error:
        return go(f"/search/best?{urlencode({'q': q})}", error.detail)
    return go(f"/c/{place}")


def _shown(finding: Finding) -> ShownFinding:
    place = finding.where
    if finding.kind is FindingKind.FILE and finding.conversation is not None:
        name, title = finding.conversation.name, finding.conversation.title
        stands = f"#{name}" if name else title or "a direct conversation"
        place = f"{stands} · {place}" if place else stands
    snippet = Markup(finding.snippet)  # noqa: S704 - escaped by search
    return ShownFinding(finding, ICONS[finding.kind], place, snippet, original_of(finding.original_url))


PAGES = page_router([show_best, ask_librarian])
