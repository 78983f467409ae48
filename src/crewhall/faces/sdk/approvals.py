"""Approvals: calls of agents that wait for a person, and the policy that says when they do."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Author
from crewhall.faces.sdk.resources import ConversationRef, Page
from crewhall.faces.sdk.runs import RunAgent
from crewhall.faces.sdk.transport import Transport, as_body, join


class ApprovalMessage(msgspec.Struct, frozen=True):
    """The message that the turn answers."""

    id: str
    seq: int
    author_name: str
    content: str


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A call that waits for a person, or waited. What may not be read is None: `conversation`, `message`."""

    id: str
    run_id: str
    agent: RunAgent
    tool: str
    risk: str
    effect: str
    why: str
    arguments: dict[str, Any]
    status: str
    expires_at: datetime
    created_at: datetime
    cause: str
    asked_for: list[Author] = []
    approved_arguments: dict[str, Any] | None = None
    reason: str | None = None
    conversation: ConversationRef | None = None
    message: ApprovalMessage | None = None
    prompt: str | None = None
    decided_by: Author | None = None
    decided_at: datetime | None = None
    used_at: datetime | None = None
    may_decide: bool = False


class ApprovalStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Which tool an agent asked to use, and what became of it, as everybody in the conversation may know it."""

    id: str
    conversation_id: str
    agent: RunAgent
    tool: str
    status: str
    expires_at: datetime
    created_at: datetime
    decided_at: datetime | None = None


class Approvals:
    """What the signed-in person decides about, or asked for."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, *, status: str | None = None, agent_id: str | None = None, conversation_id: str | None = None
    ) -> AsyncIterator[Approval]:
        """Give approvals, newest first; with one status (`waiting`), of one agent or conversation if asked."""
        query = {"status": status, "agent": agent_id, "conversation": conversation_id}
        return walk(self._transport, "/approvals", Page[Approval], query)

    async def get(self, approval_id: str) -> Approval:
        """Give one approval."""
        return await self._transport.call("GET", join("approvals", approval_id), Approval)

    def standings(self, conversation_id: str) -> AsyncIterator[ApprovalStanding]:
        """Give how calls stand that were asked for in a conversation, newest first, for whoever reads there."""
        return walk(self._transport, join("conversations", conversation_id, "approvals"), Page[ApprovalStanding])

    async def approve(self, approval_id: str, *, arguments: dict[str, Any] | None = None) -> Approval:
        """Let the call be made, with other arguments (the whole of them) if given."""
        path = join("approvals", approval_id, "approve")
        return await self._transport.call("POST", path, Approval, body=as_body(arguments=arguments))

    async def refuse(self, approval_id: str, reason: str) -> Approval:
        """Refuse the call; the agent reads the reason."""
        path = join("approvals", approval_id, "refuse")
        return await self._transport.call("POST", path, Approval, body={"reason": reason})

    async def policy(self) -> dict[str, Any]:
        """Give the policy of the organization for its agents' tools."""
        return await self._transport.call("GET", "/tool-policy", dict[str, Any])

    async def set_policy(self, policy: dict[str, Any]) -> dict[str, Any]:
        """Settle that policy as a whole; what is left out has its default."""
        return await self._transport.call("PUT", "/tool-policy", dict[str, Any], body=policy)
