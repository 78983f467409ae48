"""Ways to come in by MCP, with the official client: over HTTP, or through `crewhall mcp serve`."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

LEGACY, MODERN = "legacy", "2026-07-28"


@contextlib.asynccontextmanager
async def visit(address: str, token: str, mode: str = "auto", **headers: str) -> AsyncIterator[Client]:
    """The official client over HTTP, signed in by a token."""
    headers = {"authorization": f"Bearer {token}", **headers}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=40, verify=False) as http,
        Client(streamable_http_client(f"{address}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


async def done(client: Client, tool: str, **arguments: Any) -> Any:
    """Call a tool that must go well; gives its structured answer, which the client has held against the schema."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that must be refused; gives the problem, as over HTTP."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    problem: dict[str, Any] = result.structured_content
    assert isinstance(result.content[0], TextContent)
    assert problem["detail"] in result.content[0].text
    return problem
