"""Conversations and their members."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from crewhall.faces.sdk.errors import CrewhallApiError
from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Author
from crewhall.faces.sdk.resources import Conversation, Page
from crewhall.faces.sdk.transport import Nothing, Transport, join


class Member(msgspec.Struct, frozen=True):
    """A person or agent in a conversation; `handle` is a person's handle or an agent's code.

    `added_by` is None for who joined or opened it; a `role` is owner, member or reader.
    """

    member_type: str
    member_id: str
    role: str = "member"
    name: str = ""
    handle: str = ""
    last_read_seq: int = 0
    joined_at: datetime | None = None
    added_by: Author | None = None


class IdlePolicy(msgspec.Struct, frozen=True):
    """When groups are idle, and after how many idle days they archive themselves (None: never)."""

    idle_after_hours: int
    archive_after_days: int | None = None


class Conversations:
    """The conversations within reach of the signed-in actor."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, *, kind: str | None = None, member: str | None = None, status: str | None = None
    ) -> AsyncIterator[Conversation]:
        """Give conversations, of one kind if asked; `member="me"`: joined ones, `status`: idle or archived ones."""
        query = {"kind": kind, "member": member, "status": status}
        return walk(self._transport, "/conversations", Page[Conversation], query)

    async def get(self, conversation_id: str) -> Conversation:
        """Give one conversation."""
        return await self._transport.call("GET", join("conversations", conversation_id), Conversation)

    async def find(self, name: str, *, status: str | None = None) -> Conversation:
        """Give a conversation by id or a channel by name, with or without `#`; `status` narrows to archived or active.

        Without it an archived channel is found as well: it is read as ever, and says itself that it takes no messages.
        """
        if _is_id(name):
            return await self.get(name)
        wanted = name.removeprefix("#").lower()
        for searched in [status] if status else ["active", "archived"]:
            async for conversation in self.list(kind="channel", status=searched):
                if conversation.name == wanted:
                    return conversation
        sort = "archived channel" if status == "archived" else "channel"
        raise CrewhallApiError("not_found", 404, f"There is no {sort} #{wanted} that you can see.")

    async def create_channel(
        self, name: str, *, description: str = "", private: bool = False, members: Sequence[tuple[str, str]] = ()
    ) -> Conversation:
        """Open a channel; members are (type, id)."""
        body = {
            "kind": "channel",
            "name": name,
            "type": "private" if private else "public",
            "description": description,
            "members": _members(members),
        }
        return await self._transport.call("POST", "/conversations", Conversation, body=body)

    async def create_group(self, title: str, members: Sequence[tuple[str, str]]) -> Conversation:
        """Open a group of people and agents; members are (type, id)."""
        body = {"kind": "group", "title": title, "members": _members(members)}
        return await self._transport.call("POST", "/conversations", Conversation, body=body)

    async def direct(self, member_type: str, member_id: str) -> Conversation:
        """Open the direct conversation with somebody; opening it again gives the same one."""
        body = {"kind": "direct", "members": _members([(member_type, member_id)])}
        return await self._transport.call("POST", "/conversations", Conversation, body=body, repeatable=True)

    async def update(self, conversation_id: str, **changes: Any) -> Conversation:
        """Change name, title, description, type, agent_policy or stays_open."""
        return await self._transport.call("PATCH", join("conversations", conversation_id), Conversation, body=changes)

    async def delete(self, conversation_id: str, confirm: str) -> None:
        """Delete a conversation; `confirm` is its name or title, typed again."""
        path = join("conversations", conversation_id)
        await self._transport.call("DELETE", path, Nothing, body={"confirm": confirm})

    async def join(self, conversation_id: str) -> None:
        """Join a public channel; joining again changes nothing."""
        await self._transport.call("POST", join("conversations", conversation_id, "join"), Nothing, repeatable=True)

    async def leave(self, conversation_id: str) -> None:
        """Leave a conversation; leaving again changes nothing."""
        await self._transport.call("POST", join("conversations", conversation_id, "leave"), Nothing, repeatable=True)

    def members(self, conversation_id: str) -> AsyncIterator[Member]:
        """Give the people and agents in a conversation."""
        return walk(self._transport, join("conversations", conversation_id, "members"), Page[Member])

    async def add_member(self, conversation_id: str, member_type: str, member_id: str) -> None:
        """Add a person (`user`) or an agent. Whom one adds to one's own session with an agent reads it along."""
        path = join("conversations", conversation_id, "members")
        body = {"member_type": member_type, "member_id": member_id}
        await self._transport.call("POST", path, Nothing, body=body, repeatable=True)

    async def remove_member(self, conversation_id: str, member_type: str, member_id: str) -> None:
        """Remove a person (`user`) or an agent."""
        await self._transport.call(
            "DELETE", join("conversations", conversation_id, "members", member_type, member_id), Nothing
        )

    async def hand_over(self, conversation_id: str, member_type: str, member_id: str) -> Conversation:
        """Make a member, a person (`user`) or an agent, the owner of a channel or group."""
        body = {"member_type": member_type, "member_id": member_id}
        path = join("conversations", conversation_id, "owner")
        return await self._transport.call("PUT", path, Conversation, body=body, repeatable=True)

    async def mark_read(self, conversation_id: str, seq: int, *, retry_for: float | None = None) -> None:
        """Say that everything up to `seq` was read; the marker never moves back."""
        path = join("conversations", conversation_id, "read")
        await self._transport.call("POST", path, Nothing, body={"seq": seq}, repeatable=True, retry_for=retry_for)

    async def mark_unread(self, conversation_id: str, seq: int) -> None:
        """Say that the message with `seq` and what follows is unread; the marker never moves forward by it."""
        path = join("conversations", conversation_id, "unread")
        await self._transport.call("POST", path, Nothing, body={"seq": seq}, repeatable=True)

    async def star(self, conversation_id: str) -> None:
        """Keep a conversation at the top of the signed-in person's sidebar."""
        await self._transport.call("PUT", join("conversations", conversation_id, "star"), Nothing)

    async def unstar(self, conversation_id: str) -> None:
        """Take the star off."""
        await self._transport.call("DELETE", join("conversations", conversation_id, "star"), Nothing)

    async def archive(self, conversation_id: str) -> Conversation:
        """Archive: readable, no new messages, until restored."""
        return await self._transport.call("PUT", join("conversations", conversation_id, "archive"), Conversation)

    async def restore(self, conversation_id: str) -> Conversation:
        """Let an archived conversation take messages again."""
        return await self._transport.call("DELETE", join("conversations", conversation_id, "archive"), Conversation)

    async def idle_policy(self) -> IdlePolicy:
        """Give what the organization has settled about idle groups."""
        return await self._transport.call("GET", "/idle-policy", IdlePolicy)

    async def settle_idle_policy(self, *, idle_after_hours: int = 24, archive_after_days: int | None = 7) -> IdlePolicy:
        """Settle when groups are idle, and after how many idle days they archive themselves (None: never)."""
        body = {"idle_after_hours": idle_after_hours, "archive_after_days": archive_after_days}
        return await self._transport.call("PUT", "/idle-policy", IdlePolicy, body=body)


def _members(members: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"member_type": member_type, "member_id": member_id} for member_type, member_id in members]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
