"""MCP: serve it to a client that starts this program, and show how clients are set up."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from crewhall.faces.cli.context import Json, Options, act, options_of, server_of, wants_json
from crewhall.faces.cli.output import say, say_json

if TYPE_CHECKING:
    from crewhall.faces.mcp.clients import Address
    from crewhall.faces.sdk import Client

mcp = typer.Typer(name="mcp", help="The door for MCP clients: assistants, editors.", no_args_is_help=True)


@mcp.command("serve")
def serve(context: typer.Context) -> None:
    """Speak MCP on standard input and output, as whoever is signed in, with the server that is running."""

    async def work(client: "Client") -> None:
        from crewhall.faces.mcp.stdio import serve_stdio

        await serve_stdio(client)

    act(context, work)


@mcp.command("config")
def show_config(
    context: typer.Context,
    client: Annotated[
        str | None, typer.Argument(help="claude-code, claude-desktop, cursor, vscode or codex; all if left out.")
    ] = None,
    stdio: Annotated[
        bool, typer.Option("--stdio", help="Let the client start `crewhall mcp serve` instead of using HTTP.")
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser", help="Without a key: the client asks you in the browser. For people.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print what to put into a client's configuration. No key is printed: it stays in the environment."""
    from crewhall.faces.mcp.clients import CLIENTS, set_up

    if client is not None and client not in CLIENTS:
        raise typer.BadParameter(f"Known are {', '.join(CLIENTS)}.", param_hint="CLIENT")
    if stdio and browser:
        raise typer.BadParameter("Choose one way: --stdio or --browser.", param_hint="--browser")
    address = msgspec.structs.replace(_address(options_of(context)), asks=browser)
    found = [set_up(name, address, stdio=stdio) for name in ([client] if client else CLIENTS)]
    if wants_json(context, as_json):
        say_json(found)
        return
    for at, setup in enumerate(found):
        if at:
            say()
        typer.echo(f"# {setup.title}: {setup.file}\n# {setup.note}", err=client is not None)  # stdout can be a file
        print(setup.text)


def _address(options: Options) -> "Address":
    from crewhall.faces.mcp.clients import Address

    server = server_of(options)
    program = Path(sys.argv[0]).absolute()
    command = str(program) if program.name == "crewhall" else str(Path(sys.executable).with_name("crewhall"))
    chosen = ["--org", options.org] if options.org else []
    return Address(f"{server}/mcp", command, ["--server", server, *chosen, "mcp", "serve"], options.org)
