"""What agents look things up in: `crewhall agent knowledge`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.agent_keys import Code
from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, say, say_facts, say_json, say_list, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Source, SourceItem, SourceSync

sources = typer.Typer(name="knowledge", help="What an agent looks things up in.", no_args_is_help=True)
Which = Annotated[str, typer.Argument(help="The source's name, path or id (`crewhall agent knowledge list`).")]
Wait = Annotated[bool, typer.Option("--wait", help="Until it has been read.")]


@sources.command("list")
def list_sources(context: typer.Context, agent: Code, as_json: Json = False) -> None:
    """List an agent's sources."""

    async def work(client: "Client") -> "list[Source]":
        return await client.sources.list((await client.agents.find(agent)).id)

    found = act(context, work)
    say_list(
        found,
        ("Source", "Type", "State", "Items", "Read", "Id"),
        lambda one: (
            one.name,
            one.type,
            one.state,
            one.item_count,
            ago(one.synced_at) if one.synced_at else "",
            one.id,
        ),
        "No sources yet.",
        as_json=wants_json(context, as_json),
    )


@sources.command("add")
def add_source(
    context: typer.Context,
    agent: Code,
    what: Annotated[str, typer.Argument(help="A file here, an address, or with --type a folder's or database's name.")],
    kind: Annotated[str | None, typer.Option("--type", help="url, api, folder or database.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="What it is called.")] = None,
    config: Annotated[str | None, typer.Option("--config", help='Settings as JSON, such as {"depth": 2}.')] = None,
    cron: Annotated[str | None, typer.Option("--cron", help="When it is read again, such as `0 6 * * *`.")] = None,
    timezone: Annotated[str | None, typer.Option("--timezone", help="On whose clock; UTC unless said.")] = None,
    wait: Wait = False,
    as_json: Json = False,
) -> None:
    """Give an agent something to look things up in."""
    is_address = what.startswith(("http://", "https://"))
    if kind is None and not is_address and not Path(what).is_file():
        raise typer.BadParameter(f"There is no file {what!r}. For anything else say --type.", param_hint="what")
    settings = _settings(config)

    async def work(client: "Client") -> "Source":
        who = (await client.agents.find(agent)).id
        if kind is None and not is_address:
            return await client.sources.add_file(who, what, name=name)
        made = await client.sources.add(
            who, kind or "url", what, name=name, config=settings, cron=cron, timezone=timezone
        )
        return await client.sources.wait(who, made.id) if wait else made

    _report(context, act(context, work), as_json=as_json)


@sources.command("show")
def show_source(context: typer.Context, agent: Code, source: Which, as_json: Json = False) -> None:
    """Show a source, what it holds and how it was read."""

    async def work(client: "Client") -> "tuple[Source, list[SourceItem], list[SourceSync]]":
        who, one = await _find(client, agent, source)
        items = [found async for found in client.sources.items(who, one.id)]
        return one, items, [found async for found in client.sources.syncs(who, one.id)]

    found, items, syncs = act(context, work)
    if wants_json(context, as_json):
        say_json({"source": found, "items": items, "syncs": syncs})
        return
    facts: dict[str, object] = {"source": found.name, "type": found.type, "path": found.path, "state": found.state}
    facts |= {"because": found.failure} if found.failure else {}
    facts |= {"left out": found.cut} if found.cut else {}
    facts |= {"not watched": found.watch_failure} if found.watch_failure else {}
    facts |= {"read again": f"{found.cron} ({found.timezone})"} if found.cron else {}
    say_facts(facts)
    say()
    rows = [(one.title or one.name, one.failure or one.status or "", one.document_id or "") for one in items]
    say_table(("Item", "State", "Document"), rows, "Nothing yet.")
    if syncs:
        say()
        counts = [
            (ago(one.ended_at), one.outcome, one.fresh, one.changed, one.unchanged, one.gone, one.failed)
            for one in syncs
        ]
        say_table(("Read", "", "New", "Changed", "As before", "Gone", "Failed"), counts)


@sources.command("sync")
def sync_source(context: typer.Context, agent: Code, source: Which, wait: Wait = False, as_json: Json = False) -> None:
    """Have a source read now; what has not changed is not read again."""

    async def work(client: "Client") -> "Source":
        who, one = await _find(client, agent, source)
        asked = await client.sources.sync(who, one.id)
        return await client.sources.wait(who, one.id) if wait else asked

    _report(context, act(context, work), as_json=as_json)


@sources.command("cancel")
def cancel_sync(context: typer.Context, agent: Code, source: Which, as_json: Json = False) -> None:
    """Call off the reading of a source; what it has taken stays."""

    async def work(client: "Client") -> "Source":
        who, one = await _find(client, agent, source)
        return await client.sources.cancel(who, one.id)

    _report(context, act(context, work), as_json=as_json)


@sources.command("turn")
def turn_source(
    context: typer.Context,
    agent: Code,
    source: Which,
    is_on: Annotated[bool, typer.Option("--on/--off", help="What is off is neither read nor found.")],
    as_json: Json = False,
) -> None:
    """Switch a source on or off."""

    async def work(client: "Client") -> "Source":
        who, one = await _find(client, agent, source)
        return await client.sources.change(who, one.id, enabled=is_on)

    _report(context, act(context, work), as_json=as_json)


@sources.command("remove")
def remove_source(
    context: typer.Context,
    agent: Code,
    source: Which,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a source with what it holds."""
    if not yes:
        typer.confirm(f"Remove {source!r} and what it holds?", abort=True)

    async def work(client: "Client") -> None:
        who, one = await _find(client, agent, source)
        await client.sources.remove(who, one.id)

    act(context, work)
    say("Removed.")


async def _find(client: "Client", agent: str, source: str) -> "tuple[str, Source]":
    """The agent's id, and its source of that id, name or path."""
    who = await client.agents.find(agent)
    for one in await client.sources.list(who.id):
        if source in {one.id, one.path} or one.name.lower() == source.lower():
            return who.id, one
    raise typer.BadParameter(f"@{who.code} has no source {source!r}.", param_hint="source")


def _settings(config: str | None) -> dict[str, Any] | None:
    if config is None:
        return None
    try:
        given = json.loads(config)
    except ValueError as error:
        raise typer.BadParameter(f"This is no JSON: {error}.", param_hint="--config") from None
    if not isinstance(given, dict):
        raise typer.BadParameter('Settings are an object, such as {"depth": 2}.', param_hint="--config")
    return given


def _report(context: typer.Context, one: "Source", *, as_json: bool) -> None:
    if wants_json(context, as_json):
        say_json(one)
        return
    seen = f" {one.counts.seen} seen, {one.counts.fresh} new, {one.counts.changed} changed." if one.counts.seen else ""
    say(f"{one.name}: {one.state}.{seen} {one.failure or ''}".rstrip() + f" {one.id}")
