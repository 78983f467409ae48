"""Editing, deleting, pinning and reacting: each is a record that is laid over a message, idempotent by nature."""

from collections.abc import Callable
from uuid import UUID

from msgspec import UNSET

from crewhall.conversations.access import Verb
from crewhall.conversations.emoji import check_emoji
from crewhall.conversations.messages import get_message
from crewhall.conversations.posting import ATTEMPTS, Posting
from crewhall.conversations.schemas import EditMessage
from crewhall.conversations.wire import Message
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, CrewhallError, define_error
from crewhall.ports.message_log import CLIENT_ID_REUSED, Author, NewRecord, RecordType

MAX_REACTION_KINDS, MAX_REACTIONS = 50, 1_000
STALE_MESSAGE = define_error("stale_message", 409, "Edited meanwhile")


class Overlays:
    """Lays records over messages. What would change nothing is not written."""

    def __init__(self, db: Database, posting: Posting) -> None:
        self._db = db
        self._posting = posting

    async def edit(self, actor: Actor, conversation_id: UUID, message_id: UUID, data: EditMessage) -> Message:
        """Give a message new text; its author alone may. Earlier versions stay in its history.

        Raises NOT_FOUND, FORBIDDEN, CONFLICT (deleted), CONVERSATION_CLOSED, STALE_MESSAGE with what it says by now,
        when it was edited after what the edit is based on.
        """
        for attempt in range(ATTEMPTS):
            message = await self._load(actor, conversation_id, message_id, Verb.POST)
            _check_there(message)
            if not _is_author(actor, message):
                raise FORBIDDEN("Only its author can edit a message.")
            title = message.title if data.title is None else data.title
            if (data.content, title) == (message.content, message.title):
                return message
            if data.based_on is not UNSET and data.based_on != message.edited_at:
                raise _stale(message)
            try:
                return await self._append(actor, message, await self._edit_of(actor, message, data, title), Verb.POST)
            except CrewhallError as error:
                if error.kind is not CLIENT_ID_REUSED:
                    raise
                if attempt == ATTEMPTS - 1:
                    raise _stale(message) from error
        raise AssertionError("unreachable")

    async def _edit_of(self, actor: Actor, message: Message, data: EditMessage, title: str | None) -> NewRecord:
        """The record of an edit. Each version is followed by one: of two edits of the same, the log refuses one."""
        text = await self._posting.prepare(actor, data.content, message.conversation_id)
        record = _overlay(actor, message, RecordType.EDIT, data.content)
        record.title, record.html, record.mentions = title, text.html, text.mentions
        record.client_id = f"edit:{message.id}:{message.edited_at.isoformat() if message.edited_at else 0}"
        return record

    async def delete(self, actor: Actor, conversation_id: UUID, message_id: UUID) -> None:
        """Leave a tombstone in a message's place; its author may, and owners and admins."""
        message = await self._load(actor, conversation_id, message_id, Verb.READ)
        verb = Verb.POST if _is_author(actor, message) else Verb.MODERATE
        await self._load(actor, conversation_id, message_id, verb)
        if message.deleted_at is None:
            await self._append(actor, message, _overlay(actor, message, RecordType.DELETION), verb)

    async def pin(self, actor: Actor, conversation_id: UUID, message_id: UUID) -> Message:
        """Pin a message for everybody in the conversation."""
        return await self._set_pin(actor, conversation_id, message_id, pinned=True)

    async def unpin(self, actor: Actor, conversation_id: UUID, message_id: UUID) -> Message:
        """Take a message's pin off."""
        return await self._set_pin(actor, conversation_id, message_id, pinned=False)

    async def react(self, actor: Actor, conversation_id: UUID, message_id: UUID, emoji: str) -> Message:
        """Add the actor's reaction; a message takes at most 50 different emoji, and 1,000 reactions: it names each."""
        check_emoji(emoji)

        def refuse_too_many(message: Message) -> None:
            if emoji not in message.reactions and len(message.reactions) >= MAX_REACTION_KINDS:
                raise CONFLICT(f"A message takes at most {MAX_REACTION_KINDS} different reactions.", field="emoji")
            if sum(map(len, message.reactions.values())) >= MAX_REACTIONS:
                raise CONFLICT(f"A message takes at most {MAX_REACTIONS:,} reactions.", field="emoji")

        return await self._set_reaction(actor, conversation_id, message_id, emoji, refuse_too_many)

    async def unreact(self, actor: Actor, conversation_id: UUID, message_id: UUID, emoji: str) -> Message:
        """Take the actor's reaction back."""
        check_emoji(emoji)
        return await self._set_reaction(actor, conversation_id, message_id, emoji, None)

    async def _set_pin(self, actor: Actor, conversation_id: UUID, message_id: UUID, *, pinned: bool) -> Message:
        message = await self._load(actor, conversation_id, message_id, Verb.POST)
        check_permission(actor, Permission.MESSAGES_PIN)
        _check_there(message)
        if (message.pinned_at is not None) == pinned:
            return message
        kind = RecordType.PIN if pinned else RecordType.UNPIN
        return await self._append(actor, message, _overlay(actor, message, kind), Verb.POST)

    async def _set_reaction(
        self,
        actor: Actor,
        conversation_id: UUID,
        message_id: UUID,
        emoji: str,
        check_new: Callable[[Message], None] | None,
    ) -> Message:
        message = await self._load(actor, conversation_id, message_id, Verb.POST)
        _check_there(message)
        reacted = any((by.type, by.id) == (str(actor.type), actor.id) for by in message.reactions.get(emoji, ()))
        if reacted == (check_new is not None):
            return message
        if check_new:
            check_new(message)
        kind = RecordType.REACTION if check_new else RecordType.UNREACTION
        return await self._append(actor, message, _overlay(actor, message, kind, emoji), Verb.POST)

    async def _load(self, actor: Actor, conversation_id: UUID, message_id: UUID, verb: Verb) -> Message:
        async with self._db.transaction(actor) as tx:
            return await get_message(tx, actor, conversation_id, message_id, verb)

    async def _append(self, actor: Actor, message: Message, record: NewRecord, verb: Verb) -> Message:
        await self._posting.append(actor, record, verb)
        return await self._load(actor, message.conversation_id, message.id, Verb.READ)


def _overlay(actor: Actor, message: Message, kind: RecordType, content: str = "") -> NewRecord:
    return NewRecord(
        org_id=actor.org,
        conversation_id=message.conversation_id,
        author=Author.of(actor),
        type=kind,
        content=content,
        target_id=message.id,
    )


def _is_author(actor: Actor, message: Message) -> bool:
    return (message.author.type, message.author.id) == (actor.type, actor.id)


def _stale(message: Message) -> CrewhallError:
    return STALE_MESSAGE(
        "This message was edited meanwhile, in another window or on another device. Look at what it says by now.",
        message={"content": message.content, "title": message.title, "edited_at": message.edited_at},
    )


def _check_there(message: Message) -> None:
    if message.deleted_at is not None:
        raise CONFLICT("This message was deleted.")
