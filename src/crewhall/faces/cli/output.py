"""What the command line prints: tables and sentences for people, JSON for programs; errors on standard error."""

import sys
from enum import IntEnum
from typing import Any, NoReturn

import msgspec


class Exit(IntEnum):
    """Exit codes, stable: 0 is well."""

    ERROR = 1
    USAGE = 2
    NOT_REACHABLE = 3
    NOT_SIGNED_IN = 4


def say(text: str = "") -> None:
    """Print one line."""
    print(text, flush=True)


def say_json(value: Any) -> None:
    """Print JSON: an object or a list over several lines, as people like to read it in a terminal."""
    encoded = msgspec.json.encode(value, enc_hook=str)
    print((msgspec.json.format(encoded, indent=2) if sys.stdout.isatty() else encoded).decode(), flush=True)


def say_table(columns: list[str], rows: list[list[str]], title: str | None = None) -> None:
    """Print a table."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)


def fail(detail: str, code: str | None = None, exit_code: int = Exit.ERROR) -> NoReturn:
    """Say on standard error what went wrong, and leave."""
    print(f"crewhall: {detail}" + (f" [{code}]" if code else ""), file=sys.stderr, flush=True)
    raise SystemExit(exit_code)
