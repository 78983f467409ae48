"""Pages of a version of the wiki: its words, what it changes, the decision; rolled back, archived, restored."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from markupsafe import Markup

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import FORBIDDEN, INVALID, NOT_FOUND, CrewhallError
from crewhall.knowledge import wiki, wiki_decisions, wiki_moves
from crewhall.knowledge import wiki_queries as queries
from crewhall.knowledge import wiki_reading as reading
from crewhall.knowledge.vocabulary import WikiStatus
from crewhall.knowledge.wiki_decisions import may_decide
from crewhall.knowledge.wiki_differences import compare
from crewhall.knowledge.wiki_schemas import EntryVersion, MoveEntry, Reject, RollBack

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
SAID = {
    "propose": "It waits for a decision.",
    "withdraw": "It is your draft again.",
    "approve": "Approved: everybody reads it now.",
    "reject": "Rejected. Its author reads why.",
}


@get("/wiki/versions/{version_id:uuid}")
async def show_version(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], version_id: FromPath[UUID]
) -> Page:
    """One version: its words, what it changes, and the decision about it."""
    return await _version(request, services, actor, version_id, Form())


@post("/wiki/versions/{version_id:uuid}/{deed:str}")
async def take_step(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    version_id: FromPath[UUID],
    deed: FromPath[str],
) -> Page:
    """Propose, take back, throw away, approve or reject."""
    form = await read_form(request)
    try:
        async with services.db.transaction(actor) as tx:
            if deed == "drop":
                await wiki.drop_version(tx, actor, version_id)
                return go("/wiki", "It is thrown away.")
            made = await _stepped(tx, actor, version_id, deed, form)
    except CrewhallError as error:
        form.refuse(error)
        return await _version(request, services, actor, version_id, form, status=error.kind.status)
    where = f"/wiki/{made.slug}" if made.is_current else f"/wiki/versions/{made.id}"
    return go("/wiki/review" if deed == "reject" else where, SAID[deed])


async def _stepped(tx: Tx, actor: Actor, version_id: UUID, deed: str, form: Form) -> EntryVersion:
    if deed == "propose":
        return await wiki.propose_version(tx, actor, version_id)
    if deed == "withdraw":
        return await wiki.withdraw_version(tx, actor, version_id)
    if deed == "reject":
        return await wiki_decisions.reject_version(tx, actor, version_id, form.read(Reject, "reason").reason)
    if deed == "approve":
        return await wiki_decisions.approve_version(tx, actor, version_id, form.v("reason").strip()[:2000] or None)
    raise INVALID("A version is proposed, taken back, thrown away, approved or rejected.", field="deed")


@post("/wiki/{slug:str}/rollback")
async def roll_back(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], slug: FromPath[str]
) -> Page:
    """Go back to former words."""
    form = await read_form(request)
    async with services.db.transaction(actor) as tx:
        found = await reading.find_entry(tx, actor, slug)
        made = await wiki_decisions.roll_back(tx, actor, found.id, form.read(RollBack, "version_id"))
    return written(made)


@post("/wiki/{slug:str}/move")
async def move(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], slug: FromPath[str]
) -> Page:
    """Move an entry to a project, or to the whole organization."""
    form = await read_form(request)
    try:
        data = form.read(MoveEntry, "reason", project_id=form.v("project_id") or None)
        async with services.db.transaction(actor) as tx:
            found = await reading.find_entry(tx, actor, slug)
            made = await wiki_moves.move_entry(tx, actor, found.id, data)
    except CrewhallError as error:
        if error.kind in {NOT_FOUND, FORBIDDEN}:
            raise
        return go(f"/wiki/{slug}", error.detail)
    return go(f"/wiki/{made.slug}", f"It is {f'of {made.project.name}' if made.project else 'everybody’s'} now.")


@post("/wiki/{slug:str}/archive")
async def archive(services: NamedDependency[Services], actor: NamedDependency[Actor], slug: FromPath[str]) -> Page:
    """Take an entry out of the wiki."""
    async with services.db.transaction(actor) as tx:
        found = await reading.find_entry(tx, actor, slug)
        newest = await reading.current_version(tx, found.id)
        await wiki_decisions.archive_entry(tx, actor, found.id)
    return go(f"/wiki/versions/{newest}", "The entry is archived.")


@post("/wiki/restore")
async def restore(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Bring an archived entry back."""
    form = await read_form(request)
    version_id = form.read(RollBack, "version_id").version_id
    try:
        async with services.db.transaction(actor) as tx:
            found = await queries.access_version(tx, actor, version_id)
            await wiki_decisions.restore_entry(tx, actor, found.entry_id)
    except CrewhallError as error:
        form.refuse(error)
        return await _version(request, services, actor, version_id, form, status=error.kind.status)
    return go(f"/wiki/{found.slug}", "The entry is back.")


async def _version(
    request: AnyRequest, services: Services, actor: Actor, version_id: UUID, form: Form, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        found = await queries.access_version(tx, actor, version_id)
        changed = await compare(tx, actor, found)
        known = await reading.known_entries(tx, found.content or "")
    shown = await reading.render(found.content or "", known)
    waits = found.status is WikiStatus.PENDING and found.is_open and not found.is_archived
    return await render_in_hall(
        "wiki_version.html", request, services, actor, status=status, one=found, changed=changed, form=form,
        html=Markup(shown.html), may_decide=may_decide(actor), waits=waits,  # noqa: S704 - sanitised
        is_own=found.author.id == actor.id and found.is_open and not found.is_archived,
    )  # fmt: skip


def written(made: EntryVersion) -> Redirect:
    """On to what was written: the entry where everybody reads it now, else the version."""
    if made.is_current:
        return go(f"/wiki/{made.slug}", "Everybody reads it now.")
    said = "The draft is kept. You alone see it." if made.status is WikiStatus.DRAFT else SAID["propose"]
    return go(f"/wiki/versions/{made.id}", said)


HANDLERS = [show_version, take_step, roll_back, move, archive, restore]
