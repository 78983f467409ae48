"""What answers requests in a process that serves: every route, socket and door, behind the gate."""

from typing import Any

from crewhall.conversations.http_direct import DirectMessages
from crewhall.faces.http.routes import build_routes
from crewhall.faces.live.hub import Hub
from crewhall.faces.live.socket import LiveSocket
from crewhall.faces.mcp.door import McpDoor
from crewhall.faces.openai.door import PREFIX as OPENAI
from crewhall.faces.openai.door import OpenAIDoor
from crewhall.faces.openai.errors import rendered as as_openai
from crewhall.faces.plumbing.gate import Gate
from crewhall.faces.plumbing.services import Services
from crewhall.identity import MCP_PATH as MCP
from crewhall.kernel.tracing import Tracing


def make_application(services: Services, hub: Hub, door: McpDoor, tracing: Tracing | None) -> Gate:
    """Sockets go to the hub, MCP and the OpenAI protocol to their doors, everything else to the routes.

    All of it through the gate.
    """
    routes = DirectMessages(build_routes(services), services)  # type: ignore[arg-type]
    socket, openai = LiveSocket(services, hub), OpenAIDoor(services)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await socket(scope, receive, send)
        elif scope["path"].startswith(OPENAI):
            await openai(scope, receive, send)
        else:
            await (door if scope["path"] == MCP else routes)(scope, receive, send)

    return Gate(application, services, tracing, {OPENAI: as_openai}, {MCP: door.challenge})
