"""Messages of conversations: posting once however often it is tried, reading, changing."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Message
from crewhall.faces.sdk.resources import Page, SearchHit, Version
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join

PAGE = 100


class Messages:
    """The messages that the signed-in actor may reach."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def post(
        self,
        conversation_id: str,
        content: str = "",
        *,
        kind: str | None = None,
        title: str | None = None,
        files: Sequence[str] = (),
        parent_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        client_id: str | None = None,
        retry_for: float | None = None,
    ) -> Message:
        """Post; returns when the message is durable.

        Tried again on lost answers and 429/503: the client id (made here unless given) makes a repetition the same
        message. `parent_id` is the first message of a thread; `files` are ids of own uploads
        to this conversation, with which the content may be left out.
        """
        body = as_body(
            content=content or None,
            files=list(files) or None,
            kind=kind,
            title=title,
            parent_id=parent_id,
            metadata=metadata,
            client_id=client_id or uuid4().hex,
        )
        path = join("conversations", conversation_id, "messages")
        return await self._transport.call("POST", path, Message, body=body, repeatable=True, retry_for=retry_for)

    async def page(
        self,
        conversation_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        around: int | None = None,
        at: datetime | None = None,
        limit: int | None = None,
        parent_id: str | None = None,
    ) -> Page[Message]:
        """Give one page in order of seq: the newest (before `before`), or the one that follows `after`.

        `around` a seq, or `at` a moment (with a zone), gives the page around that place.
        """
        query: dict[str, Any] = {
            "after": after,
            "before": before,
            "around": around,
            "limit": limit,
            "parent": parent_id,
        }
        query |= {"at": at.isoformat() if at else None}
        path = join("conversations", conversation_id, "messages")
        return await self._transport.call("GET", path, Page[Message], query=query)

    async def history(
        self, conversation_id: str, *, after: int = 0, parent_id: str | None = None
    ) -> AsyncIterator[Message]:
        """Give every message after a seq, oldest first, page by page; of one thread when `parent_id` is given."""
        while True:
            page = await self.page(conversation_id, after=after, limit=PAGE, parent_id=parent_id)
            for message in page.items:
                yield message
            if page.next is None or not page.items:
                return
            after = page.items[-1].seq

    async def backwards(self, conversation_id: str, *, before: int | None = None) -> AsyncIterator[Message]:
        """Give every message before a seq (or from the end), newest first, page by page."""
        while True:
            page = await self.page(conversation_id, before=before, limit=PAGE)
            for message in reversed(page.items):
                yield message
            if page.next is None or not page.items:
                return
            before = page.items[0].seq

    async def get(self, conversation_id: str, message_id: str) -> Message:
        """Give one message."""
        return await self._transport.call("GET", _path(conversation_id, message_id), Message)

    async def edit(
        self,
        conversation_id: str,
        message_id: str,
        content: str,
        *,
        title: str | None = None,
        based_on: Message | None = None,
    ) -> Message:
        """Replace the text of an own message; earlier versions are kept.

        `based_on` is the message as it was read: `stale_message` when it was edited since.
        """
        body: dict[str, Any] = as_body(content=content, title=title)
        if based_on is not None:
            body["based_on"] = based_on.edited_at
        return await self._transport.call("PATCH", _path(conversation_id, message_id), Message, body=body)

    async def delete(self, conversation_id: str, message_id: str) -> None:
        """Delete a message: its place in the conversation remains, without text."""
        await self._transport.call("DELETE", _path(conversation_id, message_id), Nothing)

    async def versions(self, conversation_id: str, message_id: str) -> list[Version]:
        """Give how a message read over time, oldest first."""
        path = _path(conversation_id, message_id) + "/history"
        return [version async for version in walk(self._transport, path, Page[Version])]

    async def react(self, conversation_id: str, message_id: str, emoji: str) -> None:
        """React with an emoji; a second time changes nothing."""
        await self._transport.call("PUT", _path(conversation_id, message_id) + join("reactions", emoji), Nothing)

    async def unreact(self, conversation_id: str, message_id: str, emoji: str) -> None:
        """Take the own reaction back."""
        await self._transport.call("DELETE", _path(conversation_id, message_id) + join("reactions", emoji), Nothing)

    async def pin(self, conversation_id: str, message_id: str) -> None:
        """Pin a message."""
        await self._transport.call("PUT", _path(conversation_id, message_id) + "/pin", Nothing)

    async def unpin(self, conversation_id: str, message_id: str) -> None:
        """Unpin a message."""
        await self._transport.call("DELETE", _path(conversation_id, message_id) + "/pin", Nothing)

    async def pins(self, conversation_id: str, *, after: str | None = None, limit: int | None = None) -> Page[Message]:
        """Give what is pinned in a conversation, the last pinned first."""
        path = join("conversations", conversation_id, "pins")
        return await self._transport.call("GET", path, Page[Message], query={"after": after, "limit": limit})

    async def search(
        self,
        text: str = "",
        *,
        conversation_id: str | Sequence[str] | None = None,
        author_id: str | Sequence[str] | None = None,
        kind: str | Sequence[str] | None = None,
        has: str | Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Page[SearchHit]:
        """Find messages within reach, newest first; operators such as `from:ada` and `-from:bot` may stand in the text.

        Of several conversations, authors, kinds or things held any will do.
        `has`: file, image or link. `since` is the first moment, `until` the first one that is too late.
        """
        query = {
            "q": text, "conversation": conversation_id, "author": author_id, "kind": kind, "has": has,
            "since": since and since.isoformat(), "until": until and until.isoformat(), "after": after, "limit": limit,
        }  # fmt: skip
        return await self._transport.call("GET", "/search", Page[SearchHit], query=query)


def _path(conversation_id: str, message_id: str) -> str:
    return join("conversations", conversation_id, "messages", message_id)
