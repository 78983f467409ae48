"""A real MCP server of the official library, on a port of its own, whose tools come, go and change as a test says."""

import asyncio
import contextlib
from typing import Any, Self

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from crewhall.faces.http.server import address_of, bind

READS = ToolAnnotations(read_only_hint=True)
DESTROYS = ToolAnnotations(destructive_hint=True)


class ForeignServer:
    """The server. `calls` are the calls that were made, `tokens` what each request was signed in with.

    One that keeps sessions answers with event streams, as most do.
    """

    def __init__(self, *, keeps_sessions: bool = False) -> None:
        self._keeps_sessions = keeps_sessions
        self.calls: list[tuple[str, Any]] = []
        self.tokens: list[str | None] = []
        self.answer: Response | None = None
        self.mcp = MCPServer("tracker")
        self.describe("List the open issues.")

        @self.mcp.tool(description="Close an issue for ever.", annotations=DESTROYS)
        def close_issue(number: int) -> str:
            self.calls.append(("close_issue", number))
            return f"#{number} is closed"

        @self.mcp.tool(description="Fails.")
        def fail() -> str:
            raise ValueError("the tracker is on fire")

        @self.mcp.tool(description="Says a lot.")
        def ramble(letters: int) -> str:
            return "x" * letters

    def describe(self, description: str) -> None:
        """Describe `list_issues` so from now on."""
        with contextlib.suppress(Exception):
            self.mcp.remove_tool("list_issues")

        def list_issues(label: str) -> list[str]:
            self.calls.append(("list_issues", label))
            return [f"{label}: it rains in"]

        self.mcp.add_tool(list_issues, description=description, annotations=READS)

    async def __aenter__(self) -> Self:
        listener = bind("127.0.0.1", 0)
        self.url = address_of(listener, "127.0.0.1") + "/mcp"
        self.host = self.url.removeprefix("http://").removesuffix("/mcp")
        app = self.mcp.streamable_http_app(
            stateless_http=not self._keeps_sessions, json_response=not self._keeps_sessions
        )
        config = uvicorn.Config(self._watched(app), lifespan="on", log_config=None, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._server._serve([listener]))
        while not self._server.started:
            await asyncio.sleep(0.01)
        return self

    def _watched(self, app: Starlette) -> Any:
        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self.tokens.append(Request(scope).headers.get("authorization"))
                if self.answer is not None:
                    await self.answer(scope, receive, send)
                    return
            await app(scope, receive, send)

        return watched

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
