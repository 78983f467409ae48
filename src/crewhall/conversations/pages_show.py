"""The page of one conversation, its threads, and writing without scripts."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.conversations.access import Access, AccessCache, Verb
from crewhall.conversations.commands import Commands
from crewhall.conversations.drafts import drop_draft, find_draft
from crewhall.conversations.pages_places import Place, days_of, place_of
from crewhall.conversations.pages_sidebar import load_sidebar
from crewhall.conversations.pages_stream import stream_around, streams
from crewhall.conversations.pages_surroundings import Composer, composer_of, head_of, load_surroundings
from crewhall.conversations.pages_threads import Thread, load_thread
from crewhall.conversations.posting import Posting
from crewhall.conversations.schemas import PostMessage
from crewhall.conversations.schemas_commands import CommandLine
from crewhall.faces.plumbing.forms import read_form
from crewhall.faces.plumbing.pages import LAST_COOKIE, go, remember, render, zone_of
from crewhall.faces.plumbing.services import Services
from crewhall.identity import IdentitySettings
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect


@get("/")
async def go_home(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Redirect:
    """To the conversation that was open last, else to #general."""
    async with services.db.transaction(actor) as tx:
        sidebar = await load_sidebar(tx, actor, services.settings_of(IdentitySettings))
    entries = [*sidebar.starred, *sidebar.channels, *sidebar.directs]
    last = request.cookies.get(LAST_COOKIE)
    chosen = next((entry for entry in entries if str(entry.id) == last), entries[0] if entries else None)
    return go(f"/c/{chosen.id}" if chosen else "/c")


@get("/sidebar")
async def show_sidebar(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], here: FromQuery[str] = "/"
) -> Page:
    """The sidebar alone, as it would be on the page `here`."""
    async with services.db.transaction(actor) as tx:
        sidebar = await load_sidebar(tx, actor, services.settings_of(IdentitySettings))
    return render("sidebar.html", request, sidebar=sidebar, viewer=actor, path=here)


@get("/c/{conversation_id:uuid}")
async def show_conversation(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    at: FromQuery[str | None] = None,
    thread: FromQuery[UUID | None] = None,
    versions: FromQuery[UUID | None] = None,
) -> Page:
    """A conversation at its newest messages, or around the place that `at` names, with a thread beside it."""
    access = await services.part(AccessCache).access(actor, conversation_id, Verb.READ)
    if versions is not None:
        return go(f"/c/{conversation_id}/messages/{versions}/history")
    zone = zone_of(request)
    place = await place_of(services, actor, conversation_id, at, zone) if at else None
    if request.headers.get("turbo-frame") == "thread":
        opened = await _thread(request, services, actor, access, thread, place) if thread else None
        return render("thread_frame.html", request, thread=opened, conversation=access)
    surroundings = await load_surroundings(services, actor, access, zone)
    found = await (
        streams.newest(services, actor, conversation_id)
        if place is None
        else stream_around(services, actor, conversation_id, place.seq)
    )
    head = head_of(actor, surroundings, zone, found)
    html = found.render(zone, actor.id, head.read_seq if place is None or place.is_unread else None)
    return render(
        "conversation.html",
        request,
        cookies=remember(request, conversation_id),
        viewer=actor,
        sidebar=surroundings.sidebar,
        conversation=head,
        agent=surroundings.find_agent(),
        stream=html if place is None else place.mark(html, found),
        has_older=found.has_older,
        first_seq=found.messages[0].seq if found.messages else 1,
        has_newer=found.has_newer,
        composer=surroundings.composer,
        thread=await _thread(request, services, actor, surroundings.access, thread, place) if thread else None,
        days=days_of(zone),
    )


@get("/c/{conversation_id:uuid}/surroundings")
async def show_surroundings(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    thread: FromQuery[UUID | None] = None,
) -> Page:
    """What stands around the messages of a page that is open already: it changed since."""
    access = await services.part(AccessCache).access(actor, conversation_id, Verb.READ)
    zone = zone_of(request)
    surroundings = await load_surroundings(services, actor, access, zone)
    async with services.db.transaction(actor) as tx:
        beside = await _thread_composer(tx, actor, surroundings.access, thread) if thread else None
    return render(
        "surroundings.html",
        request,
        viewer=actor,
        path=f"/c/{conversation_id}",
        sidebar=surroundings.sidebar,
        conversation=head_of(actor, surroundings, zone),
        agent=surroundings.find_agent(),
        composer=surroundings.composer,
        thread_composer=beside,
    )


async def _thread(
    request: AnyRequest, services: Services, actor: Actor, access: Access, message_id: UUID, place: Place | None
) -> Thread:
    async def composer(tx: Tx, root: UUID) -> Composer:
        return await _thread_composer(tx, actor, access, root)

    return await load_thread(request, services, actor, access, message_id, place=place, composer=composer)


async def _thread_composer(tx: Tx, actor: Actor, access: Access, root: UUID) -> Composer:
    draft = await find_draft(tx, actor, access.conversation_id, root)
    return composer_of(actor, access, "Reply", draft, root)


@post("/c/{conversation_id:uuid}/messages")
async def post_message(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Redirect:
    """Post a message from a browser without scripts, or carry out the command that it is."""
    form = await read_form(request)
    try:
        data = form.read(PostMessage, "content", "parent_id", "kind")
        said = await _carry_out(request, services, actor, conversation_id, data)
        if said is None:
            await services.part(Posting).post(actor, conversation_id, data)
        async with services.db.transaction(actor) as tx:
            await drop_draft(tx, actor, conversation_id, data.parent_id)
    except CrewhallError as error:
        return go(f"/c/{conversation_id}", error.detail)
    return go(f"/c/{conversation_id}" + (f"?thread={data.parent_id}" if data.parent_id else ""), said)


async def _carry_out(
    request: AnyRequest, services: Services, actor: Actor, conversation_id: UUID, data: PostMessage
) -> str | None:
    """What came of the command, in a sentence; None when it is an ordinary message."""
    commands = services.part(Commands)
    if await commands.find(actor, conversation_id, data.content, data.parent_id) is None:
        return None
    line = CommandLine(line=data.content, parent_id=data.parent_id, timezone=zone_of(request).key)
    return (await commands.carry_out(actor, conversation_id, line)).said


HANDLERS = [go_home, show_sidebar, show_conversation, show_surroundings, post_message]
