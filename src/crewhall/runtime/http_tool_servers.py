"""Tool servers over HTTP: those whose tools an organization lets its agents use."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.runtime import tool_servers
from crewhall.runtime.schemas_servers import NewToolServer, ServerToolInput, ToolServer, ToolServerPatch
from crewhall.runtime.server_tools import ToolServers
from crewhall.runtime.settings import TurnSettings

ToolName = Annotated[str, PathParameter(description="The tool's name, as agents list it.")]


@get("/", summary="List tool servers", description="With what each offers, and what of it agents may use.")
async def list_tool_servers(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[ToolServer]:
    """List them, by name."""
    async with services.db.transaction(actor) as tx:
        return await tool_servers.list_tool_servers(tx, actor, after=after, limit=limit)


@post(
    "/",
    summary="Add a tool server",
    description="It is not asked yet: refresh it, look at what it offers, and accept that tool by tool.",
)
async def add_tool_server(
    data: JSONBody[NewToolServer], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> ToolServer:
    """Add one. Its token is never shown again."""
    async with services.db.transaction(actor) as tx:
        return await tool_servers.add_tool_server(tx, actor, services.settings_of(TurnSettings), data)


@get("/{server_id:uuid}", summary="Show a tool server")
async def get_tool_server(
    server_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> ToolServer:
    """Show what it offers, as it was last asked."""
    async with services.db.transaction(actor) as tx:
        return await tool_servers.get_tool_server(tx, actor, server_id)


@patch(
    "/{server_id:uuid}",
    summary="Change a tool server",
    description="At another address nothing is accepted any more, and the kept token is forgotten.",
)
async def change_tool_server(
    server_id: FromPath[UUID],
    data: JSONBody[ToolServerPatch],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> ToolServer:
    """Change its address or token, switch it on or off."""
    async with services.db.transaction(actor) as tx:
        return await tool_servers.change_tool_server(tx, actor, services.settings_of(TurnSettings), server_id, data)


@delete("/{server_id:uuid}", summary="Remove a tool server")
async def remove_tool_server(
    server_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Agents that have its tools do without them from now on."""
    async with services.db.transaction(actor) as tx:
        await tool_servers.remove_tool_server(tx, actor, server_id)


@post(
    "/{server_id:uuid}/refresh",
    summary="Ask a tool server what it offers",
    description="Answers with what is known then; `problem` says why it did not answer, or what cannot be used.",
    status_code=200,
)
async def refresh_tool_server(
    server_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> ToolServer:
    """Ask it now."""
    return await refreshed(services, actor, server_id)


@put(
    "/{server_id:uuid}/tools/{tool_name:str}",
    summary="Settle a tool of a server",
    description="Accept the offer that was looked at, by its digest (409 when it has changed since), or take that "
    "back; settle what a call of it risks.",
)
async def settle_server_tool(
    server_id: FromPath[UUID],
    tool_name: ToolName,
    data: JSONBody[ServerToolInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> ToolServer:
    """Say whether agents may use it, and how much it risks."""
    async with services.db.transaction(actor) as tx:
        return await tool_servers.settle_server_tool(tx, actor, server_id, tool_name, data)


async def refreshed(services: Services, actor: Actor, server_id: UUID) -> ToolServer:
    """Ask the server, for who may change it. No transaction is open meanwhile."""
    async with services.db.transaction(actor) as tx:
        server = await tool_servers.access_to_change(tx, actor, server_id)
    await services.part(ToolServers).refresh(actor.org, server)
    async with services.db.transaction(actor) as tx:
        return await tool_servers.get_tool_server(tx, actor, server_id)


ROUTERS = [
    api_router(
        "/tool-servers",
        [
            list_tool_servers,
            add_tool_server,
            get_tool_server,
            change_tool_server,
            remove_tool_server,
            refresh_tool_server,
            settle_server_tool,
        ],
        tags=["Tool servers"],
    )
]
