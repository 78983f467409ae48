"""The page about a conversation: what it is for, what is pinned, who is in it, and its end."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from crewhall.conversations import changes, levels, members
from crewhall.conversations.access import Verb, access_conversation, refusal
from crewhall.conversations.pages_manage import Candidate, candidates_of, member_named
from crewhall.conversations.pages_pins import pins_context
from crewhall.conversations.pages_sidebar import full_label
from crewhall.conversations.pages_words import about_title
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.schemas import AgentPolicyChange, Conversation, ConversationChange, LevelInput, Member
from crewhall.conversations.vocabulary import ConversationKind, ConversationType
from crewhall.conversations.vocabulary import NotificationLevel as L
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import MAX_LIMIT

LEVELS = [(L.ALL, "Of every message"), (L.MENTIONS, "Of mentions and replies"), (L.NOTHING, "Of nothing")]
AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
Act = Callable[[Services, Tx, Actor, UUID], Awaitable[object]]


async def _about_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    conversation_id: UUID,
    form: Form,
    *,
    delete_form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        access = await access_conversation(tx, actor, conversation_id, Verb.READ)
        conversation = await get_conversation(tx, actor, conversation_id)
        joined = (await members.list_members(tx, actor, conversation_id, limit=MAX_LIMIT)).items
        candidates = await candidates_of(tx, actor)
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
        delete_form=delete_form or Form(),
        levels=_levels_of(conversation),
        may_manage=may_manage,
        may_add=changeable and (conversation.is_member or may_manage),
        may_leave=changeable and conversation.is_member,
        may_join=not conversation.is_member and conversation.type is ConversationType.PUBLIC,
        **pins,
    )


def _levels_of(conversation: Conversation) -> list[tuple[L, str]]:
    return LEVELS if conversation.is_member and conversation.kind is not ConversationKind.AGENT else []


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
    """Change what a conversation is called, what it is for, and who finds it."""
    form = await read_form(request)
    try:
        wanted = form.read(ConversationChange, "name", "type", "title", description=form.v("description").strip())
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


@post("/c/{conversation_id:uuid}/notifications")
async def choose_level(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Redirect:
    """Choose how much of it one is told of."""
    chosen = (await read_form(request)).read(LevelInput, "level")
    async with services.db.transaction(actor) as tx:
        await levels.set_level(tx, actor, conversation_id, chosen.level)
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
        member = member_named(form.v("member"))
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
    member = member_named((await read_form(request)).v("member"))
    async with services.db.transaction(actor) as tx:
        await members.remove_member(tx, actor, conversation_id, member)
    return go(f"/c/{conversation_id}/about")


def _button(verb: str, act: Act, there: str = "/c/{}", said: str | None = None) -> HTTPRouteHandler:
    """What a button without fields does to a conversation, and where it leads."""

    @post(f"/c/{{conversation_id:uuid}}/{verb}")
    async def press(
        services: NamedDependency[Services], actor: NamedDependency[Actor], conversation_id: FromPath[UUID]
    ) -> Redirect:
        async with services.db.transaction(actor) as tx:
            await act(services, tx, actor, conversation_id)
        return go(there.format(conversation_id), said)

    return press


BUTTONS = [
    _button("join", lambda _, tx, actor, it: members.join_conversation(tx, actor, it)),
    _button("leave", lambda _, tx, actor, it: members.leave_conversation(tx, actor, it), "/", "You have left."),
    _button(
        "archive",
        lambda services, tx, actor, it: changes.archive_conversation(tx, actor, services.log, it),
        said="Archived: it can be read, and restored.",
    ),
    _button("restore", lambda services, tx, actor, it: changes.restore_conversation(tx, actor, services.log, it)),
]


@post("/c/{conversation_id:uuid}/delete")
async def delete(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Page:
    """Delete a conversation for everybody, once its name was typed again."""
    form = await read_form(request)
    try:
        async with services.db.transaction(actor) as tx:
            await changes.delete_conversation(tx, actor, services.log, conversation_id, form.v("confirm").strip())
    except CrewhallError as error:
        form.refuse(error)
        return await _about_page(
            request, services, actor, conversation_id, Form(), delete_form=form, status=error.kind.status
        )
    return go("/", "It is deleted.")


HANDLERS = [show_about, change, change_policy, choose_level, add_member, remove_member, *BUTTONS, delete]
