"""Lending agents to other organizations, and borrowing theirs."""

from collections.abc import AsyncIterator
from typing import Any

from crewhall.faces.sdk.colleagues import AgentGrant, GrantOffered
from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import AgentInfo, Page
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class Lending:
    """What the organization lends and borrows."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, agent_id: str | None = None) -> AsyncIterator[AgentGrant]:
        """Give the grants, newest first; those of one agent if asked."""
        return walk(self._transport, "/grants", Page[AgentGrant], {"agent": agent_id})

    async def offer(
        self,
        agent_id: str,
        *,
        visibility: str | None = None,
        config: dict[str, Any] | None = None,
        knowledge: bool | None = None,
    ) -> GrantOffered:
        """Offer to lend an agent; with `knowledge` it answers from its sources there, too.

        `code` of the answer is handed to the other organization.
        """
        body = as_body(visibility=visibility, config=config, knowledge=knowledge)
        return await self._transport.call("POST", join("agents", agent_id, "grants"), GrantOffered, body=body)

    async def accept(self, code: str, *, name: str | None = None, agent_code: str | None = None) -> AgentInfo:
        """Borrow the agent that a code lends; gives the agent that stands in for it here."""
        body = as_body(code=code, name=name, agent_code=agent_code)
        return await self._transport.call("POST", "/grants/accept", AgentInfo, body=body)

    async def change(self, grant_id: str, **changes: Any) -> AgentGrant:
        """Change what a grant overrides (`visibility`, `config`) or, as the lender, `knowledge`; the rest stays."""
        return await self._transport.call("PATCH", join("grants", grant_id), AgentGrant, body=changes)

    async def end(self, grant_id: str) -> None:
        """End a grant: the agent leaves the organization that borrowed it."""
        await self._transport.call("DELETE", join("grants", grant_id), Nothing)
