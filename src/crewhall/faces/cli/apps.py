"""Apps: programs that one let in through MCP."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, say, say_json, say_list

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, LetInApp

apps = typer.Typer(name="app", help="Programs that you let in through MCP.", no_args_is_help=True)


@apps.command("list")
def list_apps(context: typer.Context, as_json: Json = False) -> None:
    """List the apps that you let in, and what they may do."""

    async def work(client: "Client") -> list["LetInApp"]:
        return [found async for found in client.apps.list()]

    found = act(context, work)
    say_list(
        found,
        ("Id", "Name", "At", "May", "Used"),
        lambda each: [each.id, each.name, each.address, " ".join(each.scopes), ago(each.last_used_at)],
        "No apps: they ask you in the browser.",
        as_json=wants_json(context, as_json),
    )


@apps.command("shut-out")
def shut_out(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name or id (`crewhall app list`).")],
    as_json: Json = False,
) -> None:
    """Take an app's access back now, everywhere."""

    async def work(client: "Client") -> "LetInApp":
        from crewhall.faces.sdk import CrewhallApiError

        found = [one async for one in client.apps.list() if name in {one.id, one.name}]
        if len(found) != 1:
            sentence = f"You let {len(found) or 'no'} apps in that are named {name}. `crewhall app list` shows them."
            raise CrewhallApiError("not_found", 404, sentence)
        await client.apps.shut_out(found[0].id)
        return found[0]

    gone = act(context, work)
    if wants_json(context, as_json):
        say_json(gone)
    else:
        say(f"{gone.name} is shut out.")
