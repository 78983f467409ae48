"""The list of pinned messages on a conversation's page."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from markupsafe import Markup

from crewhall.conversations.access import Access, Verb, refusal
from crewhall.conversations.overlays import Overlays
from crewhall.conversations.pins import list_pins
from crewhall.conversations.posting import Posting
from crewhall.conversations.wire import Message
from crewhall.faces.plumbing.pages import go
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import MAX_LIMIT

EXCERPT = 240


class Pinned(msgspec.Struct):
    """A pinned message and the beginning of its text."""

    message: Message
    excerpt: str


async def pins_context(tx: Tx, actor: Actor, access: Access) -> dict[str, Any]:
    """What `parts/pins.html` names: what is pinned, whether there is more, whether the actor may unpin."""
    found = await list_pins(tx, actor, access.conversation_id, limit=MAX_LIMIT)
    return {
        "pins": [Pinned(message, _excerpt(message)) for message in found.items],
        "more_pins": found.next is not None,
        "may_unpin": is_allowed(actor, Permission.MESSAGES_PIN) and refusal(actor, access, Verb.POST) is None,
    }


def _excerpt(message: Message) -> str:
    """The beginning of what a message says, without its marks."""
    text = Markup(message.html or "").striptags()  # noqa: S704 - its tags are taken away
    return text if len(text) <= EXCERPT else text[:EXCERPT].rstrip() + "…"


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


HANDLERS = [unpin]
