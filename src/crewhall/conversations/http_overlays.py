"""Single messages over HTTP: shown, edited, deleted, pinned, reacted to."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter

from crewhall.conversations import messages, pins
from crewhall.conversations.emoji import MAX_EMOJI_LENGTH
from crewhall.conversations.overlays import Overlays
from crewhall.conversations.posting import Posting
from crewhall.conversations.schemas import EditMessage, MessageVersion
from crewhall.conversations.wire import Message
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page

MESSAGE = "/{conversation_id:uuid}/messages/{message_id:uuid}"
Emoji = Annotated[str, PathParameter(max_length=MAX_EMOJI_LENGTH, description="One emoji.")]


def _overlays(services: Services) -> Overlays:
    return Overlays(services.db, services.part(Posting))


@get(MESSAGE, summary="Show a message")
async def get_message(
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Message:
    """Show one message as it is now."""
    async with services.db.transaction(actor) as tx:
        return await messages.get_message(tx, actor, conversation_id, message_id)


@patch(
    MESSAGE,
    summary="Edit a message",
    description="Its author may. Earlier versions stay in its history. 409 `stale_message`, with what it says by now, "
    "when it was edited after `based_on`.",
)
async def edit_message(
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    data: JSONBody[EditMessage],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Message:
    """Give a message new text."""
    return await _overlays(services).edit(actor, conversation_id, message_id, data)


@delete(
    MESSAGE,
    summary="Delete a message",
    description="Its author may, and owners and admins. A tombstone stays in its place.",
)
async def delete_message(
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Delete a message."""
    await _overlays(services).delete(actor, conversation_id, message_id)


@get(MESSAGE + "/history", summary="Show a message's versions", description="Oldest first.")
async def get_history(
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[MessageVersion]:
    """Show how a message read before."""
    async with services.db.transaction(actor) as tx:
        return await messages.message_history(tx, actor, conversation_id, message_id, after=after, limit=limit)


@get("/{conversation_id:uuid}/pins", summary="List pinned messages", description="The last pinned first.")
async def list_pins(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Message]:
    """List what is pinned in a conversation."""
    async with services.db.transaction(actor) as tx:
        return await pins.list_pins(tx, actor, conversation_id, after=after, limit=limit)


@put(MESSAGE + "/pin", summary="Pin a message")
async def pin_message(
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Message:
    """Pin a message for everybody in the conversation."""
    return await _overlays(services).pin(actor, conversation_id, message_id)


@delete(MESSAGE + "/pin", summary="Unpin a message", status_code=200)
async def unpin_message(
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Message:
    """Take a message's pin off."""
    return await _overlays(services).unpin(actor, conversation_id, message_id)


@put(MESSAGE + "/reactions/{emoji:str}", summary="React to a message")
async def add_reaction(
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    emoji: Emoji,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Message:
    """Add the caller's reaction."""
    return await _overlays(services).react(actor, conversation_id, message_id, emoji)


@delete(MESSAGE + "/reactions/{emoji:str}", summary="Take a reaction back", status_code=200)
async def remove_reaction(
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    emoji: Emoji,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Message:
    """Take the caller's reaction back."""
    return await _overlays(services).unreact(actor, conversation_id, message_id, emoji)


HANDLERS = [
    get_message,
    edit_message,
    delete_message,
    get_history,
    list_pins,
    pin_message,
    unpin_message,
    add_reaction,
    remove_reaction,
]
