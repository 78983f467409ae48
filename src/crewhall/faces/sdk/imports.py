"""Imports: an archive of another product is looked through, then taken in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Transport, join

AT_WORK = frozenset({"reading", "running"})
LOOK_S = 0.5
CHUNK = 1024 * 1024


class ImportCounts(msgspec.Struct, frozen=True):
    """What an archive holds. `fresh`: records (messages, reactions, pins) that are not there yet."""

    people: int = 0
    matched: int = 0
    placeholders: int = 0
    channels: int = 0
    messages: int = 0
    replies: int = 0
    reactions: int = 0
    pins: int = 0
    files: int = 0
    fresh: int = 0


class LeftOut(msgspec.Struct, frozen=True):
    """So much is not taken, for this reason."""

    reason: str
    count: int
    sentence: str = ""


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """An import: `reading`, `ready`, `running`, `done`, `failed` or `canceled`."""

    id: str
    source: str
    status: str
    name: str
    size: int = 0
    failure: str | None = None
    counts: ImportCounts = ImportCounts()
    taken: int = 0
    taken_messages: int = 0
    taken_files: int = 0
    left_out: list[LeftOut] = []
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ImportChannel(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a channel (`fate`: open, fill, continue). `target` is the name it has here."""

    external_id: str
    name: str
    type: str = "public"
    is_archived: bool = False
    fate: str = "open"
    target: str = ""
    conversation_id: str | None = None
    messages: int = 0
    fresh: int = 0
    taken: int = 0
    late: int = 0
    finished_at: datetime | None = None


class Imports:
    """The organization's imports, for its owner."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def bring(self, source: Path | str, *, kind: str = "slack") -> Import:
        """Send an archive up. It is looked through then; nothing is taken in before `start`."""
        path = Path(source)
        query = {"source": kind, "name": path.name}
        return await self._transport.upload("/imports", Import, lambda: _pieces(path), query=query)

    async def get(self, import_id: str) -> Import:
        """Give an import as it is now."""
        return await self._transport.call("GET", join("imports", import_id), Import)

    def list(self) -> AsyncIterator[Import]:
        """Give the imports, newest first."""
        return walk(self._transport, "/imports", Page[Import])

    def channels(self, import_id: str) -> AsyncIterator[ImportChannel]:
        """Give what becomes of each channel, by name."""
        return walk(self._transport, join("imports", import_id, "channels"), Page[ImportChannel])

    async def start(self, import_id: str) -> Import:
        """Take in what was found; starting again changes nothing."""
        return await self._transport.call("POST", join("imports", import_id, "start"), Import, repeatable=True)

    async def cancel(self, import_id: str) -> Import:
        """Call it off; what was taken in stays."""
        return await self._transport.call("POST", join("imports", import_id, "cancel"), Import, repeatable=True)

    async def wait(self, import_id: str, seen: Callable[[Import], None] | None = None) -> Import:
        """Give the import once nothing is at work on it; `seen` is told of it meanwhile."""
        while True:
            found = await self.get(import_id)
            if seen is not None:
                seen(found)
            if found.status not in AT_WORK:
                return found
            await asyncio.sleep(LOOK_S)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, CHUNK):
            yield piece
