"""The page of a conversation's members: who is in it, who added whom, and adding somebody by name."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.conversations import handing_over, members
from crewhall.conversations.access import Access, Verb, access_conversation, refusal
from crewhall.conversations.pages_candidates import load_outsiders, member_named
from crewhall.conversations.pages_sidebar import full_label
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.schemas import Conversation, Member
from crewhall.conversations.sharing import refuse_sharing
from crewhall.conversations.vocabulary import (
    ConversationKind,
    ConversationStatus,
    ConversationType,
    MemberRole,
)
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
PAGE_SIZE, MOST_FOUND = 50, 20


class Row(msgspec.Struct):
    """A member as a page shows it. `came` says how it came in, to be followed by the day."""

    type: str
    id: UUID
    name: str
    handle: str
    badge: str | None
    came: str
    joined_at: datetime
    presence: str | None
    may_remove: bool
    may_own: bool


class Rights(msgspec.Struct):
    """What the viewer may do: `shares` is adding and removing readers of their own session.

    `closes`: archives it, whose members may be fixed; `deletes`: for everybody, which neither of two people does.
    """

    manages: bool
    adds: bool
    shares: bool
    closes: bool
    deletes: bool


def rights_of(actor: Actor, access: Access, conversation: Conversation) -> Rights:
    """What the actor may do about the members of a conversation that it reads."""
    shares = conversation.kind is ConversationKind.DIRECT and refuse_sharing(actor, access) is None
    closes = conversation.type is not ConversationType.SYSTEM and refusal(actor, access, Verb.MANAGE) is None
    fixed = conversation.type is ConversationType.SYSTEM or conversation.kind in {
        ConversationKind.DIRECT,
        ConversationKind.AGENT,
    }
    manages = closes and not fixed
    is_open = conversation.status is not ConversationStatus.ARCHIVED
    adds = shares or (not fixed and is_open and (conversation.is_member or manages))
    return Rights(manages, adds, shares, closes, closes and not access.is_of_two_people)


async def rows_of(
    tx: Tx, actor: Actor, conversation_id: UUID, some: list[Member], rights: Rights, presence: dict[UUID, str | None]
) -> list[Row]:
    """How a page shows members of a conversation to the actor."""
    maker = await members.find_maker(tx, conversation_id)
    heirs = await handing_over.find_heirs(tx, [one.as_new for one in some]) if rights.manages else set()
    return [
        _row_of(actor, one, rights, presence, is_maker=one.member_id == maker, is_heir=one.as_new in heirs)
        for one in some
    ]


def _row_of(
    actor: Actor, member: Member, rights: Rights, presence: dict[UUID, str | None], *, is_maker: bool, is_heir: bool
) -> Row:
    is_reader = member.role is MemberRole.READER
    came = "made it" if is_maker else "joined"
    if member.added_by is not None:
        came = f"added by {member.added_by.name or 'somebody'}"
    return Row(
        str(member.member_type),
        member.member_id,
        member.name,
        member.handle,
        {MemberRole.OWNER: "owner", MemberRole.READER: "reads along"}.get(member.role),
        came,
        member.joined_at,
        presence.get(member.member_id),
        member.member_id != actor.id and (rights.shares if is_reader else rights.manages),
        rights.adds and is_heir and member.role is MemberRole.MEMBER,
    )


async def _members_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    conversation_id: UUID,
    form: Form,
    *,
    q: str = "",
    after: str | None = None,
    status: int = 200,
) -> Response[str]:
    typed = q.strip()
    async with services.db.transaction(actor) as tx:
        access = await access_conversation(tx, actor, conversation_id, Verb.READ)
        conversation = await get_conversation(tx, actor, conversation_id)
        rights = rights_of(actor, access, conversation)
        page = await members.list_members(tx, actor, conversation_id, q=typed or None, after=after, limit=PAGE_SIZE)
        rows = await rows_of(tx, actor, conversation_id, page.items, rights, {})
        outsiders = (
            await load_outsiders(tx, actor, conversation_id, typed, people_alone=rights.shares)
            if typed and rights.adds
            else []
        )
    return await render_in_hall(
        "members.html",
        request,
        services,
        actor,
        status=status,
        conversation=conversation,
        label=full_label(conversation),
        members=rows,
        outsiders=outsiders,
        rights=rights,
        form=form,
        q=typed,
        next=page.next,
    )


@get("/c/{conversation_id:uuid}/members")
async def show_members(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    q: FromQuery[str] = "",
    after: FromQuery[str | None] = None,
) -> Page:
    """Who is in a conversation, and who of those that are not is called like what was typed."""
    return await _members_page(request, services, actor, conversation_id, Form(), q=q, after=after)


@post("/c/{conversation_id:uuid}/members")
async def add_member(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Page:
    """Add a person or an agent, or share a session with a person."""
    form = await read_form(request)
    try:
        member = member_named(form.v("member"))
        async with services.db.transaction(actor) as tx:
            await members.add_member(tx, actor, conversation_id, member)
    except CrewhallError as error:
        form.problem = error.detail
        return await _members_page(request, services, actor, conversation_id, form, status=error.kind.status)
    return _back(conversation_id, form)


@post("/c/{conversation_id:uuid}/members/remove")
async def remove_member(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Redirect:
    """Take somebody out."""
    form = await read_form(request)
    async with services.db.transaction(actor) as tx:
        await members.remove_member(tx, actor, conversation_id, member_named(form.v("member")))
    return _back(conversation_id, form)


@post("/c/{conversation_id:uuid}/members/owner")
async def hand_over(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
) -> Page:
    """Make a member the owner."""
    form = await read_form(request)
    try:
        async with services.db.transaction(actor) as tx:
            await handing_over.hand_over(tx, actor, conversation_id, member_named(form.v("member")))
    except CrewhallError as error:
        form.problem = error.detail
        return await _members_page(request, services, actor, conversation_id, form, status=error.kind.status)
    return _back(conversation_id, form)


def _back(conversation_id: UUID, form: Form) -> Redirect:
    return go(f"/c/{conversation_id}/{'members' if form.v('page') == 'members' else 'about'}")


HANDLERS = [show_members, add_member, remove_member, hand_over]
