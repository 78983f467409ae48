"""Pages of the wiki, read: its front, lists, entries, what waits for a decision, versions, history."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from markupsafe import Markup
from msgspec import Struct

from crewhall.faces.plumbing.pages import go, provide_count, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import NOT_FOUND, CrewhallError
from crewhall.knowledge import pages_wiki_version as deciding
from crewhall.knowledge import pages_wiki_writing as writing
from crewhall.knowledge import wiki_queries as queries
from crewhall.knowledge import wiki_reading as reading
from crewhall.knowledge.vocabulary import EntryOrder, WikiStatus
from crewhall.knowledge.wiki_decisions import may_decide
from crewhall.knowledge.wiki_differences import compare
from crewhall.knowledge.wiki_projects import find_project, list_open_projects, scopes_of
from crewhall.knowledge.wiki_schemas import EntryDifferences, EntrySummary, EntryVersion

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
RECENT, MOST_READ, HISTORY = 6, 6, 15
TONES = {WikiStatus.APPROVED: "accent", WikiStatus.REJECTED: "danger", WikiStatus.PENDING: "brass"}
WORDS = {
    WikiStatus.DRAFT: "draft",
    WikiStatus.PENDING: "waits for a decision",
    WikiStatus.APPROVED: "approved",
    WikiStatus.REJECTED: "rejected",
}


class Asked(Struct, frozen=True, kw_only=True):
    """Which entries somebody looks for."""

    q: str
    category: str
    tag: str
    project: UUID | None
    order: EntryOrder

    def as_query(self) -> str:
        """As an address says it."""
        order = "" if self.q else str(self.order)
        said = {"q": self.q, "category": self.category, "tag": self.tag, "project": self.project, "order": order}
        return urlencode({name: value for name, value in said.items() if value})


class ShownEntry(Struct):
    """An entry in a list; the snippet is safe HTML."""

    one: EntrySummary
    snippet: Markup | None


@get("/wiki")
async def show_wiki(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: FromQuery[str] = "",
    category: FromQuery[str] = "",
    tag: FromQuery[str] = "",
    project: FromQuery[UUID | None] = None,
    order: FromQuery[EntryOrder | None] = None,
    after: FromQuery[str | None] = None,
) -> Page:
    """The front of the wiki, or the entries that somebody looks for."""
    if q.strip() or category or tag or project or order:
        asked = Asked(q=q.strip(), category=category, tag=tag, project=project, order=order or EntryOrder.TITLE)
        return await _list(request, services, actor, asked, after)
    async with services.db.transaction(actor) as tx:
        recent = await queries.list_entries(tx, actor, order=EntryOrder.RECENT, limit=RECENT)
        read = await queries.list_entries(tx, actor, order=EntryOrder.READ, limit=MOST_READ)
        own = await queries.list_open(tx, actor, own=True, limit=20)
        waiting = await queries.list_open(tx, actor, status=WikiStatus.PENDING, limit=20) if may_decide(actor) else None
        categories = await reading.list_categories(tx, actor)
    return await render_in_hall(
        "wiki.html", request, services, actor, recent=recent.items, more=recent.next is not None,
        read=[one for one in read.items if one.views], own=own.items, words=WORDS, tones=TONES,
        waiting=len(waiting.items) if waiting else 0, categories=categories, may_decide=may_decide(actor),
        may_settle=is_allowed(actor, Permission.ORGANIZATION_UPDATE),
    )  # fmt: skip


async def _list(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    asked: Asked,
    after: str | None,
) -> Response[str]:
    problem, category, tag = None, asked.category or None, asked.tag or None
    async with services.db.transaction(actor) as tx:
        try:
            if asked.q:
                page = await queries.search_entries(
                    tx, actor, asked.q, category=category, tag=tag, project_id=asked.project, after=after
                )
            else:
                page = await queries.list_entries(
                    tx, actor, order=asked.order, category=category, tag=tag, project_id=asked.project, after=after
                )
            shown, following = [_shown(one) for one in page.items], page.next
        except CrewhallError as error:
            problem, shown, following = error.detail, [], None
        project = await find_project(tx, asked.project) if asked.project else None
    return await render_in_hall(
        "wiki_list.html", request, services, actor, entries=shown, asked=asked, problem=problem, project=project,
        status=422 if problem else 200, orders=tuple(EntryOrder),
        older=f"/wiki?{asked.as_query()}&{urlencode({'after': following})}" if following else None,
    )  # fmt: skip


def _shown(one: EntrySummary) -> ShownEntry:
    return ShownEntry(one, Markup(one.snippet) if one.snippet else None)  # noqa: S704 - made safe


@get("/wiki/{slug:str}")
async def show_entry(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], slug: FromPath[str]
) -> Page:
    """An entry. Where there is none of this name, how to write it."""
    try:
        async with services.db.transaction(actor) as tx:
            found = await reading.find_entry(tx, actor, slug)
    except CrewhallError as error:
        if error.kind is not NOT_FOUND:
            raise
        return await render_in_hall("wiki_missing.html", request, services, actor, status=404, name=slug)
    if found.slug != slug:
        return go(f"/wiki/{found.slug}")
    entry = await reading.read_entry(services.db, actor, found.id)
    decides = may_decide(actor)
    async with services.db.transaction(actor) as tx:
        projects = await list_open_projects(tx) if decides else []
    return await render_in_hall(
        "wiki_entry.html", request, services, actor, entry=entry, html=Markup(entry.html),  # noqa: S704 - sanitised
        may_decide=decides, scopes=scopes_of(projects) if projects else [],
    )  # fmt: skip


@get("/wiki/{slug:str}/history")
async def show_history(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    slug: FromPath[str],
    after: FromQuery[str | None] = None,
) -> Page:
    """An entry's versions, newest first, each approved one with what it changed."""
    async with services.db.transaction(actor) as tx:
        found = await reading.find_entry(tx, actor, slug)
        page = await queries.list_history(tx, actor, found.id, after=after, limit=HISTORY)
        versions = [await _compared(tx, actor, one) for one in page.items]
    current = await reading_title(services, actor, found.id)
    return await render_in_hall(
        "wiki_history.html", request, services, actor, entry=found, title=current, versions=versions,
        next=page.next, words=WORDS, tones=TONES, may_decide=may_decide(actor),
    )  # fmt: skip


async def _compared(tx: Any, actor: Actor, one: EntryVersion) -> tuple[EntryVersion, EntryDifferences | None]:
    """A version, with what it changed where that was approved or waits."""
    if one.status not in {WikiStatus.APPROVED, WikiStatus.PENDING}:
        return one, None
    return one, await compare(tx, actor, await queries.access_version(tx, actor, one.id))


async def reading_title(services: Services, actor: Actor, entry_id: UUID) -> str:
    """The title that an entry has now."""
    async with services.db.transaction(actor) as tx:
        return str(await tx.value("select title from wiki_heads where entry_id = %(id)s", {"id": entry_id}))


@get("/wiki/review")
async def show_reviews(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """What waits: for who decides everything, for others what they have proposed."""
    async with services.db.transaction(actor) as tx:
        page = await queries.list_open(tx, actor, status=WikiStatus.PENDING, after=after)
    return await render_in_hall(
        "wiki_review.html", request, services, actor, waiting=page.items, next=page.next, may_decide=may_decide(actor)
    )


@get("/wiki/archived")
async def show_archived(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """What can be restored."""
    async with services.db.transaction(actor) as tx:
        page = await queries.list_archived(tx, actor, after=after)
    return await render_in_hall("wiki_archived.html", request, services, actor, archived=page.items, next=page.next)


COUNT = """
select count(*)::integer from (
    select from wiki_heads h join wiki_entries e on e.org_id = h.org_id and e.id = any (h.open)
    where h.org_id = any (current_orgs()) and h.open <> '{}' and h.deleted_at is null
      and e.status = 'pending_approval' and current_actor_role() in ('owner', 'admin')
    limit 100) waiting
"""
provide_count("wiki", COUNT)
PAGES = page_router(
    [show_wiki, show_entry, show_history, show_reviews, show_archived, *writing.HANDLERS, *deciding.HANDLERS]
)
