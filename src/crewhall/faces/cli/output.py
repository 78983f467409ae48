"""What the command line prints: tables and sentences for people, JSON for programs; errors on standard error."""

import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

T = TypeVar("T")
WIDE = 200
STEPS = ((60, "s"), (60, "min"), (24, "h"), (7, "d"), (52, "w"))


class Exit(IntEnum):
    """Exit codes, stable: 0 is well."""

    ERROR = 1
    USAGE = 2
    NOT_REACHABLE = 3
    NOT_SIGNED_IN = 4


def say(text: str = "") -> None:
    """Print one line."""
    print(visible(text), flush=True)


def say_json(value: Any) -> None:
    """Print JSON: an object or a list over several lines, as people like to read it in a terminal."""
    encoded = msgspec.json.encode(value, enc_hook=str)
    print((msgspec.json.format(encoded, indent=2) if sys.stdout.isatty() else encoded).decode(), flush=True)


def say_table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "Nothing there.") -> None:
    """Print rows under headings; one sentence when there are none."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(*columns, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(safe("" if cell is None else str(cell)) for cell in row))
    if table.row_count:
        console().print(table)
    else:
        say(empty)


def say_list(
    found: Sequence[T],
    columns: Sequence[str],
    row: Callable[[T], Sequence[object]],
    empty: str = "Nothing there.",
    *,
    as_json: bool,
) -> None:
    """Print what was found: as JSON, or as a table with a row for each; `empty` when there is nothing."""
    if as_json:
        say_json(found)
    else:
        say_table(columns, map(row, found), empty)


async def first_of(found: AsyncIterator[T], limit: int) -> list[T]:
    """The first so many of a list that goes on page by page."""
    items: list[T] = []
    async for item in found:
        items.append(item)
        if len(items) == limit:
            break
    return items


def say_facts(facts: dict[str, object]) -> None:
    """Print names and values, one a line; moments in local time; what is None is left out."""
    from rich.text import Text

    shown = {name: value for name, value in facts.items() if value is not None}
    width = max(map(len, shown), default=0) + 2
    for name, value in shown.items():
        console().print(
            Text(name.ljust(width), style="dim")
            + safe(local_time(value) if isinstance(value, datetime) else str(value))
        )


def console() -> "Console":
    """The terminal; what is piped is neither wrapped nor coloured."""
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    return Console(width=None if is_terminal else WIDE, highlight=False, soft_wrap=not is_terminal)


def safe(text: str, style: str = "") -> "Text":
    """Text that cannot command the terminal."""
    from rich.text import Text

    return Text(visible(text), style=style)


def visible(text: str) -> str:
    """Show control characters in what others wrote instead of obeying them."""
    return "".join(char if char in "\n\t\u200d" or char.isprintable() else "\ufffd" for char in text)


def local_time(moment: datetime) -> str:
    """The day and the minute where the reader is."""
    return minute_of(moment.astimezone())


def short_minute(moment: datetime) -> str:
    """The day and the minute where the reader is, with the year where it is another than this one."""
    local = moment.astimezone()
    year = "" if local.year == datetime.now().astimezone().year else f" {local.year}"
    return f"{local:%d %b}{year} {local:%H:%M}"


def minute_in(moment: datetime, zone: str) -> str:
    """The day and the minute by the clock of a timezone, which is named."""
    from zoneinfo import ZoneInfo

    return f"{minute_of(moment.astimezone(ZoneInfo(zone)))} ({zone})"


def minute_of(moment: datetime) -> str:
    """The day and the minute as the moment itself has them."""
    return f"{moment.day} {moment:%B %Y, %H:%M}"


def ago(moment: datetime | None) -> str:
    """How long ago it was, in the largest unit that fits; the date when it is long past."""
    if moment is None:
        return "never"
    amount = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    for size, unit in STEPS:
        if amount < size:
            return f"{int(amount)} {unit} ago"
        amount /= size
    return moment.date().isoformat()


def rows_of(items: Iterable[Any], *names: str) -> list[list[object]]:
    """The named fields of each item; moments as how long ago they were."""
    return [
        [ago(value) if isinstance(value, datetime) else value for value in (getattr(item, name) for name in names)]
        for item in items
    ]


def warn(detail: str) -> None:
    """Say on standard error what is not as it should be, and go on."""
    print(f"crewhall: {detail}", file=sys.stderr, flush=True)


def fail(detail: str, code: str | None = None, exit_code: int = Exit.ERROR) -> NoReturn:
    """Say on standard error what went wrong, and leave."""
    print(f"crewhall: {detail}" + (f" [{code}]" if code else ""), file=sys.stderr, flush=True)
    raise SystemExit(exit_code)
