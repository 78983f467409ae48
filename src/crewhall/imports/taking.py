"""Taking an archive in, channel by channel, each portion in a transaction with the progress that it is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import msgspec
from msgspec import Struct

from crewhall.conversations import FileStore, PastRecord, known_records, render_markdown, take_past
from crewhall.imports.channels import Place, begin_channel, end_channel
from crewhall.imports.people import match_people, settle_people, settle_strangers
from crewhall.imports.schemas import ImportRow, Report
from crewhall.imports.sequence import Item, portions
from crewhall.imports.slack import SlackChannel, SlackExport
from crewhall.imports.transcript import Somebody, Transcript, WantedFile, Written, authors_of, named_only
from crewhall.imports.vocabulary import ChannelFate, LeftOut
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.ports.message_log import MessageLog

BAD_REQUEST, SERVER_ERROR = 400, 500
Fenced = Callable[[Report | None], AbstractAsyncContextManager[Tx]]
"""Opens a transaction that stays only where the work is still ours; a report is kept with it."""
Fetch = Callable[[str], Awaitable[bytes | None]]
"""Gives the bytes that Slack has at an address; None where it gives none."""


class _Channel(Struct):
    external_id: str
    fate: ChannelFate
    fresh: int
    finished: bool


class Taking:
    """Takes one archive in, as the person who started it."""

    def __init__(
        self,
        db: Database,
        log: MessageLog,
        store: FileStore,
        actor: Actor,
        export: SlackExport,
        fenced: Fenced,
        fetch: Fetch,
    ) -> None:
        self._db = db
        self._log = log
        self._store = store
        self._actor = actor
        self._export = export
        self._fenced = fenced
        self._fetch = fetch
        self._people: dict[str, Somebody] = {}

    async def take(self, found: ImportRow) -> Report:
        """Take everything in that is not here yet; what an attempt before has taken stays."""
        report = found.report
        async with self._fenced(report) as tx:
            known = await match_people(tx, self._export)
            self._people = await settle_people(tx, self._actor, self._export, known)
            rows = await tx.all(
                _Channel,
                """
                select external_id, fate, fresh, finished_at is not null as finished from import_channels
                where org_id = any (current_orgs()) and import_id = %(import)s
                """,
                {"import": found.id},
            )
        planned = {row.external_id: row for row in rows}
        for channel in self._export.channels:
            row = planned.get(channel.id)
            if row is not None and not row.finished:
                await self._channel(found, channel, row, report)
        return report

    async def _channel(self, found: ImportRow, channel: SlackChannel, row: _Channel, report: Report) -> None:
        place = await self._begin(found, channel, row, report)
        if place is None or place.conversation_id is None:
            return
        channels = {one.id: one.name for one in self._export.channels}
        walk = portions(self._export, channel)
        while items := await asyncio.to_thread(next, walk, None):
            await self._meet(items, report)
            transcript = Transcript(self._actor.org, self._export, channel.id, self._people, channels)
            written = await asyncio.to_thread(transcript.write, items)
            await self._keep_files(place.conversation_id, written)
            await self._write(found.id, channel, place.conversation_id, written, report)
        async with self._fenced(report) as tx:
            await end_channel(tx, self._actor, self._log, place, channel, self._people)
            await _finish(tx, found.id, channel)

    async def _begin(self, found: ImportRow, channel: SlackChannel, row: _Channel, report: Report) -> Place | None:
        """Where the channel goes; None where there is nothing new of it, so that nothing of it is touched."""
        async with self._fenced(report) as tx:
            known = await tx.value(
                """
                select exists (select from imported_conversations where org_id = any (current_orgs())
                               and source_key = %(key)s and external_id = %(external)s)
                """,
                {"key": self._export.key, "external": channel.id},
            )
            if known and not row.fresh:
                await _finish(tx, found.id, channel)
                return None
            place = await begin_channel(tx, self._actor, self._log, self._export, channel)
            place.fate = row.fate  # an attempt before may have opened it
            await tx.run(
                """
                update import_channels set conversation_id = %(conversation)s, target = %(target)s, begun_at = now()
                where import_id = %(import)s and external_id = %(external)s
                """,
                {
                    "conversation": place.conversation_id, "target": place.target, "import": found.id,
                    "external": channel.id,
                },
            )  # fmt: skip
            return place

    async def _meet(self, items: list[Item], report: Report) -> None:
        """Give a placeholder to whoever wrote and is nobody so far."""
        strangers = {user: name for user, name in authors_of(items).items() if user not in self._people}
        if strangers:
            async with self._fenced(report) as tx:
                self._people |= await settle_strangers(tx, self._actor, self._export, strangers)

    async def _keep_files(self, conversation_id: UUID, written: Written) -> None:
        """Keep the files of messages that are not here yet; one that is refused is named in its message."""
        if not written.files:
            return
        async with self._db.transaction(self._actor) as tx:
            known = await known_records(tx, list(written.files))
        by_id = {record.id: record for record in written.records}
        for message_id in written.files.keys() - known:
            kept = []
            for file in written.files[message_id]:
                async with self._fenced(None):
                    pass
                said = await self._keep_file(conversation_id, file, written)
                if said is None:
                    _name_absent(by_id[message_id], file.name)
                else:
                    written.found["kept_files"] += 1
                    kept.append(said)
            if kept:
                by_id[message_id].metadata = (by_id[message_id].metadata or {}) | {"files": kept}

    async def _keep_file(self, conversation_id: UUID, file: WantedFile, written: Written) -> dict[str, object] | None:
        """What the message says of the file; None where it cannot be had or is refused, which is counted."""
        if file.entry is not None:
            pieces = self._pieces(file.entry)
        else:
            fetched = await self._fetch(file.address or "")
            if fetched is None:
                written.late_left_out[LeftOut.FILE_ABSENT] += 1
                return None
            pieces = _once(fetched)
        try:
            return await self._store.keep_past(self._actor, conversation_id, file.id, file.author, file.name, pieces)
        except CrewhallError as error:
            if BAD_REQUEST <= error.kind.status < SERVER_ERROR:
                written.late_left_out[LeftOut.FILE_REFUSED] += 1
                return None
            raise

    async def _pieces(self, entry: str) -> AsyncIterator[bytes]:
        walk = self._export.pieces(entry)
        while piece := await asyncio.to_thread(next, walk, b""):
            yield piece

    async def _write(
        self, import_id: UUID, channel: SlackChannel, conversation_id: UUID, written: Written, report: Report
    ) -> None:
        """Take a portion in; its numbers are kept in the same transaction."""
        counted = msgspec.structs.replace(report, left_out=dict(report.left_out))
        async with self._fenced(counted) as tx:
            done = await take_past(tx, conversation_id, written.records)
            counted.taken += done.taken
            counted.taken_messages += done.messages
            counted.taken_files += written.found["kept_files"]
            counted.leave_out(LeftOut.LOST, done.lost)
            for reason, count in written.late_left_out.items():
                counted.leave_out(reason, count)
            await tx.run(
                """
                update import_channels set taken = taken + %(taken)s, late = late + %(late)s
                where import_id = %(import)s and external_id = %(external)s
                """,
                {"taken": done.taken, "late": done.late, "import": import_id, "external": channel.id},
            )
        for name in msgspec.structs.asdict(counted):
            setattr(report, name, getattr(counted, name))


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _finish(tx: Tx, import_id: UUID, channel: SlackChannel) -> None:
    await tx.run(
        "update import_channels set finished_at = now() where import_id = %(import)s and external_id = %(external)s",
        {"import": import_id, "external": channel.id},
    )


def _name_absent(record: PastRecord, name: str) -> None:
    line = named_only(name)
    record.content = "\n\n".join(part for part in (record.content, line) if part)
    record.html = "\n".join(part for part in (record.html, render_markdown(line)) if part)
