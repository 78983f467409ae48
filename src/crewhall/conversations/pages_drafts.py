"""Pages of what is not said yet: later messages, drafts, the form that changes a later one."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.conversations import drafts, later
from crewhall.conversations.later_clock import send_now
from crewhall.conversations.moments import local_moment
from crewhall.conversations.pages_sidebar import full_label, is_open
from crewhall.conversations.posting import Posting
from crewhall.conversations.queries import list_conversations
from crewhall.conversations.schemas_words import LaterInput, LaterPatch, WritingPlace
from crewhall.conversations.vocabulary import ConversationKind
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall, zone_of
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID, NOT_FOUND, CrewhallError
from crewhall.kernel.paging import MAX_LIMIT

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
SHOWN = 240


class Place(msgspec.Struct):
    """Which draft a form is about."""

    conversation_id: UUID
    parent_id: UUID | None = None


def place_name(place: WritingPlace | None) -> str:
    """What a conversation is called where a row says it."""
    if place is None:
        return "a conversation that is not yours any more"
    return f"#{place.name}" if place.name else place.title or place.partner or "a conversation"


def excerpt(content: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(content.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN].rstrip()}…"


@get("/drafts")
async def show_drafts(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    later_after: FromQuery[str | None] = None,
) -> Page:
    """What one has begun to write, and what is to be posted later."""
    return await _list_page(request, services, actor, after=after, later_after=later_after)


@post("/drafts/drop")
async def drop_draft(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Throw a draft away."""
    place = (await read_form(request)).read(Place, "conversation_id", "parent_id")
    async with services.db.transaction(actor) as tx:
        await drafts.throw_away(tx, actor, place.conversation_id, place.parent_id)
    return go("/drafts", "The draft is thrown away.")


@post("/later")
async def make_later(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Keep a message for its moment."""
    form = await read_form(request)
    try:
        zone = zone_of(request)
        due_at = _moment(request, form)
        data = form.read(LaterInput, "conversation_id", "content", due_at=due_at, timezone=zone.key)
        async with services.db.transaction(actor) as tx:
            await later.make_later(tx, actor, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _list_page(request, services, actor, form=form, status=error.kind.status)
    return go("/drafts", "It will be posted at its moment.")


@get("/later/{later_id:uuid}")
async def show_later(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], later_id: FromPath[UUID]
) -> Page:
    """One later message, with the form that changes it."""
    return await _one_page(request, services, actor, later_id)


@post("/later/{later_id:uuid}")
async def change_later(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], later_id: FromPath[UUID]
) -> Page:
    """Change its words or its moment."""
    form = await read_form(request)
    try:
        data = form.read(LaterPatch, "content", due_at=_moment(request, form), timezone=zone_of(request).key)
        async with services.db.transaction(actor) as tx:
            await later.change_later(tx, actor, later_id, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _one_page(request, services, actor, later_id, form=form, status=error.kind.status)
    return go("/drafts", "Saved.")


@post("/later/{later_id:uuid}/send")
async def send_later(
    services: NamedDependency[Services], actor: NamedDependency[Actor], later_id: FromPath[UUID]
) -> Page:
    """Post it now, and look at it."""
    try:
        posted = await send_now(services.db, services.part(Posting), actor, later_id)
    except CrewhallError as error:
        return _back(error)
    thread = posted.message.parent_id
    return go(f"/c/{posted.message.conversation_id}" + (f"?thread={thread}" if thread else ""))


@post("/later/{later_id:uuid}/cancel")
async def cancel_later(
    services: NamedDependency[Services], actor: NamedDependency[Actor], later_id: FromPath[UUID]
) -> Page:
    """Throw it away."""
    try:
        async with services.db.transaction(actor) as tx:
            await later.cancel_later(tx, actor, later_id)
    except CrewhallError as error:
        return _back(error)
    return go("/drafts", "It is thrown away.")


def _back(error: CrewhallError) -> Redirect:
    """Back with what was refused; what is not there has no page that could say so."""
    if error.kind is NOT_FOUND:
        raise error
    return go("/drafts", error.detail)


def _moment(request: AnyRequest, form: Form) -> Any:
    """The moment of a form's day and time, on the viewer's clock. Raises INVALID."""
    moment = local_moment(form.v("due_at"), zone_of(request))
    if moment is None:
        raise INVALID("Choose a day and a time.", field="due_at")
    return moment


async def _list_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    *,
    after: str | None = None,
    later_after: str | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        begun = await drafts.list_drafts(tx, actor, after=after)
        planned = await later.list_later(tx, actor, after=later_after)
        known = (await list_conversations(tx, actor, mine=True, limit=MAX_LIMIT)).items
    places = [(one.id, full_label(one)) for one in known if is_open(one) and one.kind is not ConversationKind.AGENT]
    return await render_in_hall(
        "drafts.html",
        request,
        services,
        actor,
        status=status,
        drafts=[(one, place_name(one.conversation), excerpt(one.content)) for one in begun.items],
        next=begun.next,
        later=[(one, place_name(one.conversation), excerpt(one.content)) for one in planned.items],
        later_next=planned.next,
        places=places,
        here=zone_of(request).key,
        form=form or Form(),
    )


async def _one_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    later_id: UUID,
    *,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        found = await later.get_later(tx, actor, later_id)
    zone = zone_of(request)
    return await render_in_hall(
        "later.html",
        request,
        services,
        actor,
        status=status,
        one=found,
        where=place_name(found.conversation),
        local=f"{found.due_at.astimezone(zone):%Y-%m-%dT%H:%M}",
        here=zone.key,
        form=form or Form(),
    )


HANDLERS = [show_drafts, drop_draft, make_later, show_later, change_later, send_later, cancel_later]
