"""The list of pinned messages on a conversation's page."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from markupsafe import Markup

from crewhall.conversations.access import Access, Verb, access_conversation, refusal
from crewhall.conversations.overlays import Overlays
from crewhall.conversations.pins import list_pins
from crewhall.conversations.posting import Posting
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.wire import Message
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx

EXCERPT = 240


class Pinned(msgspec.Struct):
    """A pinned message and the beginning of its text."""

    message: Message
    excerpt: str


async def pins_context(tx: Tx, actor: Actor, access: Access, after: str | None = None) -> dict[str, Any]:
    """What `parts/pins.html` names: a page of what is pinned, what follows it, whether the actor may unpin."""
    found = await list_pins(tx, actor, access.conversation_id, after=after)
    return {
        "pins": [Pinned(message, excerpt_of(message)) for message in found.items],
        "more_pins": found.next,
        "may_unpin": is_allowed(actor, Permission.MESSAGES_PIN) and refusal(actor, access, Verb.POST) is None,
    }


def excerpt_of(message: Message) -> str:
    """The beginning of what a message says, without its marks."""
    text = Markup(message.html or "").striptags()  # noqa: S704 - its tags are taken away
    return text if len(text) <= EXCERPT else text[:EXCERPT].rstrip() + "…"


@get("/c/{conversation_id:uuid}/pins")
async def show_pins(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """What is pinned in a conversation, page by page."""
    async with services.db.transaction(actor) as tx:
        access = await access_conversation(tx, actor, conversation_id, Verb.READ)
        conversation = await get_conversation(tx, actor, conversation_id)
        pins = await pins_context(tx, actor, access, after)
    return await render_in_hall("pins.html", request, services, actor, conversation=conversation, after=after, **pins)


@post("/c/{conversation_id:uuid}/messages/{message_id:uuid}/unpin")
async def unpin(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
) -> Redirect:
    """Take a message's pin off, from the list of what is pinned."""
    await Overlays(services.db, services.part(Posting)).unpin(actor, conversation_id, message_id)
    return go(f"/c/{conversation_id}/about")


HANDLERS = [show_pins, unpin]
