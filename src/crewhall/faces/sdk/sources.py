"""Sources of agents' knowledge: files, folders, addresses, databases and APIs that they look things up in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join

UNDER_WAY = frozenset({"waiting", "syncing"})
LOOK_S = 0.5
PIECE = 256 * 1024


class SyncCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync saw: `fresh` is new, `failed` could not be taken and stays as it was."""

    seen: int = 0
    fresh: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    failed: int = 0


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent looks things up in: a `file`, `folder`, `url`, `database` or `api`.

    `state`: `new`, `waiting`, `syncing`, `synced`, `failed` or `off`.
    """

    id: str
    agent_id: str
    type: str
    path: str
    name: str
    state: str
    enabled: bool = True
    config: dict[str, Any] = {}
    cron: str | None = None
    timezone: str | None = None
    item_count: int = 0
    counts: SyncCounts = SyncCounts()
    failure: str | None = None
    cut: str | None = None
    watch_failure: str | None = None
    synced_at: datetime | None = None
    next_sync_at: datetime | None = None


class SourceItem(msgspec.Struct, frozen=True, kw_only=True):
    """What a source holds, and the document that it is."""

    id: str
    key: str
    name: str
    media_type: str | None = None
    size: int | None = None
    document_id: str | None = None
    title: str | None = None
    status: str | None = None
    done: int = 0
    total: int | None = None
    unit: str | None = None
    failure: str | None = None
    seen_at: datetime | None = None
    changed_at: datetime | None = None


class SourceSync(SyncCounts, frozen=True, kw_only=True):
    """A time that a source was gone through: `done`, `failed` or `canceled`."""

    id: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    error: str | None = None
    cut: str | None = None


class Sources:
    """The sources of an agent that the signed-in person may change, or of the signed-in agent."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, agent_id: str) -> "list[Source]":
        """Give the agent's sources by name."""
        return (await self._transport.call("GET", _at(agent_id), Page[Source])).items

    async def get(self, agent_id: str, source_id: str) -> Source:
        """Give a source as it is now."""
        return await self._transport.call("GET", _at(agent_id, source_id), Source)

    async def add(
        self,
        agent_id: str,
        type: str,
        path: str,
        *,
        name: str | None = None,
        config: dict[str, Any] | None = None,
        cron: str | None = None,
        timezone: str | None = None,
    ) -> Source:
        """Give the agent an address, a folder, a database or an API, and have it read."""
        body = as_body(type=type, path=path, name=name, config=config, cron=cron, timezone=timezone)
        return await self._transport.call("POST", _at(agent_id), Source, body=body)

    async def add_file(self, agent_id: str, source: Path | str | bytes, *, name: str | None = None) -> Source:
        """Give the agent a file, by its path or as bytes with a name; one of the same name is replaced."""
        given = source if isinstance(source, bytes) else Path(source)
        query = {"name": name or ("file" if isinstance(given, bytes) else given.name)}
        return await self._transport.upload(_at(agent_id, "files"), Source, lambda: _pieces(given), query=query)

    async def add_attached(self, agent_id: str, file_id: str) -> Source:
        """Give the agent a file of a conversation."""
        return await self._transport.call("PUT", _at(agent_id, "files", file_id), Source)

    async def change(self, agent_id: str, source_id: str, **changes: Any) -> Source:
        """Change `name`, `config`, `cron`, `timezone` or `enabled`."""
        return await self._transport.call("PATCH", _at(agent_id, source_id), Source, body=changes)

    async def remove(self, agent_id: str, source_id: str) -> None:
        """Remove a source with what it holds."""
        await self._transport.call("DELETE", _at(agent_id, source_id), Nothing)

    async def sync(self, agent_id: str, source_id: str) -> Source:
        """Have a source read now; what has not changed is not read again."""
        return await self._transport.call("POST", _at(agent_id, source_id, "sync"), Source, repeatable=True)

    async def cancel(self, agent_id: str, source_id: str) -> Source:
        """Call a sync off; what it has taken stays."""
        return await self._transport.call("DELETE", _at(agent_id, source_id, "sync"), Source)

    async def wait(self, agent_id: str, source_id: str, seen: Callable[[Source], None] | None = None) -> Source:
        """Give the source once no sync is under way; `seen` is told of it meanwhile."""
        while True:
            found = await self.get(agent_id, source_id)
            if seen is not None:
                seen(found)
            if found.state not in UNDER_WAY:
                return found
            await asyncio.sleep(LOOK_S)

    def items(self, agent_id: str, source_id: str) -> AsyncIterator[SourceItem]:
        """Give what a source holds."""
        return walk(self._transport, _at(agent_id, source_id, "items"), Page[SourceItem])

    def syncs(self, agent_id: str, source_id: str) -> AsyncIterator[SourceSync]:
        """Give how a source was read, the newest first."""
        return walk(self._transport, _at(agent_id, source_id, "syncs"), Page[SourceSync])


def _at(agent_id: str, *more: str) -> str:
    return join("agents", agent_id, "knowledge", *more)


async def _pieces(source: Path | bytes) -> AsyncIterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with await asyncio.to_thread(source.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
