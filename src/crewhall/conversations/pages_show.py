"""The page of one conversation, its threads, and writing without scripts."""

from datetime import tzinfo
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.agents import QuickTask, list_quick_tasks
from crewhall.conversations import pages_words
from crewhall.conversations.access import Access, AccessCache, Verb, refusal
from crewhall.conversations.changes import may_restore
from crewhall.conversations.commands import Commands
from crewhall.conversations.drafts import drop_draft, find_draft
from crewhall.conversations.pages_places import Place, days_of, place_of
from crewhall.conversations.pages_sidebar import (
    Other,
    Sidebar,
    icon_of,
    label_of,
    load_sidebar,
)
from crewhall.conversations.pages_stream import Stream, stream_around, streams
from crewhall.conversations.pages_threads import Thread, load_thread
from crewhall.conversations.posting import Posting
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.schemas import Conversation, PostMessage
from crewhall.conversations.schemas_commands import CommandLine
from crewhall.conversations.schemas_words import DraftState
from crewhall.conversations.vocabulary import ConversationStatus, ConversationType, MemberRole
from crewhall.faces.plumbing.forms import read_form
from crewhall.faces.plumbing.pages import LAST_COOKIE, go, remember, render, zone_of
from crewhall.faces.plumbing.services import Services
from crewhall.identity import IdentitySettings, Permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect


class Composer(msgspec.Struct):
    """Where one writes, or why one cannot."""

    conversation_id: UUID
    placeholder: str
    parent_id: UUID | None = None
    closed: str | None = None
    may_join: bool = False
    may_restore: bool = False
    wakes: bool = False
    """Whether what is written concerns an agent though it names none: a direct conversation with one, or the policy."""
    tasks: list[QuickTask] = []
    """What the agent of a direct conversation is often asked."""
    draft: DraftState = msgspec.field(default_factory=DraftState)
    """What the viewer has begun to write there."""


class Head(msgspec.Struct):
    """What the page says about its conversation."""

    id: UUID
    label: str
    icon: str
    description: str
    state: str | None
    """That it is idle, or shared."""
    other: Other | None
    beginning: str
    hint: str
    is_first: bool
    last_seq: int
    read_seq: int | None
    may_moderate: bool
    may_pin: bool
    may_join: bool
    level: str | None
    is_starred: bool
    missed: str | None
    """How many messages the viewer has not read, when the first of them stands further up than the page goes."""


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
    async with services.db.transaction(actor) as tx:
        sidebar = await load_sidebar(tx, actor, services.settings_of(IdentitySettings))
        conversation = sidebar.find(conversation_id) or await get_conversation(tx, actor, conversation_id)
        tasks = await _tasks(tx, actor, access)
        restores = conversation.status is ConversationStatus.ARCHIVED and await may_restore(tx, actor, access)
        draft = await find_draft(tx, actor, conversation_id)
    found = await (
        streams.newest(services, actor, conversation_id)
        if place is None
        else stream_around(services, actor, conversation_id, place.seq)
    )
    access = _as_it_is_now(access, conversation)
    head = _head(actor, sidebar, conversation, found, zone)
    html = found.render(zone, actor.id, head.read_seq if place is None or place.is_unread else None)
    return render(
        "conversation.html",
        request,
        cookies=remember(request, conversation_id),
        viewer=actor,
        sidebar=sidebar,
        conversation=head,
        agent=sidebar.find_agent(head.other.id) if head.other else None,
        stream=html if place is None else place.mark(html, found),
        has_older=found.has_older,
        first_seq=found.messages[0].seq if found.messages else 1,
        has_newer=found.has_newer,
        composer=msgspec.structs.replace(
            _composer(
                actor, access, pages_words.placeholder(conversation), draft, wakes=_wakes(conversation), tasks=tasks
            ),
            may_restore=restores,
            **({"closed": said} if (said := pages_words.archived(conversation, zone)) else {}),
        ),
        thread=await _thread(request, services, actor, access, thread, place) if thread else None,
        days=days_of(zone),
    )


def _as_it_is_now(access: Access, conversation: Conversation) -> Access:
    """The access with what was read a moment ago: the cache may not have heard yet of an archiving or a joining."""
    is_open = conversation.status is not ConversationStatus.ARCHIVED
    return msgspec.structs.replace(
        access, is_open=is_open, is_member=conversation.is_member, is_reader=conversation.role is MemberRole.READER
    )


def _wakes(conversation: Conversation) -> bool:
    partner = conversation.partner
    return conversation.agent_policy.auto_trigger or (partner is not None and partner.type is ActorType.AGENT)


async def _tasks(tx: Tx, actor: Actor, access: Access) -> list[QuickTask]:
    """What the agent of a direct conversation is often asked; nothing where it is out of sight by now."""
    if access.kind != "direct" or access.direct_agent_id is None:
        return []
    try:
        return [task for task in await list_quick_tasks(tx, actor, access.direct_agent_id) if task.enabled]
    except CrewhallError:
        return []


def _composer(
    actor: Actor,
    access: Access,
    placeholder: str,
    draft: DraftState,
    parent_id: UUID | None = None,
    *,
    wakes: bool = False,
    tasks: list[QuickTask] | None = None,
) -> Composer:
    refused = refusal(actor, access, Verb.POST)
    may_join = access.type == ConversationType.PUBLIC and not access.is_member
    return Composer(
        access.conversation_id,
        placeholder,
        parent_id,
        closed=refused.detail if refused else None,
        may_join=may_join,
        wakes=wakes,
        tasks=tasks or [],
        draft=draft,
    )


def _head(actor: Actor, sidebar: Sidebar, conversation: Conversation, found: Stream, zone: tzinfo) -> Head:
    last_seq = found.last_seq
    other = next((entry.other for entry in [*sidebar.starred, *sidebar.directs] if entry.id == conversation.id), None)
    return Head(
        id=conversation.id,
        label=label_of(conversation),
        icon=icon_of(conversation),
        description=conversation.description,
        state=pages_words.state(conversation, zone),
        other=other,
        beginning=pages_words.beginning(conversation),
        hint=pages_words.hint(conversation, sidebar.organization.name),
        is_first=not (sidebar.agents and last_seq)
        and conversation.type is ConversationType.PUBLIC
        and is_allowed(actor, Permission.AGENTS_CREATE),
        # What is between a page far up and the newest is read when the reader comes there, never sent live.
        last_seq=max(last_seq, conversation.last_seq) if found.has_newer else last_seq,
        read_seq=conversation.last_read_seq if conversation.is_member else None,
        may_moderate=is_allowed(actor, Permission.MESSAGES_MODERATE) and conversation.role is not MemberRole.READER,
        may_pin=is_allowed(actor, Permission.MESSAGES_PIN) and conversation.role is not MemberRole.READER,
        may_join=not conversation.is_member and conversation.type is ConversationType.PUBLIC,
        level=str(conversation.notification_level) if conversation.is_member else None,
        is_starred=conversation.is_starred,
        missed=_missed(conversation, found),
    )


def _missed(conversation: Conversation, found: Stream) -> str | None:
    """How many messages are unread, when the first of them stands further up than the page goes."""
    if not conversation.unread or found.has_newer or not found.has_older:
        return None
    if found.messages[0].seq <= conversation.last_read_seq + 1:
        return None
    return f"{conversation.unread}{'+' if conversation.unread_capped else ''}"


async def _thread(
    request: AnyRequest, services: Services, actor: Actor, access: Access, message_id: UUID, place: Place | None
) -> Thread:
    async def composer(tx: Tx, root: UUID) -> Composer:
        draft = await find_draft(tx, actor, access.conversation_id, root)
        return _composer(actor, access, "Reply", draft, root)

    return await load_thread(request, services, actor, access, message_id, place=place, composer=composer)


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


HANDLERS = [go_home, show_sidebar, show_conversation, post_message]
