"""MCP over standard input and output, for clients that start a program: all is handed on to a running server.

It imports the protocol's library: import it when it is used.
"""

from typing import Any

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from crewhall.faces import sdk
from crewhall.faces.mcp.signing import SigningTransport

PATH = "/mcp"
READ_S = 60.0
"""Longest silence of the server; while it waits for something it says so every 15 seconds."""

Context = ServerRequestContext[Any, Any]


class Relay:
    """Answers what a client asks with what the server answers."""

    def __init__(self, server: Client) -> None:
        self._server = server

    def face(self) -> Server[Any]:
        """The server that the client sees."""
        info = self._server.server_info
        return Server(
            info.name if info else "crewhall",
            title=info.title if info else None,
            version=info.version if info else "",
            instructions=self._server.instructions,
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            on_list_resources=self.list_resources,
            on_list_resource_templates=self.list_resource_templates,
            on_read_resource=self.read_resource,
        )

    async def list_tools(self, _context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """The server's tools."""
        return await self._server.list_tools(cursor=_cursor(params))

    async def call_tool(self, _context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Call a tool of the server."""
        return await self._server.call_tool(params.name, params.arguments)

    async def list_resources(
        self, _context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """The server's resources."""
        return await self._server.list_resources(cursor=_cursor(params))

    async def list_resource_templates(
        self, _context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """How the server's resources are addressed."""
        return await self._server.list_resource_templates(cursor=_cursor(params))

    async def read_resource(
        self, _context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Read a resource of the server."""
        return await self._server.read_resource(params.uri)


async def serve_stdio(client: sdk.Client) -> None:
    """Serve until standard input ends. Raises at once when the server is not there or nobody is signed in."""
    await client.me()
    transport = client.transport
    is_encrypted = not transport.base_url.startswith("http://")
    async with (
        httpx2.AsyncClient(timeout=READ_S, trust_env=not transport.is_loopback, verify=is_encrypted) as inner,
        httpx2.AsyncClient(transport=SigningTransport(transport, inner), timeout=READ_S) as http,
        Client(streamable_http_client(transport.base_url + PATH, http_client=http)) as server,
        stdio_server() as (read, write),
    ):
        face = Relay(server).face()
        await face.run(read, write, face.create_initialization_options())


def _cursor(params: types.PaginatedRequestParams | None) -> str | None:
    return params.cursor if params else None
