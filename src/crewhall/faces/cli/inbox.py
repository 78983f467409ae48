"""The inbox: what concerns whoever is signed in."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, checked_id, wants_json
from crewhall.faces.cli.messages import find_place
from crewhall.faces.cli.output import ago, first_of, say, say_json, say_list
from crewhall.faces.cli.turns import Limit

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Level, Notification

LEVELS = ("all", "mentions", "nothing", "usual")


def inbox(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="What is read, too.")] = False,
    kind: Annotated[
        str | None,
        typer.Option(
            help="mention, reply, reaction, direct, message, invitation, approval, schedule, webhook, wiki_proposal,"
            " wiki_decision, task_assigned, timeline_mention or probation."
        ),
    ] = None,
    read: Annotated[
        str | None, typer.Option("--read", help="Mark this one as read.", callback=checked_id("inbox"))
    ] = None,
    read_all: Annotated[bool, typer.Option("--read-all", help="Mark everything as read.")] = False,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List what concerns you and is unread, newest first, or mark it as read."""

    async def work(client: "Client") -> "list[Notification]":
        if read is not None:
            return [await client.notifications.mark_read(read)]
        if read_all:
            await client.notifications.mark_all_read()
        return await first_of(client.notifications.list(kind=kind, unread=not every), limit)

    found = act(context, work)
    say_list(
        found,
        ("", "What", "Message", "When", "Id"),
        lambda one: [
            "" if one.is_read else "•",
            one.summary,
            one.message.excerpt if one.message else "",
            ago(one.happened_at),
            one.id,
        ],
        "Nothing waits for you.",
        as_json=wants_json(context, as_json),
    )


def level(
    context: typer.Context,
    place: Annotated[str, typer.Argument(help="A channel, @handle or the id of a conversation.")],
    chosen: Annotated[str | None, typer.Argument(metavar="[LEVEL]", help="all, mentions, nothing or usual.")] = None,
    as_json: Json = False,
) -> None:
    """Show or set how much of a conversation you are told of: all, mentions (and replies), nothing, or as usual."""
    if chosen is not None and chosen not in LEVELS:
        raise typer.BadParameter(f"{chosen} is no level: {', '.join(LEVELS)}.")

    async def work(client: "Client") -> "Level":
        where = await find_place(client, place)
        if chosen is None:
            return await client.notifications.level(where.id)
        return await client.notifications.set_level(where.id, None if chosen == "usual" else chosen)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    else:
        say(found.level if found.chosen else f"{found.level} (as usual)")
