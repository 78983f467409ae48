"""The address `/mcp`: who may come in, and how. The protocol's library is imported when the first one does."""

import asyncio
import gc
import logging
from types import ModuleType
from typing import TYPE_CHECKING

from crewhall.faces.mcp.hosts import Hosts
from crewhall.faces.mcp.lasting import Receive, Scope, Send, answer
from crewhall.faces.mcp.scopes import INSUFFICIENT_SCOPE, check_scopes
from crewhall.faces.plumbing.dependencies import NO_ORGANIZATION
from crewhall.faces.plumbing.services import Services
from crewhall.identity import MCP_PATH as PATH
from crewhall.identity import SCOPES, Audience
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import METHOD_NOT_ALLOWED, UNAUTHENTICATED, UNAVAILABLE, CrewhallError

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class McpDoor:
    """Answers at `/mcp`, behind the gate. It holds a task from the first request on, until it is closed."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._hosts = Hosts(services.base_url)
        self._audience = Audience(services.base_url)
        self._opening = asyncio.Lock()
        self._manager: StreamableHTTPSessionManager | None = None
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; what it raises, the gate answers."""
        self._check(scope)
        async with asyncio.timeout(self._services.settings.request_timeout_s):
            body = await _read(receive)
            manager = await self._open()
        check_scopes(scope["verified"], body)
        await answer(manager.handle_request, scope, body, receive, send)

    async def close(self) -> None:
        """End what is being answered."""
        self._closing.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def challenge(self, error: CrewhallError, headers: dict[bytes, bytes]) -> str | None:
        """Tell who is not let in where to ask for it, and for what (RFC 9728, 5.1; RFC 6750, 3)."""
        if error.kind not in {UNAUTHENTICATED, INSUFFICIENT_SCOPE}:
            return None
        origin = self._audience.origin_at(headers.get(b"host", b"").decode("latin-1"))
        said = {"resource_metadata": f"{origin}/.well-known/oauth-protected-resource{PATH}", "scope": " ".join(SCOPES)}
        if error.kind is INSUFFICIENT_SCOPE:
            said["error"] = "insufficient_scope"
        elif headers.get(b"authorization"):
            said["error"] = "invalid_token"
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in said.items())

    def _check(self, scope: Scope) -> None:
        """Only with a token: a browser's cookie opens pages, not this."""
        headers = dict(scope["headers"])
        self._hosts.check(headers)
        actor: Actor | None = scope.get("actor")
        if actor is None or headers.get(b"authorization", b"")[:7].lower() != b"bearer ":
            raise UNAUTHENTICATED(
                "Send an agent's key, or a person's access token: `Authorization: Bearer …`. "
                "An app can ask for one. `crewhall mcp config` shows how to set up a client."
            )
        if actor.org_id is None:
            raise NO_ORGANIZATION("Choose an organization first: send its id or slug as `X-Crewhall-Org`.")
        if scope["method"] != "POST":
            raise METHOD_NOT_ALLOWED("MCP is spoken here by POST alone: there are no sessions.", allow="POST")

    async def _open(self) -> "StreamableHTTPSessionManager":
        async with self._opening:
            if self._closing.is_set():
                raise UNAVAILABLE("The server is going away. Try again.", retry_after=1)
            if self._manager is None:
                module = await asyncio.to_thread(_load)
                manager: StreamableHTTPSessionManager = module.make_manager(self._services)
                ready = asyncio.Event()
                self._task = asyncio.create_task(self._run(manager, ready), name="mcp")
                await ready.wait()
                self._manager = manager
            return self._manager

    async def _run(self, manager: "StreamableHTTPSessionManager", ready: asyncio.Event) -> None:
        """Hold the manager's tasks in one task of our own, as its library wants."""
        async with manager.run():
            ready.set()
            await self._closing.wait()


def _load() -> ModuleType:
    """Import what speaks the protocol. The collector is kept off it: it would stop everybody for 0.1 s."""
    gc.disable()
    try:
        from crewhall.faces.mcp import server
    finally:
        gc.freeze()
        gc.enable()
    logging.getLogger("mcp").setLevel(logging.WARNING)  # it tells of every request
    return server


async def _read(receive: Receive) -> bytes:
    """The whole body; the gate bounds it."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
