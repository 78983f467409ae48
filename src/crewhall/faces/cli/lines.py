"""Messages as lines of a terminal."""

from typing import TYPE_CHECKING

from crewhall.faces.cli.output import console, safe

if TYPE_CHECKING:
    from crewhall.faces.sdk import Message

INDENT = "\n" + " " * 19
AUTHORS = {"agent": "bold cyan", "user": "bold green"}


def say_message(message: "Message", place: str | None = None) -> None:
    """Print a message: when, who, what it is, what it says; replies are set in."""
    from rich.text import Text

    when = message.created_at.astimezone().strftime("%d %b %H:%M")
    line = Text("  " if message.parent_id else "")
    line += Text(f"{message.seq:>5} {when} ", style="dim")
    if place:
        line += safe(place + " ", style="magenta")
    line += safe(message.author.name, style=AUTHORS.get(message.author.type, "bold yellow")) + Text(" ")
    if message.kind != "message":
        line += Text(f"[{message.kind}] ", style="yellow")
    if message.title:
        line += safe(f"{message.title}: ", style="bold")
    line += Text("(deleted)", style="dim") if message.deleted_at else safe(message.content.replace("\n", INDENT))
    if message.edited_at and not message.deleted_at:
        line += Text(" (edited)", style="dim")
    for emoji, reactors in message.reactions.items():
        line += safe(f"  {emoji} {len(reactors)}", style="dim")
    console().print(line)
