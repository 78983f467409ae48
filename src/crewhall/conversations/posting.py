"""Posting: access, mentions, HTML, the log. The one way in for people and agents, whatever face they use."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations.access import AccessCache, Verb
from crewhall.conversations.files import hold_files
from crewhall.conversations.markdown import render_markdown
from crewhall.conversations.mentions import mentioned_names, resolve_mentions
from crewhall.conversations.messages import message_of_json
from crewhall.conversations.metadata import FILES, SOURCES
from crewhall.conversations.parents import check_parent
from crewhall.conversations.schemas import MAX_CONTENT_LENGTH, PostMessage
from crewhall.conversations.wire import Message, message_as
from crewhall.kernel.actor import SYSTEM_ID, Actor, ActorType
from crewhall.kernel.db import Database
from crewhall.kernel.errors import FORBIDDEN, INVALID, CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.limits import RateLimit, RateLimiter
from crewhall.ports.message_log import (
    MEMBERSHIP_CHANGED,
    Author,
    MessageKind,
    MessageLog,
    MessageRole,
    NewRecord,
)

ATTEMPTS = 3


class Text(msgspec.Struct, frozen=True):
    """Message text as it is stored: the sanitised HTML made once, and who is mentioned."""

    html: str
    mentions: list[UUID]


class Posted(msgspec.Struct, frozen=True):
    """A message that is durable.

    `is_new` is false when its client id had been used for the same message before; it is shown as it is now, then.
    """

    message: Message
    is_new: bool


class Cited(msgspec.Struct, frozen=True):
    """What a message cites by number: as its metadata keeps it, and where the numbers lead, each with a title."""

    sources: Sequence[Mapping[str, Any]]
    links: Mapping[str, tuple[str, str]]


class Posting:
    """What posting needs of its process."""

    def __init__(
        self, db: Database, log: MessageLog, access: AccessCache, limiter: RateLimiter, posts_per_second: int
    ) -> None:
        self._db = db
        self._log = log
        self._access = access
        self._limiter = limiter
        self._limit = RateLimit("posts", burst=posts_per_second * 2.0, per_second=posts_per_second)

    async def prepare(
        self, actor: Actor, content: str, conversation_id: UUID, links: Mapping[str, tuple[str, str]] | None = None
    ) -> Text:
        """Resolve the mentions of a text and render it. The database is asked only where there is an `@`.

        What Crewhall itself says mentions nobody: an `@` in it is part of somebody's name.
        """
        names = mentioned_names(content) if actor.id != SYSTEM_ID else set()
        if not names:
            return Text(render_markdown(content, (), links), [])
        async with self._db.transaction(actor) as tx:
            found = await resolve_mentions(tx, actor, names, conversation_id)
        return Text(render_markdown(content, found, links), list({mentioned.id for mentioned in found.values()}))

    async def post(self, actor: Actor, conversation_id: UUID, data: PostMessage, cited: Cited | None = None) -> Posted:
        """Post a message; returns when it is durable. Raises what `compose` and `append` raise."""
        return await self.append(actor, await self.compose(actor, conversation_id, data, cited), Verb.POST)

    async def compose(
        self, actor: Actor, conversation_id: UUID, data: PostMessage, cited: Cited | None = None
    ) -> NewRecord:
        """Make the record of a message: access, thread, mentions, HTML, what it cites.

        Raises NOT_FOUND, FORBIDDEN, INVALID (no such parent or file, too long), CONVERSATION_CLOSED, TOO_MANY_REQUESTS.
        """
        if len(data.content) > MAX_CONTENT_LENGTH:  # one that was not decoded, and so not checked yet
            raise INVALID(f"A message has at most {MAX_CONTENT_LENGTH:,} characters.", field="content")
        self._limiter.check(self._limit, actor.id)
        access = await self._access.access(actor, conversation_id, Verb.POST)
        if data.parent_id is not None:
            async with self._db.transaction(actor) as tx:
                await check_parent(tx, conversation_id, data.parent_id)
        metadata = data.metadata
        if data.files:
            metadata = (metadata or {}) | {FILES: await self._hold(actor, conversation_id, data.files)}
        if cited is not None:
            metadata = (metadata or {}) | {SOURCES: list(cited.sources)}
        text = await self.prepare(actor, data.content, conversation_id, cited.links if cited else None)
        return NewRecord(
            org_id=access.org_id,
            conversation_id=conversation_id,
            author=Author.of(actor),
            role=_role(actor, data.role),
            kind=data.kind or _default_kind(actor, access.kind),
            content=data.content,
            title=data.title,
            html=text.html,
            metadata=metadata,
            parent_id=data.parent_id,
            mentions=text.mentions,
            client_id=data.client_id if actor.run_id is None else _said_within(actor.run_id, data.client_id),
        )

    async def append(self, actor: Actor, record: NewRecord, verb: Verb) -> Posted:
        """Append a record; returns when it is durable. Access is checked again inside the log's transaction.

        Raises NOT_FOUND, FORBIDDEN, CONVERSATION_CLOSED, CLIENT_ID_REUSED, UNAVAILABLE.
        """
        for attempt in range(ATTEMPTS):
            access = await self._access.access(actor, record.conversation_id, verb)
            record.membership_version = access.membership_version
            try:
                appended = await self._log.append(record)
            except CrewhallError as error:
                if error.kind is not MEMBERSHIP_CHANGED or attempt == ATTEMPTS - 1:
                    raise
                self._access.forget(record.conversation_id)
            else:
                if not appended.is_new and (now := await self._as_it_is_now(actor, appended.id)):
                    return Posted(now, is_new=False)
                return Posted(message_as(record, appended.id, appended.seq, appended.created_at), appended.is_new)
        raise AssertionError("unreachable")

    async def _hold(self, actor: Actor, conversation_id: UUID, ids: list[UUID]) -> list[dict[str, object]]:
        async with self._db.transaction(actor) as tx:
            return await hold_files(tx, actor, conversation_id, ids)

    async def _as_it_is_now(self, actor: Actor, message_id: UUID) -> Message | None:
        """The message with what was laid over it since it was first posted; None for a record of another kind."""
        async with self._db.transaction(actor) as tx:
            shown = await tx.value("select message_wire(m) from messages m where m.id = %(id)s", {"id": message_id})
        return message_of_json(shown) if shown is not None else None


def _said_within(run_id: UUID, client_id: str | None) -> str:
    """The client id of what is said with the token of a turn: it names the turn, for whose asker it is said.

    The same id once more is the same message, as with any other token; without one it is a new message.
    """
    own = new_id().hex if client_id is None else blake2b(client_id.encode(), digest_size=16).hexdigest()
    return f"run:{run_id}:{own}"


def _role(actor: Actor, asked: MessageRole | None) -> MessageRole:
    own = {
        ActorType.USER: MessageRole.USER,
        ActorType.AGENT: MessageRole.ASSISTANT,
        ActorType.SYSTEM: MessageRole.SYSTEM,
    }[actor.type]
    if asked is None or asked is own:
        return own
    if actor.type is ActorType.AGENT and asked is MessageRole.TOOL:
        return asked
    raise FORBIDDEN(f"You cannot post as {asked}.", field="role")


def _default_kind(actor: Actor, conversation_kind: str) -> MessageKind:
    if actor.type is ActorType.AGENT and conversation_kind == "channel":
        return MessageKind.UPDATE
    return MessageKind.MESSAGE
