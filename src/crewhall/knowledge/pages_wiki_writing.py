"""Pages of the wiki, written: the editor with its preview, the categories."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from markupsafe import Markup
from msgspec import structs

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import (
    OrganizationChange,
    OrganizationSettings,
    Permission,
    check_permission,
    get_organization,
    update_organization,
)
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.differences import differences, shortened
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.knowledge import wiki, wiki_decisions
from crewhall.knowledge import wiki_queries as queries
from crewhall.knowledge import wiki_reading as reading
from crewhall.knowledge.pages_wiki_version import written
from crewhall.knowledge.vocabulary import WikiStatus
from crewhall.knowledge.wiki_decisions import may_decide
from crewhall.knowledge.wiki_projects import list_open_projects, scopes_of
from crewhall.knowledge.wiki_schemas import EntryEdit, EntryVersion, NewEntry

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
PUBLISH, DRAFT = "publish", "draft"
"""What the editor's buttons ask for, beside proposing."""


@get("/wiki/new")
async def show_new(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    title: FromQuery[str] = "",
    category: FromQuery[str] = "",
    project: FromQuery[str] = "",
) -> Page:
    """The editor, empty."""
    given = {"title": title, "category": category, "project_id": project}
    return await _editor(request, services, actor, Form(given))


@post("/wiki/new")
async def write(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Keep a draft, propose an entry, or approve one's own at once."""
    form = await read_form(request)
    try:
        data = form.read(
            NewEntry, "title", "content", "slug", "category", "note", "project_id",
            tags=_tags(form), draft=form.v("deed") == DRAFT,
        )  # fmt: skip
        async with services.db.transaction(actor) as tx:
            made = await wiki.write_entry(tx, actor, data)
            made = await _published(tx, actor, form, made)
    except CrewhallError as error:
        form.refuse(error)
        return await _editor(request, services, actor, form, status=error.kind.status)
    return written(made)


@get("/wiki/{slug:str}/edit")
async def edit_newest(
    services: NamedDependency[Services], actor: NamedDependency[Actor], slug: FromPath[str]
) -> Redirect:
    """On to the version to go on from: one's own that is not settled, else the approved one."""
    async with services.db.transaction(actor) as tx:
        found = await reading.find_entry(tx, actor, slug)
        own = await queries.find_own_open(tx, actor, found.id)
        current = await reading.current_version(tx, found.id)
    return go(f"/wiki/versions/{own or current}/edit")


@get("/wiki/versions/{version_id:uuid}/edit")
async def show_edit(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], version_id: FromPath[UUID]
) -> Page:
    """The editor with a version's words."""
    return await _editor(request, services, actor, Form(), version_id=version_id)


@post("/wiki/versions/{version_id:uuid}/edit")
async def edit(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], version_id: FromPath[UUID]
) -> Page:
    """Write another version."""
    form = await read_form(request)
    try:
        words = form.read(NewEntry, "title", "content", "slug", "category", "note", tags=_tags(form))
        seen = form.read(EntryEdit, "base_id", version_id=version_id, draft=form.v("deed") == DRAFT)
        data = structs.replace(
            seen, title=words.title, content=words.content, category=words.category, tags=words.tags, note=words.note
        )
        if words.slug:
            data.slug = words.slug
        async with services.db.transaction(actor) as tx:
            before = await queries.access_version(tx, actor, version_id)
            made = await wiki.edit_entry(tx, actor, before.entry_id, data)
            made = await _published(tx, actor, form, made)
    except CrewhallError as error:
        form.refuse(error)
        meanwhile = error.fields.get("current")
        return await _editor(
            request, services, actor, form, version_id=version_id, meanwhile=meanwhile, status=error.kind.status
        )
    return written(made)


@post("/wiki/preview")
async def preview(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """A text as it will be shown."""
    content = (await read_form(request)).v("content")
    if len(content) > 2 * 100_000:
        raise INVALID("This is too long to be shown.", field="content")
    async with services.db.transaction(actor) as tx:
        known = await reading.known_entries(tx, content)
    return Response((await reading.render(content, known)).html, media_type="text/html")


@get("/wiki/categories")
async def show_categories(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """The categories, with the form that changes them."""
    return await _categories(request, services, actor, Form())


@post("/wiki/categories")
async def settle_categories(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Settle which categories there are, in which order."""
    form = await read_form(request)
    names = list(dict.fromkeys(line for text in form.v("names").splitlines() if (line := " ".join(text.split()))))
    try:
        async with services.db.transaction(actor) as tx:
            settings = (await get_organization(tx, actor.org)).settings
            kept = structs.asdict(settings) | {"wiki_categories": names}
            changed = OrganizationChange(settings=Form().read(OrganizationSettings, **kept))
            await update_organization(tx, actor, changed)
    except CrewhallError as error:
        form.refuse(error)
        return await _categories(request, services, actor, form, status=error.kind.status)
    return go("/wiki", "The categories are settled.")


async def _categories(
    request: AnyRequest, services: Services, actor: Actor, form: Form, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        check_permission(actor, Permission.ORGANIZATION_UPDATE)
        categories = await reading.list_categories(tx, actor)
    names = "\n".join(one.name for one in categories if one.is_offered)
    gone = [one for one in categories if not one.is_offered]
    return await render_in_hall(
        "wiki_categories.html", request, services, actor, status=status, form=form, names=names, gone=gone
    )


async def _editor(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    form: Form,
    *,
    version_id: UUID | None = None,
    meanwhile: dict[str, Any] | None = None,
    status: int = 200,
) -> Response[str]:
    """The editor; after a conflict it goes on from what is there, and shows how that differs from what was typed."""
    async with services.db.transaction(actor) as tx:
        await wiki.check_author(tx, actor)
        before = await queries.access_version(tx, actor, version_id) if version_id else None
        if before is not None and before.status is not WikiStatus.APPROVED:
            wiki.check_own(actor, before)
        categories = [one.name for one in await reading.list_categories(tx, actor) if one.is_offered]
        current_id = await reading.current_version(tx, before.entry_id) if before else None
        if meanwhile is not None:
            before = await queries.access_version(tx, actor, meanwhile["version_id"])
        behind = await _behind(tx, actor, before, current_id)
        content = form.v("content", before.content if before else "")
        known = await reading.known_entries(tx, content)
        projects = [] if before else await list_open_projects(tx)
    if before and before.category and before.category not in categories:
        categories.append(before.category)
    shown = (await reading.render(content, known)).html
    return await render_in_hall(
        "wiki_edit.html", request, services, actor, status=status, form=form, before=before, content=content,
        categories=[("", "None"), *((one, one) for one in categories)], current_id=current_id, behind=behind,
        projects=scopes_of(projects) if projects else [],
        meanwhile=shortened(differences(meanwhile["content"] or "", content)) if meanwhile else None,
        html=Markup(shown), may_publish=may_decide(actor), tags=", ".join(before.tags) if before else "",  # noqa: S704
    )  # fmt: skip


async def _behind(tx: Tx, actor: Actor, before: EntryVersion | None, current_id: UUID | None) -> object:
    """What was approved since a draft was begun, as pieces; None where nothing was."""
    if before is None or not before.is_behind or current_id is None or before.base_id is None:
        return None
    base = await queries.access_version(tx, actor, before.base_id)
    current = await queries.access_version(tx, actor, current_id)
    return shortened(differences(base.content or "", current.content or ""))


async def _published(tx: Tx, actor: Actor, form: Form, made: EntryVersion) -> EntryVersion:
    """Approve it at once, where the editor asked for that."""
    return await wiki_decisions.approve_version(tx, actor, made.id) if form.v("deed") == PUBLISH else made


def _tags(form: Form) -> list[str]:
    return [tag for part in form.v("tags").split(",") if (tag := part.strip())]


HANDLERS = [show_new, write, edit_newest, show_edit, edit, preview, show_categories, settle_categories]
