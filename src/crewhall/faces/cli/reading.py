"""What one keeps of what one reads, how messages read before, and where to go."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.lines import say_message
from crewhall.faces.cli.messages import Place, find_message, find_place
from crewhall.faces.cli.output import say, say_json, say_table, short_minute
from crewhall.faces.cli.pins import Which

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, PlacesFound, SavedMessage
    from crewhall.faces.sdk.resources import Version


def saved(
    context: typer.Context,
    done: Annotated[bool, typer.Option("--done", help="What you are done with.")] = False,
    as_json: Json = False,
) -> None:
    """List the messages that you saved, the last saved first."""

    async def work(client: "Client") -> "list[SavedMessage]":
        return [found async for found in client.saved.list(done=done)]

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    for one in found:
        say_message(one.message, one.conversation.label)
        if one.note:
            say(f"      note: {one.note}")
    if not found:
        say("Nothing is done." if done else "Nothing is saved: `crewhall save PLACE SEQ` saves a message.")


def save(
    context: typer.Context,
    place: Place,
    message: Which,
    note: Annotated[str | None, typer.Option(help="A note beside it, for you alone.")] = None,
    done: Annotated[bool | None, typer.Option("--done/--open", help="Whether you are done with it.")] = None,
    as_json: Json = False,
) -> None:
    """Save a message to find it again; again, to change its note or to be done with it."""

    async def work(client: "Client") -> "SavedMessage":
        where = await find_place(client, place)
        found = await find_message(client, where.id, message)
        return await client.saved.save(where.id, found.id, note=note, done=done)

    kept = act(context, work)
    if wants_json(context, as_json):
        say_json(kept)
    else:
        say(f"Saved {kept.message.seq}{' as done' if kept.done_at else ''}.")


def unsave(context: typer.Context, place: Place, message: Which) -> None:
    """Keep a message no longer."""

    async def work(client: "Client") -> int:
        where = await find_place(client, place)
        found = await find_message(client, where.id, message)
        await client.saved.forget(where.id, found.id)
        return found.seq

    say(f"{act(context, work)} is saved no longer.")


def versions(context: typer.Context, place: Place, message: Which, as_json: Json = False) -> None:
    """Show how a message read over time, oldest first, with who wrote each version."""

    async def work(client: "Client") -> "list[Version]":
        where = await find_place(client, place)
        found = await find_message(client, where.id, message)
        return await client.messages.versions(where.id, found.id)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    for version in found:
        say(f"── {version.version} · {version.author.name} · {short_minute(version.created_at)} ──")
        say(f"{version.title}: {version.content}" if version.title else version.content)


def find(
    context: typer.Context,
    text: Annotated[list[str] | None, typer.Argument(help="Beginnings of words; none: where you usually are.")] = None,
    limit: Annotated[int, typer.Option(help="So many places.")] = 12,
    as_json: Json = False,
) -> None:
    """Find conversations, people, agents and tasks by the first letters of their words, where you often are first."""

    async def work(client: "Client") -> "PlacesFound":
        return await client.find_places(" ".join(text or []), limit=limit)

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    if found.places:
        say_table(["Place", "What", "Name"], [[place.label, _what(place.type), place.name] for place in found.places])
    if found.tasks:
        say_table(["Task", "Status", "Title"], [[task.name, task.status, task.title] for task in found.tasks])
    for hit in found.messages:
        say_message(hit, hit.conversation.label)
    if not found.places and not found.messages and not found.tasks:
        say("Nothing found.")


def _what(kind: str) -> str:
    return "person" if kind == "user" else kind


def star(context: typer.Context, place: Place) -> None:
    """Keep a conversation at the top of your sidebar."""

    async def work(client: "Client") -> str:
        where = await find_place(client, place)
        await client.conversations.star(where.id)
        return where.label

    say(f"Starred {act(context, work)}.")


def unstar(context: typer.Context, place: Place) -> None:
    """Take your star off a conversation."""

    async def work(client: "Client") -> str:
        where = await find_place(client, place)
        await client.conversations.unstar(where.id)
        return where.label

    say(f"Took the star off {act(context, work)}.")


def unread(context: typer.Context, place: Place, message: Which) -> None:
    """Mark a message and what follows it as unread."""

    async def work(client: "Client") -> int:
        where = await find_place(client, place)
        found = await find_message(client, where.id, message)
        await client.conversations.mark_unread(where.id, found.seq)
        return found.seq

    say(f"Unread from {act(context, work)} on.")
