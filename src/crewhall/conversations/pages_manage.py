"""Pages that list and open conversations."""

from collections.abc import Collection
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from crewhall.conversations import opening
from crewhall.conversations.pages_candidates import load_candidates, member_named
from crewhall.conversations.pages_sidebar import full_label, icon_of, label_of
from crewhall.conversations.queries import list_conversations
from crewhall.conversations.schemas import NewConversation
from crewhall.conversations.vocabulary import ConversationKind
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
MOST_CHANNELS, MOST_ARCHIVED = 100, 10
KINDS = ("channel", "group", "direct")


@get("/c")
async def browse(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """Every channel within reach, joined or not: the hundred last active, by name."""
    async with services.db.transaction(actor) as tx:
        page = await list_conversations(tx, actor, kind=ConversationKind.CHANNEL, after=after, limit=MOST_CHANNELS)
        archived = [] if after else (await list_conversations(tx, actor, archived=True, limit=MOST_ARCHIVED)).items
    return await render_in_hall(
        "conversations.html",
        request,
        services,
        actor,
        channels=sorted(page.items, key=lambda found: found.name or ""),
        next=page.next,
        archived=[found for found in archived if found.kind is not ConversationKind.AGENT],
        icon_of=icon_of,
        full_label=full_label,
    )


@get("/c/direct")
async def browse_direct(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """One's direct conversations, last active first: with those that programs opened, which the sidebar leaves out."""
    async with services.db.transaction(actor) as tx:
        page = await list_conversations(tx, actor, kind=ConversationKind.DIRECT, mine=True, after=after)
    return await render_in_hall(
        "conversations_direct.html", request, services, actor, found=page.items, next=page.next, label_of=label_of
    )


async def _new_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    kind: str,
    form: Form,
    *,
    chosen: Collection[str] = (),
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        candidates = None if kind == "channel" else await load_candidates(tx, actor, form.v("q"), chosen)
    return await render_in_hall(
        "conversation_new.html",
        request,
        services,
        actor,
        status=status,
        kind=kind,
        form=form,
        candidates=candidates.found if candidates else [],
        has_more=candidates is not None and candidates.has_more,
    )


@get("/c/new")
async def show_new(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    kind: FromQuery[str] = "channel",
) -> Page:
    """The form of a new channel, group or direct conversation; with what was typed so far, where somebody is sought."""
    typed = request.query_params
    chosen = [*typed.getall("member", []), *typed.getall("with", [])]
    kind = kind if kind in KINDS else "channel"
    form = Form({name: value for name, value in typed.items() if isinstance(value, str)})
    return await _new_page(request, services, actor, kind, form, chosen=chosen)


@post("/c/new")
async def open_new(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Open a channel or a group, and go there."""
    form = await read_form(request)
    kind = form.v("kind", "channel")
    chosen = [name for name in (await request.form()).getall("member", []) if isinstance(name, str)]
    try:
        names = ("kind", "name", "type", "description") if kind == "channel" else ("kind", "title", "description")
        data = form.read(NewConversation, *names, members=[])
        data.members = [member_named(name) for name in chosen]
        async with services.db.transaction(actor) as tx:
            opened = await opening.open_conversation(tx, actor, services.log, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _new_page(request, services, actor, kind, form, chosen=chosen, status=error.kind.status)
    return go(f"/c/{opened.id}")


@post("/c/direct")
async def open_direct(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Open the direct conversation with a person or an agent, and go there."""
    form = await read_form(request)
    try:
        member = member_named(form.v("with"))
        data = NewConversation(kind="direct", members=[member])
        async with services.db.transaction(actor) as tx:
            opened = await opening.open_conversation(tx, actor, services.log, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _new_page(
            request, services, actor, "direct", form, chosen=[form.v("with")], status=error.kind.status
        )
    return go(f"/c/{opened.id}")


HANDLERS = [browse, browse_direct, show_new, open_new, open_direct]
