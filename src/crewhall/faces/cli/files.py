"""Files at the command line: what a conversation has, and getting it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, checked_id, wants_json
from crewhall.faces.cli.messages import Place, find_place
from crewhall.faces.cli.output import first_of, say, say_list
from crewhall.kernel.counting import size_in_words

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, File


def files(
    context: typer.Context,
    place: Place,
    limit: Annotated[int, typer.Option(help="So many files.")] = 50,
    as_json: Json = False,
) -> None:
    """List what is attached to a conversation's messages, the newest first."""

    async def work(client: "Client") -> "list[File]":
        where = await find_place(client, place)
        return await first_of(client.files.list(where.id), limit)

    found = act(context, work)
    say_list(
        found,
        ("id", "name", "type", "size", "message"),
        lambda file: (file.id, file.name, file.media_type, size_in_words(file.size), str(file.message_seq or "")),
        "No files there.",
        as_json=wants_json(context, as_json),
    )


def download(
    context: typer.Context,
    file_id: Annotated[str, typer.Argument(help="The file's id.", callback=checked_id("files PLACE"))],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A path, a folder, or `-`; by default here, by its name.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Download a file."""

    async def work(client: "Client") -> Path | None:
        if output == Path("-"):
            sys.stdout.buffer.write(await client.files.read(file_id))
            return None
        target = output
        if target is None or target.is_dir():
            target = (target or Path()) / (await client.files.get(file_id)).name
        if target.exists() and not force:
            raise typer.BadParameter(f"{target} is there already: name another with -o, or replace it with --force.")
        return await client.files.download(file_id, target)

    written = act(context, work)
    if written is not None:
        say(str(written))
