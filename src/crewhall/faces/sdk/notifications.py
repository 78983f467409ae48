"""Notifications: what concerns the signed-in person or agent, with its read state."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Author
from crewhall.faces.sdk.resources import ConversationRef, Page
from crewhall.faces.sdk.transport import Transport, as_body, join


class NotificationMessage(msgspec.Struct, frozen=True):
    """The message that it is about, in short."""

    id: str
    seq: int
    excerpt: str
    parent_id: str | None = None


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns one. `messages`: how many are unread, where the newest stands for all of a conversation.

    `detail` is the emoji of a reaction, the tool of an approval, the name of a schedule or a webhook, the title of a
    wiki entry or a task; `subject_id` is the approval, the schedule, the webhook, the entry's version or the task.
    """

    id: str
    kind: str
    actor: Author
    summary: str
    path: str
    is_read: bool
    happened_at: datetime
    conversation: ConversationRef | None = None
    message: NotificationMessage | None = None
    subject_id: str | None = None
    detail: str | None = None
    messages: int = 1


class Level(msgspec.Struct, frozen=True):
    """How much of a conversation one is told of: `all`, `mentions`, `nothing`. Not chosen: as its kind has it."""

    level: str
    chosen: str | None = None


class NotificationSettings(msgspec.Struct, frozen=True):
    """A person's quiet hours and digests, by the wall clock of their timezone."""

    digest: str
    daily_at: str
    away_minutes: int
    timezone: str
    quiet_from: str | None = None
    quiet_until: str | None = None


class _Unread(msgspec.Struct):
    unread: int


class _Marked(msgspec.Struct):
    marked: int


class Notifications:
    """What concerns whoever is signed in."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, *, kind: str | None = None, unread: bool = False, conversation_id: str | None = None
    ) -> AsyncIterator[Notification]:
        """Give notifications, newest first; of one kind, unread, about one conversation if asked."""
        query = {"kind": kind, "unread": "true" if unread else None, "conversation": conversation_id}
        return walk(self._transport, "/notifications", Page[Notification], query)

    async def get(self, notification_id: str) -> Notification:
        """Give one."""
        return await self._transport.call("GET", join("notifications", notification_id), Notification)

    async def unread(self) -> int:
        """How many are unread, up to 100."""
        return (await self._transport.call("GET", "/notifications/count", _Unread)).unread

    async def mark_read(self, notification_id: str) -> Notification:
        """Mark one as read."""
        return await self._transport.call("PUT", join("notifications", notification_id, "read"), Notification)

    async def mark_unread(self, notification_id: str) -> Notification:
        """Mark one as unread again."""
        return await self._transport.call("DELETE", join("notifications", notification_id, "read"), Notification)

    async def mark_all_read(self, conversation_id: str | None = None) -> int:
        """Mark everything as read, or what is about one conversation; gives how many were not."""
        body = as_body(conversation_id=conversation_id)
        path = "/notifications/read"
        return (await self._transport.call("POST", path, _Marked, body=body, repeatable=True)).marked

    async def level(self, conversation_id: str) -> Level:
        """How much of a conversation one is told of."""
        return await self._transport.call("GET", join("conversations", conversation_id, "notifications"), Level)

    async def set_level(self, conversation_id: str, level: str | None) -> Level:
        """Set it: `all`, `mentions`, `nothing`; None: as the conversation's kind has it."""
        path = join("conversations", conversation_id, "notifications")
        return await self._transport.call("PUT", path, Level, body={"level": level})

    async def settings(self) -> NotificationSettings:
        """A person's quiet hours and digests."""
        return await self._transport.call("GET", "/notifications/settings", NotificationSettings)

    async def change_settings(self, **changes: Any) -> NotificationSettings:
        """Change them: `quiet_from`, `quiet_until`, `digest` (off, daily, away), `daily_at`, `away_minutes`."""
        return await self._transport.call("PATCH", "/notifications/settings", NotificationSettings, body=changes)
