"""The durable log that everything follows from: one topic per conversation, records in order of `seq`.

A record is acknowledged only when it is durable. A repeated client id of the same author in the same conversation is
the same record. `seq` rises strictly within a conversation, in order of commit. Engines pass one contract suite.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import define_error
from crewhall.kernel.ids import new_id

CLIENT_ID_REUSED = define_error("client_id_reused", 409, "This client id was used for another message")
CONVERSATION_CLOSED = define_error("conversation_closed", 409, "The conversation takes no messages")
MEMBERSHIP_CHANGED = define_error("membership_changed", 409, "Membership changed meanwhile")
MAX_SEQ = 2**62
"""No seq is greater; one that is asked for may not be either."""
MAX_CLIENT_ID_LENGTH = 200


class RecordType(StrEnum):
    """What a record does: an original message, or what is laid over one."""

    MESSAGE = "message"
    EDIT = "edit"
    DELETION = "deletion"
    PIN = "pin"
    UNPIN = "unpin"
    REACTION = "reaction"
    UNREACTION = "unreaction"
    DELIVERY = "delivery"


class MessageRole(StrEnum):
    """Whose voice a message is, in the terms of language models."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


class MessageKind(StrEnum):
    """What a message is for."""

    MESSAGE = "message"
    UPDATE = "update"
    INSIGHT = "insight"
    QUESTION = "question"
    ANSWER = "answer"
    ALERT = "alert"
    METRIC = "metric"


class Author(msgspec.Struct, frozen=True):
    """Who wrote a record, with the name it had then."""

    type: ActorType
    id: UUID
    name: str

    @classmethod
    def of(cls, actor: Actor) -> "Author":
        """The actor as an author."""
        return cls(actor.type, actor.id, actor.name)


class NewRecord(msgspec.Struct, kw_only=True):
    """A record to append. `membership_version` is the version that the access check saw; None skips the check."""

    org_id: UUID
    conversation_id: UUID
    author: Author
    type: RecordType = RecordType.MESSAGE
    role: MessageRole = MessageRole.USER
    kind: MessageKind = MessageKind.MESSAGE
    content: str = ""
    title: str | None = None
    html: str | None = None
    metadata: dict[str, Any] | None = None
    parent_id: UUID | None = None
    target_id: UUID | None = None
    mentions: list[UUID] = []
    client_id: str | None = None
    membership_version: int | None = None
    id: UUID = msgspec.field(default_factory=new_id)

    def body_digest(self) -> bytes:
        """What must be equal for two records with one client id to be the same record."""
        body = (
            self.type,
            self.role,
            self.kind,
            self.title,
            self.content,
            self.metadata,
            self.parent_id,
            self.target_id,
        )
        return hashlib.blake2b(msgspec.json.encode(body, order="deterministic"), digest_size=16).digest()


class Record(msgspec.Struct, kw_only=True):
    """A record in the log."""

    org_id: UUID
    conversation_id: UUID
    seq: int
    id: UUID
    type: RecordType
    author: Author
    role: MessageRole
    kind: MessageKind
    content: str
    title: str | None
    html: str | None
    metadata: dict[str, Any] | None
    parent_id: UUID | None
    target_id: UUID | None
    mentions: list[UUID]
    client_id: str | None
    created_at: datetime


class Appended(msgspec.Struct, frozen=True):
    """The acknowledgement: the record's place. `is_new` is false for a repeated client id."""

    id: UUID
    seq: int
    created_at: datetime
    is_new: bool


class Advanced(msgspec.Struct, frozen=True):
    """A conversation's log moved on. With `records`, they follow directly upon `previous_seq`; without, read them.

    Deliveries never come with it: what they show is known when they are read.
    """

    conversation_id: UUID
    previous_seq: int
    last_seq: int
    records: list[Record] | None


class LogState(msgspec.Struct, frozen=True):
    """How the log is: its engine, how many records cannot be read yet, and what somebody has to look at.

    `lag` is None where this process does not know: it reads no topics, or has not heard yet where they end.
    """

    engine: str
    lag: int | None = 0
    stopped: list[str] = []


Watcher = Callable[[Advanced | None], None]
"""Told of each advance in order of seq within a conversation; None: advances may have been missed, read again."""


class MessageLog(Protocol):
    """The log, whatever engine keeps it."""

    async def append(self, record: NewRecord) -> Appended:
        """Append one record; returns when it is durable.

        Raises CLIENT_ID_REUSED, CONVERSATION_CLOSED, MEMBERSHIP_CHANGED, INVALID (cannot be stored), UNAVAILABLE.
        """
        ...

    async def read(self, org_id: UUID, conversation_id: UUID, *, after: int, limit: int) -> list[Record]:
        """Return up to `limit` records with seq > `after`, in order.

        Of a deleted message and its edits only the place is left: no text, title, metadata or mentions. A delivery
        shows its message as it is now.
        """
        ...

    async def head(self, org_id: UUID, conversation_id: UUID) -> int:
        """Return the last seq of a conversation, 0 when nothing was written."""
        ...

    def watch(self, watcher: Watcher) -> None:
        """Tell the watcher of every advance of every conversation, of this process and of others."""
        ...

    def state(self) -> LogState:
        """How the log is, as far as this process knows."""
        ...

    async def create(self, tx: Tx, org_id: UUID, conversation_id: UUID) -> None:
        """Provision a conversation's topic, in the transaction that creates the conversation."""
        ...

    async def retire(self, tx: Tx, org_id: UUID, conversation_id: UUID) -> None:
        """Close a conversation's topic for appends; it stays readable."""
        ...

    async def reopen(self, tx: Tx, org_id: UUID, conversation_id: UUID) -> None:
        """Open a retired topic again (an archived conversation that is restored)."""
        ...


def topic_of(conversation_id: UUID) -> str:
    """The topic's name: unique, at most 249 characters, safe for Kafka (`[a-zA-Z0-9._-]`)."""
    return f"crewhall.conversation.{conversation_id}"
