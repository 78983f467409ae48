"""Tool servers: added, looked at, accepted tool by tool."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, fail, say, say_json, say_list, say_table, visible

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, ServerTool, ToolServer

tool_server = typer.Typer(
    name="tool-server", help="Servers elsewhere whose tools agents may use.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="The tool server's name.")]
Tools = Annotated[list[str] | None, typer.Argument(help="Only these tools, by name; all, if left out.")]


async def _find(client: "Client", name: str) -> "ToolServer":
    from crewhall.faces.sdk import CrewhallApiError

    async for found in client.tool_servers.list():
        if name in {found.name, found.id}:
            return found
    raise CrewhallApiError("not_found", 404, f"There is no tool server {name}. `crewhall tool-server list` shows all.")


def _show(server: "ToolServer", *, as_json: bool) -> None:
    if as_json:
        say_json(server)
        return
    say(f"{server.name} · {server.url}{'' if server.is_enabled else ' · off'}")
    if server.problem:
        say(server.problem)
    rows = [
        [one.name, _state(one.is_usable, one.is_gone, one.accepted), one.risk, one.description] for one in server.tools
    ]
    say_table(("Tool", "State", "Risk", "Says of itself"), rows, "It offers nothing.")


def _state(is_usable: bool, is_gone: bool, accepted: object) -> str:
    if is_gone:
        return "gone"
    return "usable" if is_usable else "changed" if accepted else "to look at"


@tool_server.command("list")
def list_servers(context: typer.Context, as_json: Json = False) -> None:
    """List the tool servers."""

    async def work(client: "Client") -> list["ToolServer"]:
        return [found async for found in client.tool_servers.list()]

    found = act(context, work)
    say_list(
        found,
        ("Name", "Address", "Usable", "Asked"),
        lambda one: [one.name, one.url, len([t for t in one.tools if t.is_usable]), ago(one.listed_at)],
        "None: `crewhall tool-server add NAME URL`.",
        as_json=wants_json(context, as_json),
    )


@tool_server.command("show")
def show_server(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show what a tool server offers, and what of it agents may use."""
    _show(act(context, lambda client: _find(client, name)), as_json=wants_json(context, as_json))


@tool_server.command("add")
def add_server(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A short name, of a-z, 0-9 and -.")],
    url: Annotated[str, typer.Argument(help="Where it speaks MCP over HTTP.")],
    token: Annotated[
        str | None, typer.Option(envvar="CREWHALL_SERVER_TOKEN", help="Its bearer token; better in the environment.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a tool server, and ask it what it offers. Nothing of that is accepted yet."""
    added = act(context, lambda client: client.tool_servers.add(name, url, token=token))
    _show(added, as_json=wants_json(context, as_json))


@tool_server.command("refresh")
def refresh_server(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Ask a tool server what it offers now."""

    async def work(client: "Client") -> "ToolServer":
        return await client.tool_servers.refresh((await _find(client, name)).id)

    _show(act(context, work), as_json=wants_json(context, as_json))


@tool_server.command("accept")
def accept_tools(
    context: typer.Context,
    name: Name,
    tools: Tools = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not show and ask: accept whatever is offered now.")] = False,
    as_json: Json = False,
) -> None:
    """Accept what a tool server offers, once you have looked at it: agents may use it from now on."""
    server, chosen = _choose(context, name, tools, is_usable=False)
    if chosen and not yes:
        for one in chosen:
            _offer(one)
        typer.confirm("Let agents use this, just as it is shown?", abort=True, err=True)
    _settle(context, server, {one.name: one.digest for one in chosen}, as_json=as_json)


@tool_server.command("hold")
def hold_tools(context: typer.Context, name: Name, tools: Tools = None, as_json: Json = False) -> None:
    """Hold tools back: agents do without."""
    server, chosen = _choose(context, name, tools, is_usable=True)
    _settle(context, server, {one.name: None for one in chosen}, as_json=as_json)


@tool_server.command("remove")
def remove_server(context: typer.Context, name: Name) -> None:
    """Remove a tool server with its tools."""

    async def work(client: "Client") -> None:
        await client.tool_servers.remove((await _find(client, name)).id)

    act(context, work)
    say(f"{name} is removed.")


def _choose(
    context: typer.Context, name: str, tools: list[str] | None, *, is_usable: bool
) -> tuple["ToolServer", list["ServerTool"]]:
    """The server, and those of its tools that are meant and there, as they are now."""
    server = act(context, lambda client: _find(client, name))
    if wrong := set(tools or ()) - {one.name for one in server.tools}:
        fail(f"{name} offers no {min(wrong)}. `crewhall tool-server show` tells what.", "not_found")
    meant = [one for one in server.tools if not tools or one.name in tools]
    return server, [one for one in meant if one.is_usable is is_usable and (is_usable or not one.is_gone)]


def _offer(tool: "ServerTool") -> None:
    """Show an offer in full, beside what is printed: as its server words it, and as it was accepted before."""
    schema = msgspec.json.encode(tool.schema).decode()
    shown = [f"{tool.name} · {tool.risk}", tool.title, tool.description, f"takes {schema}"]
    if tool.accepted is not None:
        shown.append(f"accepted before: {msgspec.json.encode(tool.accepted, enc_hook=str).decode()}")
    typer.echo(visible("\n".join(line for line in shown if line)) + "\n", err=True)


def _settle(context: typer.Context, server: "ToolServer", digests: dict[str, str | None], *, as_json: bool) -> None:
    """Accept these offers and no others, which the server may have made since; None holds a tool back."""

    async def work(client: "Client") -> "ToolServer":
        settled = server
        for tool, digest in digests.items():
            settled = await client.tool_servers.settle(server.id, tool, accept=digest)
        return settled

    _show(act(context, work), as_json=wants_json(context, as_json))
