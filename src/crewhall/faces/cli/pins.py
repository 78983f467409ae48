"""What is pinned in a conversation."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.lines import say_message
from crewhall.faces.cli.messages import Place, find_message, find_place
from crewhall.faces.cli.output import say, say_json

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Message

Which = Annotated[str, typer.Argument(help="The message's seq, as `crewhall history` shows it, or its id.")]


def pins(context: typer.Context, place: Place, as_json: Json = False) -> None:
    """List what is pinned, the last pinned first."""

    async def work(client: "Client") -> "list[Message]":
        where = await find_place(client, place)
        found: list[Message] = []
        after: str | None = None
        while True:
            page = await client.messages.pins(where.id, after=after)
            found += page.items
            after = page.next
            if after is None:
                return found

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    for message in found:
        say_message(message)
    if not found:
        say("Nothing is pinned: `crewhall channel pin CHANNEL SEQ` pins a message.")


def pin(context: typer.Context, place: Place, message: Which, as_json: Json = False) -> None:
    """Pin a message for everybody in the conversation."""
    _set_pin(context, place, message, as_json=as_json, pinned=True)


def unpin(context: typer.Context, place: Place, message: Which, as_json: Json = False) -> None:
    """Take a message's pin off."""
    _set_pin(context, place, message, as_json=as_json, pinned=False)


def _set_pin(context: typer.Context, place: str, which: str, *, as_json: bool, pinned: bool) -> None:
    async def work(client: "Client") -> "Message":
        where = await find_place(client, place)
        found = await find_message(client, where.id, which)
        change = client.messages.pin if pinned else client.messages.unpin
        await change(where.id, found.id)
        return await client.messages.get(where.id, found.id)

    changed = act(context, work)
    if wants_json(context, as_json):
        say_json(changed)
    else:
        say(f"{'Pinned' if pinned else 'Unpinned'} {changed.seq}.")
