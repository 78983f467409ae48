"""What a conversation's log holds, as clients see it: messages, changes to them, and deliveries to an agent."""

from datetime import datetime
from typing import Any

import msgspec


class Author(msgspec.Struct, frozen=True):
    """A person (`user`), an agent, or the system."""

    type: str
    id: str
    name: str = ""


class Reactor(msgspec.Struct, frozen=True):
    """Who reacted."""

    type: str
    id: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message with everything that its edits, pins and reactions add up to.

    `content` is Markdown, `html` its sanitised rendering. `parent_id` is the message whose thread this one is in.
    """

    id: str
    conversation_id: str
    seq: int
    author: Author
    content: str
    created_at: datetime
    type: str = "message"
    role: str = "user"
    kind: str = "message"
    status: str = "sent"
    title: str | None = None
    html: str | None = None
    metadata: dict[str, Any] = {}
    parent_id: str | None = None
    mentions: list[str] = []
    client_id: str | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    pinned_at: datetime | None = None
    reactions: dict[str, list[Reactor]] = {}
    reply_count: int = 0
    last_reply_at: datetime | None = None

    @property
    def files(self) -> list["AttachedFile"]:
        """The files that came with it: download them by id (`client.files`)."""
        return msgspec.convert(self.metadata.get("files", []), list[AttachedFile])

    @property
    def sources(self) -> list["CitedSource"]:
        """What the numbers in an agent's answer name (`[1]`), in their order."""
        try:
            return msgspec.convert(self.metadata.get("sources", []), list[CitedSource])
        except msgspec.ValidationError:  # of somebody else, from before this was Crewhall's own word
            return []


class CitedSource(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer cites: a passage (`id` is the chunk's), or a message. `url` opens it for who may read it."""

    number: int
    id: str
    title: str
    url: str
    document_id: str | None = None


class AttachedFile(msgspec.Struct, frozen=True):
    """What a message says of a file of it."""

    id: str
    name: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A record about an earlier message: edit, deletion, pin, unpin, reaction or unreaction (emoji in `content`)."""

    id: str
    conversation_id: str
    seq: int
    type: str
    author: Author
    created_at: datetime
    target_id: str | None = None
    title: str | None = None
    content: str | None = None
    html: str | None = None
    metadata: dict[str, Any] = {}
    mentions: list[str] = []


class Delivered(msgspec.Struct, frozen=True):
    """Why an agent should see a message (mention, reply or message), and the message."""

    reason: str
    message: Message


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A record of an agent's inbox."""

    id: str
    conversation_id: str
    seq: int
    metadata: Delivered
    type: str = "delivery"


Record = Message | Change | Delivery


class _Type(msgspec.Struct):
    type: str


def read_record(raw: bytes | msgspec.Raw) -> Record:
    """Read one record of any type."""
    kind = msgspec.json.decode(raw, type=_Type).type
    if kind == "message":
        return msgspec.json.decode(raw, type=Message)
    if kind == "delivery":
        return msgspec.json.decode(raw, type=Delivery)
    return msgspec.json.decode(raw, type=Change)
