"""Looking an archive through: everything that an import would read and count, and nothing that it would write."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.conversations import known_records
from crewhall.imports.channels import Place, find_place, names_here
from crewhall.imports.people import NOBODY_YET, match_people, with_everybody
from crewhall.imports.schemas import ImportRow, Report
from crewhall.imports.sequence import portions
from crewhall.imports.slack import SlackChannel, SlackExport
from crewhall.imports.transcript import Somebody, Transcript, authors_of
from crewhall.imports.vocabulary import LeftOut
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database

_CHANNEL: LiteralString = """
insert into import_channels (
    org_id, import_id, external_id, name, type, is_archived, fate, target, conversation_id, messages, fresh)
values (%(org)s, %(import)s, %(external)s, %(name)s, %(type)s, %(archived)s, %(fate)s, %(target)s, %(conversation)s,
        %(messages)s, %(fresh)s)
on conflict (import_id, external_id) do update
set fate = excluded.fate, target = excluded.target, fresh = excluded.fresh
"""


class _Seen(Struct):
    messages: int = 0
    fresh: int = 0


class Looking:
    """Looks one archive through. `alive` is called again and again: it says that the work goes on, or raises."""

    def __init__(self, db: Database, actor: Actor, export: SlackExport, alive: Callable[[], Awaitable[None]]) -> None:
        self._db = db
        self._actor = actor
        self._export = export
        self._alive = alive
        self._report = Report()

    async def look(self, found: ImportRow) -> Report:
        """Count everything, and note what becomes of each channel. Raises ARCHIVE_REFUSED."""
        export, report = self._export, self._report
        async with self._db.transaction(self._actor) as tx:
            known = await match_people(tx, export)
            names = await names_here(tx, self._actor)
        people = with_everybody(export, known)
        report.channels = len(export.channels)
        report.leave_out(LeftOut.DIRECT, export.directs + export.groups)
        for channel in export.channels:
            async with self._db.transaction(self._actor) as tx:
                place = await find_place(tx, self._actor, export, channel, names)
            seen = await self._channel(channel, place, people)
            await self._note(found.id, channel, place, seen)
        report.people = len(people)
        report.matched = sum(1 for one in people.values() if one.handle)
        return report

    async def _channel(self, channel: SlackChannel, place: Place, people: dict[str, Somebody]) -> _Seen:
        channels = {one.id: one.name for one in self._export.channels}
        transcript = Transcript(self._actor.org, self._export, channel.id, people, channels)
        report, seen = self._report, _Seen()
        walk = portions(self._export, channel)
        while items := await asyncio.to_thread(next, walk, None):
            await self._alive()
            for user, name in authors_of(items).items():
                people.setdefault(user, Somebody(NOBODY_YET, name or "Somebody"))
            written = await asyncio.to_thread(transcript.write, items, rendered=False)
            for kind, count in written.found.items():
                setattr(report, kind, getattr(report, kind) + count)
            for reason, count in written.left_out.items():
                report.leave_out(reason, count)
            seen.messages += written.found["messages"] + written.found["replies"]
            if place.is_gone:
                continue
            moments = {record.id: record.at for record in written.records}
            async with self._db.transaction(self._actor) as tx:
                here = await known_records(tx, moments)
            new = [id for id in moments if id not in here]
            late = [id for id in new if place.newest is not None and moments[id] < place.newest]
            report.leave_out(LeftOut.LATE, len(late))
            seen.fresh += len(new) - len(late)
        report.fresh += seen.fresh
        return seen

    async def _note(self, import_id: UUID, channel: SlackChannel, place: Place, seen: _Seen) -> None:
        values = {
            "org": self._actor.org, "import": import_id, "external": channel.id, "name": channel.name[:200],
            "type": "private" if channel.is_private else "public", "archived": channel.is_archived,
            "fate": str(place.fate), "target": place.target, "conversation": place.conversation_id,
            "messages": seen.messages, "fresh": seen.fresh,
        }  # fmt: skip
        async with self._db.transaction(self._actor) as tx:
            await tx.run(_CHANNEL, values)
