"""The timeline as a file: CSV for a spreadsheet, or JSON Lines, page after page while it is read."""

import csv
import io
from collections.abc import AsyncIterator
from enum import StrEnum

import msgspec

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database
from crewhall.work.timeline_queries import list_events
from crewhall.work.timeline_schemas import Event, EventPage, Looked

MOST, PAGE = 100_000, 500
"""Events of one file, newest first; so many are read at once, each page in a transaction of its own."""
COLUMNS = (
    "timestamp", "type", "author_type", "author", "agent", "summary", "text", "mentions", "metadata", "content",
    "project_id", "session_id", "conversation_id", "id",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportFormat(StrEnum):
    """The form of an export."""

    CSV = "csv"
    JSONL = "jsonl"


MEDIA_TYPES = {ExportFormat.CSV: "text/csv", ExportFormat.JSONL: "application/jsonl"}


async def export_events(db: Database, actor: Actor, looked: Looked, into: ExportFormat) -> AsyncIterator[bytes]:
    """Give the file in pieces, newest first, at most 100,000 events. What is refused is refused before the first."""
    first = await _read(db, actor, looked, None)
    return _pieces(db, actor, looked, into, first)


async def _pieces(
    db: Database, actor: Actor, looked: Looked, into: ExportFormat, page: EventPage
) -> AsyncIterator[bytes]:
    if into is ExportFormat.CSV:
        yield _csv([list(COLUMNS)])
    left = MOST
    while True:
        shown = page.items[:left]
        left -= len(shown)
        if shown:
            yield _csv([_cells(one) for one in shown]) if into is ExportFormat.CSV else _lines(shown)
        if page.next is None or not left:
            return
        page = await _read(db, actor, looked, page.next)


async def _read(db: Database, actor: Actor, looked: Looked, after: str | None) -> EventPage:
    async with db.transaction(actor) as tx:
        return await list_events(tx, actor, looked, after=after, limit=PAGE, most=PAGE)


def _lines(shown: list[Event]) -> bytes:
    return b"".join(msgspec.json.encode(one) + b"\n" for one in shown)


def _csv(rows: list[list[str]]) -> bytes:
    told = io.StringIO(newline="")
    csv.writer(told).writerows(rows)
    return told.getvalue().encode()


def _cells(one: Event) -> list[str]:
    author, agent = one.author, one.agent
    cells = [
        one.timestamp.isoformat(),
        one.type,
        author.type if author else "",
        author.name if author else "",
        agent.name if agent else "",
        one.summary,
        one.text,
        ", ".join(mentioned.name for mentioned in one.mentions),
        msgspec.json.encode(one.metadata).decode(),
        msgspec.json.encode(one.content).decode(),
        *(str(found or "") for found in (one.project_id, one.session_id, one.conversation_id)),
        str(one.id),
    ]
    return [_plain(cell) for cell in cells]


def _plain(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
