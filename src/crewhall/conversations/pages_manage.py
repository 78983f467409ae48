"""Pages that open, change, join and leave conversations."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.agents import AgentStatus, list_agents
from crewhall.conversations import changes, members, opening
from crewhall.conversations.access import Verb, access_conversation, refusal
from crewhall.conversations.pages_pins import pins_context
from crewhall.conversations.pages_sidebar import full_label, icon_of
from crewhall.conversations.pages_words import about_title
from crewhall.conversations.queries import get_conversation, list_conversations
from crewhall.conversations.schemas import (
    AgentPolicyChange,
    ConversationChange,
    Member,
    NewConversation,
    NewMember,
)
from crewhall.conversations.vocabulary import ConversationKind, ConversationType, MemberType
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import list_people
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.kernel.paging import MAX_LIMIT

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
KINDS = ("channel", "group", "direct")


class Candidate(msgspec.Struct):
    """Somebody with whom one may talk."""

    type: str
    id: UUID
    name: str
    handle: str
    presence: str | None = None


async def _candidates(tx: Tx, actor: Actor) -> list[Candidate]:
    """Agents first, then people, without oneself."""
    agents = (await list_agents(tx, actor, limit=MAX_LIMIT)).items
    people = (await list_people(tx, actor, limit=MAX_LIMIT)).items
    return [
        *(
            Candidate("agent", agent.id, agent.name, agent.code, str(agent.presence))
            for agent in agents
            if agent.status is not AgentStatus.TERMINATED
        ),
        *(Candidate("user", person.id, person.name, person.handle) for person in people if person.id != actor.id),
    ]


def _member(named: str) -> NewMember:
    """Read `user:<id>` or `agent:<id>`."""
    kind, _, identity = named.partition(":")
    try:
        return NewMember(MemberType(kind), UUID(identity))
    except ValueError as error:
        raise INVALID("Choose somebody from the list.", field="member") from error


@get("/c")
async def browse(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Every channel within reach, joined or not."""
    async with services.db.transaction(actor) as tx:
        known = (await list_conversations(tx, actor, kind=ConversationKind.CHANNEL, limit=MAX_LIMIT)).items
        archived = (await list_conversations(tx, actor, archived=True, limit=MAX_LIMIT)).items
    return await render_in_hall(
        "conversations.html",
        request,
        services,
        actor,
        channels=sorted(known, key=lambda found: found.name or ""),
        archived=[found for found in archived if found.kind is not ConversationKind.AGENT],
        icon_of=icon_of,
        full_label=full_label,
    )


async def _new_page(
    request: AnyRequest, services: Services, actor: Actor, kind: str, form: Form, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        candidates = await _candidates(tx, actor)
    return await render_in_hall(
        "conversation_new.html", request, services, actor, status=status, kind=kind, form=form, candidates=candidates
    )


@get("/c/new")
async def show_new(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    kind: FromQuery[str] = "channel",
) -> Page:
    """The form of a new channel, group or direct conversation."""
    return await _new_page(request, services, actor, kind if kind in KINDS else "channel", Form())


@post("/c/new")
async def open_new(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Open a channel or a group, and go there."""
    form = await read_form(request)
    kind = form.v("kind", "channel")
    chosen = [name for name in (await request.form()).getall("member", []) if isinstance(name, str)]
    try:
        names = ("kind", "name", "type", "description") if kind == "channel" else ("kind", "title", "description")
        data = form.read(NewConversation, *names, members=[])
        data.members = [_member(name) for name in chosen]
        async with services.db.transaction(actor) as tx:
            opened = await opening.open_conversation(tx, actor, services.log, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _new_page(request, services, actor, kind, form, status=error.kind.status)
    return go(f"/c/{opened.id}")


@post("/c/direct")
async def open_direct(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Open the direct conversation with a person or an agent, and go there."""
    form = await read_form(request)
    try:
        member = _member(form.v("with"))
        data = NewConversation(kind="direct", members=[member])
        async with services.db.transaction(actor) as tx:
            opened = await opening.open_conversation(tx, actor, services.log, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _new_page(request, services, actor, "direct", form, status=error.kind.status)
    return go(f"/c/{opened.id}")


async def _about_page(
    request: AnyRequest, services: Services, actor: Actor, conversation_id: UUID, form: Form, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        access = await access_conversation(tx, actor, conversation_id, Verb.READ)
        conversation = await get_conversation(tx, actor, conversation_id)
        joined = (await members.list_members(tx, actor, conversation_id, limit=MAX_LIMIT)).items
        candidates = await _candidates(tx, actor)
        pins = await pins_context(tx, actor, access)
    changeable = conversation.type is not ConversationType.SYSTEM and conversation.kind is not ConversationKind.DIRECT
    may_manage = changeable and refusal(actor, access, Verb.MANAGE) is None
    inside = {member.member_id for member in joined}
    presence = {candidate.id: candidate.presence for candidate in candidates}
    return await render_in_hall(
        "conversation_about.html",
        request,
        services,
        actor,
        status=status,
        conversation=conversation,
        label=full_label(conversation),
        heading=about_title(conversation),
        members=[_as_candidate(member, presence) for member in joined],
        candidates=[candidate for candidate in candidates if candidate.id not in inside],
        form=form,
        may_manage=may_manage,
        may_add=changeable and (conversation.is_member or may_manage),
        may_leave=changeable and conversation.is_member,
        may_join=not conversation.is_member and conversation.type is ConversationType.PUBLIC,
        **pins,
    )


def _as_candidate(member: Member, presence: dict[UUID, str | None]) -> Candidate:
    return Candidate(
        str(member.member_type), member.member_id, member.name, member.handle, presence.get(member.member_id)
    )


@get("/c/{conversation_id:uuid}/about")
async def show_about(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Page:
    """What a conversation is for, and who is in it."""
    return await _about_page(request, services, actor, conversation_id, Form())


@post("/c/{conversation_id:uuid}/about")
async def change(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Page:
    """Change a conversation's name and description."""
    form = await read_form(request)
    try:
        wanted = form.read(ConversationChange, "name", "title", description=form.v("description").strip())
        async with services.db.transaction(actor) as tx:
            await changes.change_conversation(tx, actor, conversation_id, wanted)
    except CrewhallError as error:
        form.refuse(error)
        return await _about_page(request, services, actor, conversation_id, form, status=error.kind.status)
    return go(f"/c/{conversation_id}", "Saved.")


@post("/c/{conversation_id:uuid}/policy")
async def change_policy(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Page:
    """Change when agents may speak in a conversation. A box that is not ticked is not sent."""
    form = await read_form(request)
    ticked = {name: name in form.values for name in ("auto_trigger", "multi_agent_enabled")}
    try:
        policy = form.read(AgentPolicyChange, "max_agent_rounds", "agent_cooldown_seconds", **ticked)
        async with services.db.transaction(actor) as tx:
            change_of = ConversationChange(agent_policy=policy)
            await changes.change_conversation(tx, actor, conversation_id, change_of)
    except CrewhallError as error:
        form.refuse(error)
        return await _about_page(request, services, actor, conversation_id, form, status=error.kind.status)
    return go(f"/c/{conversation_id}/about", "Saved.")


@post("/c/{conversation_id:uuid}/members")
async def add_member(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Page:
    """Add a person or an agent."""
    form = await read_form(request)
    try:
        member = _member(form.v("member"))
        async with services.db.transaction(actor) as tx:
            await members.add_member(tx, actor, conversation_id, member)
    except CrewhallError as error:
        form.problem = error.detail
        return await _about_page(request, services, actor, conversation_id, form, status=error.kind.status)
    return go(f"/c/{conversation_id}/about")


@post("/c/{conversation_id:uuid}/members/remove")
async def remove_member(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Redirect:
    """Take somebody out."""
    member = _member((await read_form(request)).v("member"))
    async with services.db.transaction(actor) as tx:
        await members.remove_member(tx, actor, conversation_id, member)
    return go(f"/c/{conversation_id}/about")


@post("/c/{conversation_id:uuid}/join")
async def join(
    services: NamedDependency[Services], actor: NamedDependency[Actor], conversation_id: FromPath[UUID]
) -> Redirect:
    """Join a public channel."""
    async with services.db.transaction(actor) as tx:
        await members.join_conversation(tx, actor, conversation_id)
    return go(f"/c/{conversation_id}")


@post("/c/{conversation_id:uuid}/leave")
async def leave(
    services: NamedDependency[Services], actor: NamedDependency[Actor], conversation_id: FromPath[UUID]
) -> Redirect:
    """Leave a conversation."""
    async with services.db.transaction(actor) as tx:
        await members.leave_conversation(tx, actor, conversation_id)
    return go("/", "You have left.")


@post("/c/{conversation_id:uuid}/archive")
async def archive(
    services: NamedDependency[Services], actor: NamedDependency[Actor], conversation_id: FromPath[UUID]
) -> Redirect:
    """Make a conversation read-only."""
    async with services.db.transaction(actor) as tx:
        await changes.archive_conversation(tx, actor, services.log, conversation_id)
    return go(f"/c/{conversation_id}", "Archived: it can be read, and restored.")


@post("/c/{conversation_id:uuid}/restore")
async def restore(
    services: NamedDependency[Services], actor: NamedDependency[Actor], conversation_id: FromPath[UUID]
) -> Redirect:
    """Let an archived conversation take messages again."""
    async with services.db.transaction(actor) as tx:
        await changes.restore_conversation(tx, actor, services.log, conversation_id)
    return go(f"/c/{conversation_id}")


HANDLERS = [
    browse, show_new, open_new, open_direct, show_about, change, change_policy, add_member, remove_member, join, leave,
    archive, restore,
]  # fmt: skip
