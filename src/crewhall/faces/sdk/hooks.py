"""Incoming webhooks: addresses that other services call, signed."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import find_named, walk
from crewhall.faces.sdk.records import Author
from crewhall.faces.sdk.resources import ConversationRef, Page
from crewhall.faces.sdk.runs import RunAgent
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook. `secret` is there in the answer that made it, or rotated it, and never again.

    `unanswered_reason` is why its agent did not answer the last call, as its decision has it.
    """

    id: str
    name: str
    url: str
    maker: Author
    posts: bool
    created_at: datetime
    conversation: ConversationRef | None = None
    agent: RunAgent | None = None
    prompt: str | None = None
    pause_reason: str | None = None
    old_secret_until: datetime | None = None
    last_called_at: datetime | None = None
    last_outcome: str | None = None
    unanswered_reason: str | None = None
    is_mine: bool = False
    may_pause: bool = False
    secret: str | None = None


class HookCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a webhook, and what became of it."""

    id: str
    delivery: str
    outcome: str
    created_at: datetime
    message_id: str | None = None
    run_id: str | None = None
    address: str | None = None


class Hooks:
    """The webhooks that the signed-in actor may see."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, agent_id: str | None = None) -> AsyncIterator[Hook]:
        """Give webhooks, newest first; those that wake one agent if asked."""
        return walk(self._transport, "/hooks", Page[Hook], {"agent": agent_id})

    async def get(self, hook_id: str) -> Hook:
        """Give one webhook."""
        return await self._transport.call("GET", join("hooks", hook_id), Hook)

    async def find(self, named: str) -> Hook:
        """Give the webhook of this id or name. Raises CrewhallApiError where there is none, or several of the name."""
        return await find_named(self.list(), named, "webhook")

    async def make(
        self,
        conversation_id: str,
        *,
        name: str,
        agent_id: str | None = None,
        prompt: str | None = None,
        posts: bool = True,
    ) -> Hook:
        """Make a webhook that posts what comes, wakes an agent with it, or both. Keep its `secret`."""
        body = as_body(conversation_id=conversation_id, name=name, agent_id=agent_id, prompt=prompt, posts=posts)
        return await self._transport.call("POST", "/hooks", Hook, body=body)

    async def change(self, hook_id: str, **changes: Any) -> Hook:
        """Change `name`, `agent_id`, `prompt` or `posts`; what is left out stays."""
        return await self._transport.call("PATCH", join("hooks", hook_id), Hook, body=changes)

    async def rotate(self, hook_id: str, *, overlap_seconds: int = 86_400) -> Hook:
        """Give it a new `secret`; the old one works for `overlap_seconds` more."""
        path = join("hooks", hook_id, "secret")
        return await self._transport.call("POST", path, Hook, body={"overlap_seconds": overlap_seconds})

    async def pause(self, hook_id: str) -> Hook:
        """Let a webhook refuse every call."""
        return await self._transport.call("POST", join("hooks", hook_id, "pause"), Hook)

    async def resume(self, hook_id: str) -> Hook:
        """Let it take calls again."""
        return await self._transport.call("POST", join("hooks", hook_id, "resume"), Hook)

    async def delete(self, hook_id: str) -> None:
        """Delete a webhook."""
        await self._transport.call("DELETE", join("hooks", hook_id), Nothing)

    def calls(self, hook_id: str) -> AsyncIterator[HookCall]:
        """Give the calls of a webhook, newest first."""
        return walk(self._transport, join("hooks", hook_id, "calls"), Page[HookCall])
