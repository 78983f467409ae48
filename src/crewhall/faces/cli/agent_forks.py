"""Where agents come from: templates, forks, versions."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.agent_keys import Code
from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, rows_of, say, say_json, say_list, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import AgentInfo, AgentTemplate, AgentVersion, Capability, Client, ForkDifferences


def list_templates(context: typer.Context, as_json: Json = False) -> None:
    """List what a new agent may start from: `crewhall agent create NAME --template CODE`."""

    async def work(client: "Client") -> list["AgentTemplate"]:
        return [found async for found in client.agents.templates()]

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    else:
        say_table(("Code", "Name", "What for"), rows_of(found, "code", "name", "description"), "No templates.")


def list_capabilities(context: typer.Context, as_json: Json = False) -> None:
    """List what agents can do: `crewhall agent list --capability WORD`."""

    async def work(client: "Client") -> list["Capability"]:
        return await client.agents.capabilities()

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    else:
        say_table(("Capability", "Agents"), rows_of(found, "capability", "agents"), "No agent says what it can do.")


def fork_agent(
    context: typer.Context,
    code: Code,
    name: Annotated[str, typer.Argument(help="What the fork is called.")],
    as_code: Annotated[str | None, typer.Option("--code", help="Made from the name when not given.")] = None,
    as_json: Json = False,
) -> None:
    """Copy an agent under a name of its own; the fork remembers where it comes from."""

    async def work(client: "Client") -> "AgentInfo":
        return await client.agents.fork((await client.agents.find(code)).id, name, code=as_code)

    made = act(context, work)
    if wants_json(context, as_json):
        say_json(made)
    else:
        say(f"@{made.code} is there. What it does otherwise than its parent: `crewhall agent diff {made.code}`.")


def show_differences(context: typer.Context, code: Code, as_json: Json = False) -> None:
    """Show what a fork does otherwise than its parent."""

    async def work(client: "Client") -> "ForkDifferences":
        return await client.agents.differences((await client.agents.find(code)).id)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    if found.parent is None:
        say(f"@{code.removeprefix('@')} is no fork, or its parent is gone.")
        return
    rows = [
        [one.field, "not yours to read", "not yours to read"]
        if one.parent is None and one.fork is None
        else [one.field, _short(one.parent), _short(one.fork)]
        for one in found.differences
    ]
    say_table(("Field", f"@{found.parent.code}", f"@{code.removeprefix('@')}"), rows, "Nothing differs.")


def list_versions(context: typer.Context, code: Code, as_json: Json = False) -> None:
    """List what an agent thought with over time, newest first."""

    async def work(client: "Client") -> list["AgentVersion"]:
        who = await client.agents.find(code)
        return [found async for found in client.agents.versions(who.id)]

    found = act(context, work)
    say_list(
        found,
        ("Version", "From", "By", "Changed"),
        lambda one: [
            one.version,
            ago(one.created_at),
            one.created_by_name,
            ", ".join(one.changed) or "the first that is known",
        ],
        "No version is known.",
        as_json=wants_json(context, as_json),
    )


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return text if len(text) <= 200 else text[:200] + "…"  # noqa: PLR2004 - a line or two


COMMANDS: dict[str, Callable[..., None]] = {
    "templates": list_templates,
    "capabilities": list_capabilities,
    "fork": fork_agent,
    "diff": show_differences,
    "versions": list_versions,
}
"""Commands of `crewhall agent`."""
