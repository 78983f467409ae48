"""Keeping what a source holds: bytes, documents and their origins. What is as it was is not read again."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import LiteralString
from uuid import UUID, uuid4

from crewhall.conversations import FileStore, clean_name, refer_to_bytes
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.knowledge.sources.reading import Found, Known, Lost, Same, Taken
from crewhall.knowledge.sources.run import Run, fenced
from crewhall.knowledge.work import CHANNEL as DOCUMENTS

PIECE = 256 * 1024
NO_TEXT = "It holds no text that can be read."
_KNOWN: LiteralString = """
select key, sha256, media_type, etag, last_modified, links, sync_id is not distinct from %(sync)s as is_seen
from source_items where org_id = any (current_orgs()) and source_id = %(source)s and key = %(key)s
"""
_SEEN: LiteralString = """
update source_items
set sync_id = %(sync)s, seen_at = clock_timestamp(),
    failure = case when not holds_text(media_type, name) then %(no_text)s end
where source_id = %(source)s and key = %(key)s
"""
_LOST: LiteralString = """
insert into source_items (id, org_id, source_id, key, name, failure, sync_id)
values (%(id)s, %(org)s, %(source)s, %(key)s, %(name)s, %(failure)s, %(sync)s)
on conflict (source_id, key) do update
set failure = excluded.failure, sync_id = excluded.sync_id, seen_at = clock_timestamp()
"""
_TOLD: LiteralString = """
update source_items
set name = %(name)s, etag = %(etag)s, last_modified = %(last_modified)s, links = %(links)s, sync_id = %(sync)s,
    failure = case when not holds_text(media_type, %(name)s) then %(no_text)s end, seen_at = clock_timestamp()
where source_id = %(source)s and key = %(key)s
"""
_KEEP: LiteralString = """
insert into source_items as i (
    id, org_id, source_id, key, name, media_type, size, sha256, etag, last_modified, links, failure, sync_id,
    changed_at)
values (
    %(id)s, %(org)s, %(source)s, %(key)s, %(name)s, %(media_type)s, %(size)s, %(sha256)s, %(etag)s, %(last_modified)s,
    %(links)s, case when not holds_text(%(media_type)s, %(name)s) then %(no_text)s end, %(sync)s, clock_timestamp())
on conflict (source_id, key) do update
set name = excluded.name, media_type = excluded.media_type, size = excluded.size, sha256 = excluded.sha256,
    etag = excluded.etag, last_modified = excluded.last_modified, links = excluded.links, failure = excluded.failure,
    sync_id = excluded.sync_id, seen_at = clock_timestamp(), changed_at = clock_timestamp()
returning i.id
"""
_DOCUMENT: LiteralString = """
insert into documents as d (id, org_id, sha256, media_type, name, size, look_at)
select %(document)s, %(org)s, %(sha256)s, %(media_type)s, %(name)s, %(size)s, now()
where holds_text(%(media_type)s, %(name)s)
on conflict (org_id, sha256, media_type) do update set size = d.size
returning d.id
"""
_ORIGIN: LiteralString = """
insert into document_origins (id, org_id, document_id, kind, source_id, item_id)
values (%(origin)s, %(org)s, %(known)s, 'source', %(source)s, %(item)s)
on conflict (org_id, item_id) where item_id is not null do update set document_id = excluded.document_id
"""
_GONE: LiteralString = """
delete from source_items where source_id = %(source)s and sync_id is distinct from %(sync)s
"""


class Keeping:
    """Keeps what one sync finds, and counts it in its run."""

    def __init__(self, store: FileStore, run: Run) -> None:
        self._store = store
        self._db = store.db
        self._run = run
        self._names = {"org": run.org_id, "source": run.id, "sync": run.sync_id}

    async def knows(self, key: str) -> Known | None:
        """What is kept under a key."""
        async with self._db.transaction(system_actor(self._run.org_id)) as tx:
            return await tx.find(Known, _KNOWN, self._names | {"key": key})

    async def keep(self, found: Found) -> None:
        """Keep what was found, unless this sync has already. Raises NotOurs."""
        known = await self.knows(found.key)
        if known is not None and known.is_seen:
            return
        counts = self._run.counts
        counts.seen += 1
        match found:
            case Same():
                counts.unchanged += 1
                await self._write(_SEEN, {"key": found.key, "no_text": NO_TEXT})
            case Lost():
                counts.failed += 1
                await self._lose(found)
            case Taken():
                await self._take(found, known)

    async def drop_gone(self) -> None:
        """Let go of what this sync has not seen, with the documents that stand nowhere else."""
        async with fenced(self._db, self._run) as tx:
            self._run.counts.gone += await tx.run(_GONE, self._names)

    async def _take(self, found: Taken, known: Known | None) -> None:
        counts = self._run.counts
        told: dict[str, object] = {
            "key": found.key, "name": clean_name(found.name), "etag": found.etag, "last_modified": found.last_modified,
            "links": found.links,
        }  # fmt: skip
        if known is not None and known.sha256 is not None and known.sha256 == await _digest(found.data):
            counts.unchanged += 1
            await self._write(_TOLD, told | {"no_text": NO_TEXT})
            return
        try:
            kept = await keep_bytes(self._store, system_actor(self._run.org_id), found.name, _pieces(found.data))
        except CrewhallError as error:
            if error.kind.status >= 500:  # noqa: PLR2004
                raise
            counts.failed += 1
            await self._lose(Lost(found.key, clean_name(found.name), error.detail))
            return
        is_new = known is None or known.sha256 is None
        counts.fresh += is_new
        counts.changed += not is_new
        async with fenced(self._db, self._run) as tx:
            await write_item(tx, self._names | kept | told)

    async def _lose(self, lost: Lost) -> None:
        values = {"id": new_id(), "key": lost.key, "name": clean_name(lost.name), "failure": lost.reason[:1000]}
        await self._write(_LOST, values)

    async def _write(self, sql: LiteralString, values: dict[str, object]) -> None:
        async with fenced(self._db, self._run) as tx:
            await tx.run(sql, self._names | values)


async def keep_bytes(store: FileStore, actor: Actor, name: str, pieces: AsyncIterable[bytes]) -> dict[str, object]:
    """Write bytes to the store; give what `write_item` takes of them, their key there as `blob`.

    Raises TOO_LARGE, INVALID (empty), MISLABELLED, IMAGE_REFUSED, UNAVAILABLE.
    """
    kept = await store.keep_bytes(actor, clean_name(name), pieces)
    return {**kept, "blob": kept["key"]}


async def write_item(tx: Tx, values: dict[str, object]) -> UUID:
    """Keep an item whose bytes `keep_bytes` kept, with its document; gives the item's id.

    `values` are what that gave, and `org`, `source`, `sync`, `key`, `etag`, `last_modified`, `links`.
    """
    await refer_to_bytes(tx, values | {"key": values["blob"]})
    return await write_origin(tx, values)


async def write_origin(tx: Tx, values: dict[str, object]) -> UUID:
    """Keep an item of bytes that the organization has, with its document; gives the item's id."""
    item: UUID = await tx.value(_KEEP, values | {"id": new_id(), "no_text": NO_TEXT})
    known = await tx.value(_DOCUMENT, values | {"document": uuid4()})
    if known is None:
        await tx.run("delete from document_origins where item_id = %(item)s", {"item": item})
    else:
        await tx.run(_ORIGIN, values | {"origin": new_id(), "known": known, "item": item})
        await tx.notify(DOCUMENTS, "")
    return item


async def _digest(data: bytes | Path) -> bytes:
    if isinstance(data, bytes):
        return hashlib.sha256(data).digest()
    with await asyncio.to_thread(data.open, "rb") as file:
        return (await asyncio.to_thread(hashlib.file_digest, file, "sha256")).digest()


async def _pieces(data: bytes | Path) -> AsyncIterator[bytes]:
    if isinstance(data, bytes):
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]
        return
    with await asyncio.to_thread(data.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece
