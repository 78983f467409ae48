"""The page of tool servers: what they offer, what changed of it, and what agents may use."""

import itertools
import json
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.kernel.paging import encode_cursor
from crewhall.kernel.tools import Risk
from crewhall.runtime.http_tool_servers import refreshed
from crewhall.runtime.pages_approvals import RISK_TONES
from crewhall.runtime.schemas_servers import NewToolServer, ServerTool, ServerToolInput, ToolServer, ToolServerPatch
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.tool_servers import (
    access_to_change,
    add_tool_server,
    change_tool_server,
    list_tool_servers,
    remove_tool_server,
    settle_server_tool,
)

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
PATH = "/settings/tool-servers"
MOST_TOOLS = 200
"""So many of all servers together are on a page."""
RISKS = (("", "As usual"), *((str(risk), str(risk).capitalize()) for risk in Risk))


class ShownTool(msgspec.Struct):
    """A tool as its row shows it. `before` and `was` are what was accepted, where something else is offered now."""

    one: ServerTool
    tone: str
    schema: str
    before: str | None
    was: str | None


class ShownServer(msgspec.Struct):
    """A server with its tools; `waiting` are those that nobody has looked at as they are now."""

    one: ToolServer
    tools: list[ShownTool]
    waiting: list[ServerTool]


def _shown(server: ToolServer) -> ShownServer:
    tools = [
        ShownTool(
            tool,
            RISK_TONES[tool.risk],
            _pretty(tool.schema),
            tool.accepted.description if tool.accepted else None,
            _pretty(tool.accepted.schema) if tool.accepted and tool.accepted.schema != tool.schema else None,
        )
        for tool in server.tools
    ]
    return ShownServer(server, tools, [tool for tool in server.tools if not tool.is_usable and not tool.is_gone])


def _pretty(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False)


@get(PATH)
async def show_tool_servers(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
) -> Page:
    """The organization's tool servers, for owners and admins."""
    return await _page(request, services, actor, after=after)


@post(PATH)
async def add_server(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Add one, and ask it at once what it offers."""
    form = await read_form(request)
    try:
        data = form.read(NewToolServer, "name", "url", "token")
        async with services.db.transaction(actor) as tx:
            added = await add_tool_server(tx, actor, services.settings_of(TurnSettings), data)
    except CrewhallError as error:
        form.refuse(error)
        return await _page(request, services, actor, form=form, status=error.kind.status)
    found = await refreshed(services, actor, added.id)
    said = "It did not answer." if found.problem and not found.tools else f"It offers {len(found.tools)} tools."
    return go(f"{PATH}#{found.name}", f"Added. {said}")


@post(PATH + "/{server_id:uuid}")
async def change_server(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], server_id: FromPath[UUID]
) -> Page:
    """Change its address or token (left empty, it stays), or switch it on or off."""
    form = await read_form(request)
    named = [name for name in ("url", "token") if form.v(name).strip()]
    given = {"is_enabled": form.v("is_enabled") == "true"} if "is_enabled" in form.values else {}
    try:
        patch = form.read(ToolServerPatch, *named, **given)
        async with services.db.transaction(actor) as tx:
            changed = await change_tool_server(tx, actor, services.settings_of(TurnSettings), server_id, patch)
    except CrewhallError as error:
        return await _page(request, services, actor, problem=error.detail, status=error.kind.status)
    if named:
        await refreshed(services, actor, server_id)
    return go(f"{PATH}#{changed.name}", "Saved.")


@post(PATH + "/{server_id:uuid}/refresh")
async def refresh_server(
    services: NamedDependency[Services], actor: NamedDependency[Actor], server_id: FromPath[UUID]
) -> Redirect:
    """Ask it what it offers now."""
    found = await refreshed(services, actor, server_id)
    return go(f"{PATH}#{found.name}", "Asked. What changed is held back." if not found.problem else None)


@post(PATH + "/{server_id:uuid}/remove")
async def remove_server(
    services: NamedDependency[Services], actor: NamedDependency[Actor], server_id: FromPath[UUID]
) -> Redirect:
    """Remove it with its tools."""
    async with services.db.transaction(actor) as tx:
        await remove_tool_server(tx, actor, server_id)
    return go(PATH, "Removed: agents do without its tools.")


@post(PATH + "/{server_id:uuid}/settle")
async def settle_tools(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], server_id: FromPath[UUID]
) -> Page:
    """Accept tools as they were shown (`accept:<name>` is what was shown), hold one back, settle the risk of one."""
    form = await read_form(request)
    inputs = {
        key.partition(":")[2]: ServerToolInput(accept=value)
        for key, value in form.values.items()
        if key[:7] == "accept:"
    }
    if name := form.v("hold"):
        inputs[name] = ServerToolInput(accept=None)
    if name := form.v("weigh"):
        inputs[name] = ServerToolInput(risk=_risk(form.v("risk")))
    try:
        async with services.db.transaction(actor) as tx:
            server = await access_to_change(tx, actor, server_id)
            for name, data in inputs.items():
                await settle_server_tool(tx, actor, server_id, name, data)
    except CrewhallError as error:
        return await _page(request, services, actor, problem=error.detail, status=error.kind.status)
    return go(f"{PATH}#{server.name}", "Saved.")


def _risk(typed: str) -> Risk | None:
    try:
        return Risk(typed) if typed else None
    except ValueError as error:
        raise INVALID("There is no such risk.", field="risk") from error


def _fitting(servers: list[ToolServer]) -> list[ToolServer]:
    """The first of them, as many as a page holds with all their tools; one at least."""
    tools = list(itertools.accumulate(len(server.tools) for server in servers))
    return servers[: max(1, sum(count <= MOST_TOOLS for count in tools))]


async def _page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    *,
    form: Form | None = None,
    problem: str | None = None,
    status: int = 200,
    after: str | None = None,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        page = await list_tool_servers(tx, actor, after=after)
    servers = _fitting(page.items)
    return await render_in_hall(
        "settings_tool_servers.html",
        request,
        services,
        actor,
        status=status,
        path=PATH,
        servers=[_shown(server) for server in servers],
        next=page.next if len(servers) == len(page.items) else encode_cursor(servers[-1].name),
        risks=RISKS,
        may_change=is_allowed(actor, Permission.ORGANIZATION_UPDATE),
        form=form or Form(),
        problem_said=problem,
    )


PAGES = page_router([show_tool_servers, add_server, change_server, refresh_server, remove_server, settle_tools])
