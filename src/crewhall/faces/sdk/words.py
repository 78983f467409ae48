"""What is not said yet: drafts, later messages, commands."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Message
from crewhall.faces.sdk.resources import ConversationRef, Page
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class DraftFile(msgspec.Struct, frozen=True, kw_only=True):
    """An upload that hangs on a draft; `files` of the message that is sent names it."""

    id: str
    name: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What the signed-in person has begun to write; version 0: no words. `conversation` is told by lists."""

    content: str = ""
    title: str | None = None
    kind: str | None = None
    version: int = 0
    updated_at: datetime | None = None
    conversation_id: str | None = None
    conversation: ConversationRef | None = None
    parent_id: str | None = None
    files: list[DraftFile] = []


class LaterMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is posted at `due_at`; `refusal` says why it was refused then."""

    id: str
    conversation_id: str
    content: str
    due_at: datetime
    timezone: str
    status: str
    conversation: ConversationRef | None = None
    parent_id: str | None = None
    kind: str | None = None
    title: str | None = None
    refusal: str | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a line with `/name` does in a conversation."""

    name: str
    usage: str
    title: str
    source: str
    agent_id: str | None = None
    agent_name: str | None = None
    task_id: str | None = None


class CommandDone(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a command; the message or later message that it made."""

    said: str
    message_id: str | None = None
    later_id: str | None = None


class Drafts:
    """The drafts of the signed-in person."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, conversation_id: str | None = None) -> AsyncIterator[Draft]:
        """Give drafts, the last written first."""
        return walk(self._transport, "/drafts", Page[Draft], {"conversation": conversation_id})

    async def get(self, conversation_id: str, *, parent_id: str | None = None) -> Draft:
        """Give what was begun there; version 0 when nothing."""
        return await self._transport.call("GET", _path(conversation_id), Draft, query={"parent": parent_id})

    async def save(
        self,
        conversation_id: str,
        content: str,
        *,
        version: int = 0,
        title: str | None = None,
        kind: str | None = None,
        parent_id: str | None = None,
    ) -> Draft:
        """Keep a draft in place of the version that it was made from; `stale_draft` when it is another by now."""
        body = as_body(content=content, version=version, title=title, kind=kind, parent_id=parent_id)
        return await self._transport.call("PUT", _path(conversation_id), Draft, body=body)

    async def drop(self, conversation_id: str, *, parent_id: str | None = None, version: int | None = None) -> None:
        """Throw a draft away."""
        query = {"parent": parent_id, "version": version}
        await self._transport.call("DELETE", _path(conversation_id), Nothing, query=query)


class Later:
    """What the signed-in person is to say later."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, conversation_id: str | None = None) -> AsyncIterator[LaterMessage]:
        """Give later messages in order of their moments, refused ones too."""
        return walk(self._transport, "/later", Page[LaterMessage], {"conversation": conversation_id})

    async def get(self, later_id: str) -> LaterMessage:
        """Give one; `not_found` as soon as it is posted."""
        return await self._transport.call("GET", join("later", later_id), LaterMessage)

    async def make(
        self,
        conversation_id: str,
        content: str,
        due_at: datetime,
        *,
        timezone: str = "UTC",
        title: str | None = None,
        kind: str | None = None,
        parent_id: str | None = None,
    ) -> LaterMessage:
        """Keep a message for its moment (with an offset from UTC)."""
        body = as_body(
            conversation_id=conversation_id, content=content, due_at=due_at, timezone=timezone, title=title, kind=kind,
            parent_id=parent_id,
        )  # fmt: skip
        return await self._transport.call("POST", "/later", LaterMessage, body=body)

    async def change(self, later_id: str, **changes: Any) -> LaterMessage:
        """Change `content`, `title`, `kind`, `due_at` or `timezone`; what is left out stays."""
        return await self._transport.call("PATCH", join("later", later_id), LaterMessage, body=changes)

    async def cancel(self, later_id: str) -> None:
        """Throw it away."""
        await self._transport.call("DELETE", join("later", later_id), Nothing)

    async def send(self, later_id: str) -> Message:
        """Post it now; its client id lets it be posted once."""
        return await self._transport.call("POST", join("later", later_id, "send"), Message, repeatable=False)


class Commands:
    """Lines that do something in a conversation."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, conversation_id: str) -> list[Command]:
        """Give what there is to do by a line."""
        path = join("conversations", conversation_id, "commands")
        return (await self._transport.call("GET", path, Page[Command])).items

    async def carry_out(
        self, conversation_id: str, line: str, *, parent_id: str | None = None, timezone: str | None = None
    ) -> CommandDone:
        """Do what a line such as `/topic Ship on Friday` says; `not_found` when it is no command there."""
        body = as_body(line=line, parent_id=parent_id, timezone=timezone)
        return await self._transport.call(
            "POST", join("conversations", conversation_id, "commands"), CommandDone, body=body
        )


def _path(conversation_id: str) -> str:
    return join("conversations", conversation_id, "draft")
