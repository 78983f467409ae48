"""Messages as lines of a terminal: days between them, replies set in, long text below its beginning."""

from typing import TYPE_CHECKING

from crewhall.faces.cli.output import console, safe, short_minute

if TYPE_CHECKING:
    from datetime import date, datetime

    from rich.text import Text

    from crewhall.faces.sdk import Message, Record

AUTHORS = {"agent": "bold cyan", "user": "bold green"}
SEQ_WIDTH = 5
NARROWEST = 20
"""However little is left beside seq and time, text gets so many columns."""
DONE = {
    "edit": "edited",
    "deletion": "deleted",
    "pin": "pinned",
    "unpin": "unpinned",
    "reaction": "reacted {} to",
    "unreaction": "took {} back from",
}


class Transcript:
    """Prints messages one after another, as far as they come; remembers the day and the seqs of what it printed."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._seqs: dict[str, int] = {}

    def say(self, message: "Message", place: str | None = None) -> None:
        """Print a message, below its day when that is another than the one before."""
        self._turn_to(message.created_at)
        self._seqs[message.id] = message.seq
        _say(message, f"{message.created_at.astimezone():%H:%M}", place, self._seqs.get(message.parent_id or ""))

    def say_record(self, record: "Record", place: str | None = None) -> None:
        """Print any record: a message as `say` does, another as what was done to which message."""
        from rich.text import Text

        from crewhall.faces.sdk import Delivery, Message

        if isinstance(record, Message):
            self.say(record, place)
            return
        if isinstance(record, Delivery):
            self.say(record.metadata.message, place or record.metadata.reason)
            return
        self._turn_to(record.created_at)
        target = self._seqs.get(record.target_id or "")
        done = DONE.get(record.type, record.type).format(record.content or "")
        margin = Text(f"{record.seq:>{SEQ_WIDTH}} {record.created_at.astimezone():%H:%M} ", style="dim")
        what = safe(f"{record.author.name} {done} {target or 'an earlier message'}", style="dim")
        _print_hanging(margin, Text.assemble(_place(place), what))

    def _turn_to(self, moment: "datetime") -> None:
        from rich.text import Text

        local = moment.astimezone()
        if local.date() == self._day:
            return
        self._day = local.date()
        console().print(Text(f"── {local:%A}, {local.day} {local:%B %Y} ──", style="dim"))


def say_message(message: "Message", place: str | None = None) -> None:
    """Print one message with its date."""
    _say(message, short_minute(message.created_at), place, None)


def _say(message: "Message", when: str, place: str | None, parent_seq: int | None) -> None:
    from rich.text import Text

    margin = Text(f"{message.seq:>{SEQ_WIDTH}} {when} ", style="dim")
    if message.parent_id:
        margin.append("  ↳ ")
    answered = f"({parent_seq}) " if message.parent_id and parent_seq else ""
    _print_hanging(margin, Text.assemble((answered, "dim"), _place(place), _words(message)))


def _words(message: "Message") -> "Text":
    """Who, what it is, what it says."""
    from rich.text import Text

    line = Text.assemble(safe(message.author.name, style=AUTHORS.get(message.author.type, "bold yellow")), " ")
    if message.kind != "message":
        line.append(f"[{message.kind}] ", style="yellow")
    if message.title:
        line.append_text(safe(f"{message.title}: ", style="bold"))
    line.append_text(Text("(deleted)", style="dim") if message.deleted_at else safe(message.content))
    for file in () if message.deleted_at else message.files:
        line.append_text(safe(f"  [{file.name}]", style="dim"))
    for source in () if message.deleted_at else message.sources:
        line.append_text(safe(f"\n[{source.number}] {source.title} {source.url}", style="dim"))
    if message.edited_at and not message.deleted_at:
        line.append(" (edited)", style="dim")
    for emoji, reactors in message.reactions.items():
        line.append_text(safe(f"  {emoji}", style="dim")).append(f"\u00a0{len(reactors)}", style="dim")
    return line


def _place(place: str | None) -> "Text":
    return safe(f"{place} " if place else "", style="magenta")


def _print_hanging(margin: "Text", text: "Text") -> None:
    """Print text beside its margin: every further line begins below the first. What is piped is not wrapped."""
    from rich.text import Text

    out = console()
    indent = margin.cell_len
    width = max(out.width - indent, NARROWEST)
    lines = text.wrap(out, width) if out.is_terminal else text.split("\n", allow_blank=True)
    for number, line in enumerate(lines):
        out.print(Text.assemble(margin if number == 0 else " " * indent, line))
