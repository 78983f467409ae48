"""What is not said yet: drafts, and messages that are posted later."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, checked_id, wants_json
from crewhall.faces.cli.lines import say_message
from crewhall.faces.cli.messages import Place, find_place
from crewhall.faces.cli.output import local_time, minute_in, say, say_json, say_list

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Draft, LaterMessage

drafts = typer.Typer(name="drafts", help="Drafts: what you have begun to write.", no_args_is_help=True)
later = typer.Typer(name="later", help="Later messages: written now, posted at their moment.", no_args_is_help=True)
LaterId = Annotated[
    str, typer.Argument(help="The message's id (`crewhall later list`).", callback=checked_id("later list"))
]
Text = Annotated[list[str] | None, typer.Argument(help="What to say; read from stdin when left out or `-`.")]
SHOWN = 60


@drafts.command("list")
def list_drafts(context: typer.Context, as_json: Json = False) -> None:
    """List your drafts, the last written first."""

    async def work(client: "Client") -> list["Draft"]:
        return [one async for one in client.drafts.list()]

    found = act(context, work)
    say_list(
        found,
        ("Where", "", "Draft", "Written"),
        lambda one: [
            one.conversation.label if one.conversation else "–",
            "thread" if one.parent_id else "",
            _begun(one),
            local_time(one.updated_at) if one.updated_at else "",
        ],
        "No drafts.",
        as_json=wants_json(context, as_json),
    )


@drafts.command("keep")
def keep_draft(context: typer.Context, place: Place, text: Text = None, as_json: Json = False) -> None:
    """Keep what you have begun to write in a conversation, in place of what was there."""

    async def work(client: "Client") -> "Draft":
        where = await find_place(client, place)
        now = await client.drafts.get(where.id)
        return await client.drafts.save(where.id, _content(text), version=now.version, title=now.title, kind=now.kind)

    kept = act(context, work)
    if wants_json(context, as_json):
        say_json(kept)
    else:
        say("Kept.")


@drafts.command("drop")
def drop_draft(context: typer.Context, place: Place) -> None:
    """Throw away what you have begun to write in a conversation."""

    async def work(client: "Client") -> None:
        await client.drafts.drop((await find_place(client, place)).id)

    act(context, work)
    say("Thrown away.")


@later.command("list")
def list_later(context: typer.Context, as_json: Json = False) -> None:
    """List what is to be posted later, in order; refused ones with the reason."""

    async def work(client: "Client") -> list["LaterMessage"]:
        return [one async for one in client.later.list()]

    found = act(context, work)
    say_list(
        found,
        ("When", "Where", "Message", "Status", "Id"),
        lambda one: [
            minute_in(one.due_at, one.timezone),
            one.conversation.label if one.conversation else "–",
            _short(one.content),
            one.refusal or one.status,
            one.id,
        ],
        "Nothing is to be posted later.",
        as_json=wants_json(context, as_json),
    )


@later.command("post")
def post_later(
    context: typer.Context,
    place: Place,
    when: Annotated[str, typer.Argument(help="20m, 2h, 14:30, 'tomorrow 9:00', 'monday 9', '2026-11-23 09:00'.")],
    text: Text = None,
    zone: Annotated[str | None, typer.Option("--timezone", help="By whose clock; this machine's unless said.")] = None,
    as_json: Json = False,
) -> None:
    """Post a message later."""

    async def work(client: "Client") -> "LaterMessage":
        where = await find_place(client, place)
        done = await client.commands.carry_out(
            where.id, f"/later {when} {_content(text)}", timezone=zone or zone_here()
        )
        return await client.later.get(done.later_id or "")

    _report(context, act(context, work), as_json=as_json)


@later.command("change")
def change_later(
    context: typer.Context,
    later_id: LaterId,
    text: Annotated[str | None, typer.Option("--text", help="What to say.")] = None,
    at: Annotated[
        datetime | None, typer.Option("--at", formats=["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"], help="When, on your clock.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change the words or the moment of a later message; a new moment lets a refused one wait again."""
    given = {"content": text, "due_at": at.astimezone() if at else None}
    changes = {name: value for name, value in given.items() if value is not None}
    _report(context, act(context, lambda client: client.later.change(later_id, **changes)), as_json=as_json)


@later.command("send")
def send_later(context: typer.Context, later_id: LaterId, as_json: Json = False) -> None:
    """Post a later message now."""
    posted = act(context, lambda client: client.later.send(later_id))
    if wants_json(context, as_json):
        say_json(posted)
    else:
        say_message(posted)


@later.command("cancel")
def cancel_later(context: typer.Context, later_id: LaterId) -> None:
    """Throw a later message away."""
    act(context, lambda client: client.later.cancel(later_id))
    say("Thrown away.")


def zone_here() -> str:
    """The name of this machine's timezone; UTC when it has none."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if named:
        return named
    _before, _zoneinfo, name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    return name or "UTC"


def _content(text: list[str] | None) -> str:
    given = sys.stdin.read() if text in (None, [], ["-"]) else " ".join(text or [])
    return given.rstrip("\n")


def _begun(draft: "Draft") -> str:
    return _short(" ".join([draft.content, *(f"[{file.name}]" for file in draft.files)]))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _report(context: typer.Context, one: "LaterMessage", *, as_json: bool) -> None:
    if wants_json(context, as_json):
        say_json(one)
    elif one.refusal:
        say(f"Refused: {one.refusal} {one.id}")
    else:
        say(f"It will be posted on {minute_in(one.due_at, one.timezone)}. {one.id}")
