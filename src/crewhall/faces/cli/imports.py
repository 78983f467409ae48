"""Bringing what was said elsewhere: `crewhall import`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, checked_id, wants_json
from crewhall.faces.cli.output import Exit, ago, fail, first_of, say, say_facts, say_json, say_list, say_table
from crewhall.faces.cli.turns import Limit
from crewhall.kernel.counting import counted

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Import

import_group = typer.Typer(name="import", help="Take in conversations from elsewhere.", no_args_is_help=True)
FATES = {"open": "a new channel", "fill": "fills the empty channel", "continue": "goes on"}


@import_group.command("slack")
def import_slack(
    context: typer.Context,
    archive: Annotated[Path, typer.Argument(help="The zip file that Slack exports.", exists=True, dir_okay=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken.")] = False,
    as_json: Json = False,
) -> None:
    """Import a Slack export: channels, people, threads, files, reactions, pins. Again changes nothing."""
    quiet = wants_json(context, as_json)

    def seen(found: "Import") -> None:
        if found.status == "running" and not quiet:
            say(f"{found.taken:,} of {found.counts.fresh:,} taken in")

    async def work(client: "Client") -> "Import":
        if not quiet:
            say(f"Sending {archive.name} …")
        brought = await client.imports.bring(archive)
        found = await client.imports.wait(brought.id)
        if found.status == "ready" and not quiet:
            channels = [one async for one in client.imports.channels(found.id)]
            rows = [
                (one.name, f"#{one.target}", FATES.get(one.fate, one.fate), one.messages, one.fresh) for one in channels
            ]
            say_table(("channel", "here", "", "messages", "new (with reactions, pins)"), rows, "No channels.")
            say()
        if dry_run or found.status != "ready":
            return await client.imports.cancel(found.id) if found.status == "ready" else found
        await client.imports.start(found.id)
        return await client.imports.wait(found.id, seen)

    found = act(context, work)
    if quiet:
        say_json(found)
    elif found.status != "failed":
        _say_report(found, dry_run=dry_run)
    if found.status == "failed":
        fail(found.failure or "It failed.", "import_failed", Exit.ERROR)


@import_group.command("list")
def list_imports(context: typer.Context, limit: Limit = 20, as_json: Json = False) -> None:
    """List imports, newest first."""

    async def work(client: "Client") -> "list[Import]":
        return await first_of(client.imports.list(), limit)

    found = act(context, work)
    say_list(
        found,
        ("archive", "status", "taken", "when", "id"),
        lambda one: (one.name, one.status, f"{one.taken:,}", ago(one.created_at), one.id),
        "Nothing was imported.",
        as_json=wants_json(context, as_json),
    )


@import_group.command("cancel")
def cancel_import(
    context: typer.Context,
    import_id: Annotated[str, typer.Argument(help="The import's id.", callback=checked_id("import list"))],
    as_json: Json = False,
) -> None:
    """Call an import off; what was taken in stays."""

    async def work(client: "Client") -> "Import":
        return await client.imports.cancel(import_id)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    else:
        say(found.status)


def _say_report(found: "Import", *, dry_run: bool) -> None:
    counts = found.counts
    say_facts(
        {
            "channels": f"{counts.channels:,}",
            "messages": f"{counts.messages + counts.replies:,}, {counts.replies:,} of them in threads",
            "reactions": f"{counts.reactions:,}",
            "pins": f"{counts.pins:,}",
            "files": f"{counts.files:,}",
            "people": f"{counts.matched:,} known by mail address, {counted(counts.placeholders, 'placeholder')}",
        }
    )
    if found.left_out:
        say()
        say_table(("", "not taken"), [(f"{one.count:,}", one.sentence) for one in found.left_out])
        say()
    if found.status == "done":
        files = f"{found.taken_files:,} of {counted(counts.files, 'file')}"
        others = counted(found.taken - found.taken_messages, "reaction and pin", "reactions and pins")
        say(f"Taken in: {counted(found.taken_messages, 'message')}, {others}, {files}.")
    elif dry_run and found.status == "canceled":
        say(f"{counts.fresh:,} messages, reactions and pins would be taken in. Nothing was changed.")
