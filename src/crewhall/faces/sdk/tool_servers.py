"""Tool servers: servers elsewhere whose tools agents may use, through MCP."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class ServerTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that a server offers. `digest` is what `accept` takes: it accepts this very offer."""

    name: str
    tool: str
    description: str
    schema: dict[str, Any]
    digest: str
    risk: str
    is_usable: bool
    is_gone: bool
    title: str = ""
    accepted: dict[str, Any] | None = None


class ToolServer(msgspec.Struct, frozen=True, kw_only=True):
    """A tool server. `problem` says what went wrong when it was last asked."""

    id: str
    name: str
    url: str
    has_token: bool
    is_enabled: bool
    tools: list[ServerTool] = []
    problem: str | None = None
    listed_at: datetime | None = None


class ToolServers:
    """The organization's tool servers, for owners and admins."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> AsyncIterator[ToolServer]:
        """Give them, by name."""
        return walk(self._transport, "/tool-servers", Page[ToolServer])

    async def add(self, name: str, url: str, *, token: str | None = None) -> ToolServer:
        """Add one, and ask it what it offers."""
        body = as_body(name=name, url=url, token=token)
        added = await self._transport.call("POST", "/tool-servers", ToolServer, body=body)
        return await self.refresh(added.id)

    async def refresh(self, server_id: str) -> ToolServer:
        """Ask it what it offers now."""
        return await self._transport.call("POST", join("tool-servers", server_id, "refresh"), ToolServer, body={})

    async def change(self, server_id: str, **changes: Any) -> ToolServer:
        """Change `url`, `token` (None takes it away) or `is_enabled`."""
        return await self._transport.call("PATCH", join("tool-servers", server_id), ToolServer, body=changes)

    async def remove(self, server_id: str) -> None:
        """Remove it with its tools."""
        await self._transport.call("DELETE", join("tool-servers", server_id), Nothing)

    async def settle(self, server_id: str, tool: str, **settled: Any) -> ToolServer:
        """Settle a tool: `accept` (the digest of what was looked at; None holds it back), `risk` (None: as usual)."""
        return await self._transport.call(
            "PUT", join("tool-servers", server_id, "tools", tool), ToolServer, body=settled
        )
