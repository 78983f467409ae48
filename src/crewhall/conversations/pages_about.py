"""The page about a conversation: what it is for, what is pinned, who is in it, and its end."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from crewhall.agents import find_agents
from crewhall.conversations import changes, levels, members
from crewhall.conversations.access import Verb, access_conversation
from crewhall.conversations.pages_members import rights_of, rows_of
from crewhall.conversations.pages_pins import pins_context
from crewhall.conversations.pages_sidebar import full_label
from crewhall.conversations.pages_words import about_title
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.schemas import AgentPolicyChange, Conversation, ConversationChange, LevelInput
from crewhall.conversations.vocabulary import (
    ConversationKind,
    ConversationStatus,
    ConversationType,
    MemberRole,
    MemberType,
)
from crewhall.conversations.vocabulary import NotificationLevel as L
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, CrewhallError

LEVELS = [(L.ALL, "Of every message"), (L.MENTIONS, "Of mentions and replies"), (L.NOTHING, "Of nothing")]
MOST_MEMBERS = 30
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
        rights = rights_of(actor, access, conversation)
        joined = await members.list_members(tx, actor, conversation_id, limit=MOST_MEMBERS)
        restores = conversation.status is ConversationStatus.ARCHIVED and await changes.may_restore(tx, actor, access)
        pins = await pins_context(tx, actor, access)
        agents = await find_agents(tx, [one.member_id for one in joined.items if one.member_type is MemberType.AGENT])
        presence: dict[UUID, str | None] = {found.id: str(found.presence) for found in agents.values()}
        rows = await rows_of(tx, actor, conversation_id, joined.items, rights, presence)
    return await render_in_hall(
        "conversation_about.html",
        request,
        services,
        actor,
        status=status,
        conversation=conversation,
        label=full_label(conversation),
        heading=about_title(conversation),
        members=rows,
        has_more_members=joined.next is not None,
        is_shareable=rights.shares,
        is_reader=conversation.role is MemberRole.READER,
        form=form,
        delete_form=delete_form or Form(),
        levels=_levels_of(conversation),
        may_manage=rights.manages,
        may_close=rights.closes,
        may_delete=rights.deletes,
        may_add=rights.adds,
        may_leave=_may_leave(conversation),
        may_restore=restores,
        may_join=not conversation.is_member and conversation.type is ConversationType.PUBLIC,
        **pins,
    )


def _may_leave(conversation: Conversation) -> bool:
    if conversation.kind is ConversationKind.DIRECT:
        return conversation.role is MemberRole.READER
    return conversation.is_member and conversation.type is not ConversationType.SYSTEM


def _levels_of(conversation: Conversation) -> list[tuple[L, str]]:
    return LEVELS if conversation.is_member and conversation.kind is not ConversationKind.AGENT else []


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


@post("/c/{conversation_id:uuid}/resting")
async def change_resting(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Redirect:
    """Keep a group open for good, or let it archive itself again."""
    wanted = (await read_form(request)).read(ConversationChange, "stays_open")
    async with services.db.transaction(actor) as tx:
        await changes.change_conversation(tx, actor, conversation_id, wanted)
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
    """Delete a conversation for everybody, once its name was typed again, or where it has none the box was ticked."""
    form = await read_form(request)
    typed = form.v("confirm").strip()
    try:
        async with services.db.transaction(actor) as tx:
            await access_conversation(tx, actor, conversation_id, Verb.MANAGE)
            if not typed and form.v("sure") != "true":
                raise INVALID("Tick the box first.", field="confirm")
            await changes.delete_conversation(tx, actor, services.log, conversation_id, typed)
    except CrewhallError as error:
        form.refuse(error)
        if "confirm" in form.errors:  # the refusal speaks to programs
            form.errors["confirm"] = "That is not it. Type it as it stands above."
        return await _about_page(
            request, services, actor, conversation_id, Form(), delete_form=form, status=error.kind.status
        )
    return go("/", "It is deleted.")


HANDLERS = [show_about, change, change_policy, change_resting, choose_level, *BUTTONS, delete]
