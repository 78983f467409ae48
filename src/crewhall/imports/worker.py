"""The worker of imports: one timer for the nearest that is to be looked at, and none while nothing is.

An import that a process is at work on is to be looked at again in a while: what that process writes puts it off. Who
dies leaves it due, and another goes on where it was: `attempt` lets nothing of the first one in any more.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString
from uuid import UUID

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from crewhall.conversations import FileStore, end_past, forget_stray
from crewhall.identity import Permission, find_actor, is_allowed
from crewhall.imports.actions import CHANNEL, fail_import
from crewhall.imports.queries import COLUMNS
from crewhall.imports.schemas import ImportRow, Report
from crewhall.imports.vocabulary import ImportStatus
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.ports.message_log import MessageLog

if TYPE_CHECKING:
    from crewhall.imports.slack import SlackExport

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 12
"""So often a process may die over an import. Those that were stopped do not count."""
ROUND = 1000
"""What `attempt` goes on by when its count begins anew, or takes one back: no number comes twice, so that nobody who
stood still meanwhile is let in. What is left of it after thousands is the count."""
ALIVE_BYTES = 64 * 1024 * 1024
"""After so much of an archive has come it is said that the work goes on."""
NO_RIGHT = "Whoever started it may not import any more."
BROKE_OFF = "It broke off again and again. Bring the archive again: what was taken stays as it is."
UNSTORABLE = "It holds something that cannot be stored."
SERVER_ERROR = 500

_CLAIM: LiteralString = """
update imports set attempt = attempt + 1, look_at = clock_timestamp() + interval '2 minutes'
where id = %(id)s and look_at <= clock_timestamp()
"""
_ALIVE: LiteralString = """
update imports set look_at = clock_timestamp() + interval '2 minutes', report = coalesce(%(report)s, report)
where id = %(id)s and attempt = %(attempt)s and status in ('reading', 'running')
"""


class _Next(msgspec.Struct):
    org_id: UUID
    id: UUID
    due_in: float


class _Work(msgspec.Struct, frozen=True):
    """An import that this process is at work on."""

    org_id: UUID
    found: ImportRow

    @property
    def id(self) -> UUID:
        return self.found.id


class NotOurs(Exception):
    """The import was called off, or another process took it over."""


class ImportWorker:
    """Looks archives through and takes them in, of every organization, whichever process is first."""

    def __init__(self, db: Database, message_log: MessageLog, store: FileStore, signals: Signals) -> None:
        self._db = db
        self._log = message_log
        self._store = store
        self._timer = DueTimer("imports", self.look)
        signals.subscribe(CHANNEL, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Go on with what was begun, then wait; the database must be up."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; what was begun goes on in another process, or after the next start."""
        await self._timer.stop()

    async def look(self) -> float | None:
        """Do everything that is due; gives the seconds until the next, None when nothing ever is."""
        while True:
            async with self._db.transaction(None) as tx:
                found = await tx.find(_Next, "select * from next_imports(1)")
            if found is None or found.due_in > 0:
                return None if found is None else found.due_in
            await self._claim(found)

    async def _claim(self, due: _Next) -> None:
        async with self._db.transaction(system_actor(due.org_id)) as tx:
            if not await tx.run(_CLAIM, {"id": due.id}):
                return
            found = await tx.one(ImportRow, COLUMNS + " and id = %(id)s", {"id": due.id})
            actor = await find_actor(tx, due.org_id, found.created_by)
        work = _Work(due.org_id, found)
        try:
            await self._do(work, actor)
        except NotOurs:
            log.info("an import is not ours any more", extra={"import": str(due.id)})
        except asyncio.CancelledError:
            await asyncio.shield(self._put_back(work))
            raise

    async def _do(self, work: _Work, actor: Actor | None) -> None:
        found = work.found
        if found.status not in {ImportStatus.READING, ImportStatus.RUNNING}:
            await self._settle(work)
        elif actor is None or not is_allowed(actor, Permission.CONVERSATIONS_IMPORT):
            await self._fail(work, NO_RIGHT)
        elif found.attempt % ROUND > MOST_ATTEMPTS:
            await self._fail(work, BROKE_OFF)
        else:
            try:
                await self._with_archive(work, actor)
            except CrewhallError as error:
                if error.kind.status >= SERVER_ERROR:
                    raise
                await self._fail(work, error.detail)
            except psycopg.DataError as error:
                log.warning("an import was refused", extra={"import": str(found.id), "reason": str(error).strip()})
                await self._fail(work, UNSTORABLE)

    async def _with_archive(self, work: _Work, actor: Actor) -> None:
        # Imported when first used: nobody imports all the time.
        import tempfile

        from crewhall.imports.archive import Archive
        from crewhall.imports.slack import MARKER, SlackExport

        with tempfile.TemporaryDirectory(prefix="crewhall-import-") as folder:
            path = Path(folder) / "archive.zip"
            await self._fetch(work, actor, path)
            archive = await asyncio.to_thread(Archive, path, MARKER)
            try:
                export = await asyncio.to_thread(SlackExport, archive)
                if work.found.status is ImportStatus.READING:
                    await self._read(work, actor, export)
                else:
                    await self._take(work, actor, export)
            finally:
                archive.close()

    async def _fetch(self, work: _Work, actor: Actor, path: Path) -> None:
        said = 0
        with path.open("wb") as file:
            async for piece in self._store.blobs.read(work.found.blob_key):
                await asyncio.to_thread(file.write, piece)
                if file.tell() - said > ALIVE_BYTES:
                    said = file.tell()
                    await self._say_alive(work, actor)

    async def _read(self, work: _Work, actor: Actor, export: "SlackExport") -> None:
        from crewhall.imports.looking import Looking

        report = await Looking(self._db, actor, export, lambda: self._say_alive(work, actor)).look(work.found)
        async with self._fenced(work, actor, report) as tx:
            await tx.run(
                "update imports set source_key = %(key)s where id = %(id)s", {"id": work.id, "key": export.key}
            )
        await self._end(work, actor, ImportStatus.READY)

    async def _take(self, work: _Work, actor: Actor, export: "SlackExport") -> None:
        from crewhall.imports.fetching import SlackFiles
        from crewhall.imports.taking import Taking

        taking = Taking(
            self._db, self._log, self._store, actor, export, lambda kept: self._fenced(work, actor, kept),
            SlackFiles(self._store.settings.document_mb).fetch,
        )  # fmt: skip
        await taking.take(work.found)
        await self._end(work, actor, ImportStatus.DONE)

    async def _end(self, work: _Work, actor: Actor, status: ImportStatus) -> None:
        async with self._db.transaction(actor) as tx:
            ended = await tx.run(
                """
                update imports set status = %(status)s, attempt = (attempt / %(round)s + 1) * %(round)s, look_at = null,
                       finished_at = case when %(status)s = 'done' then now() end
                where id = %(id)s and attempt = %(attempt)s and status in ('reading', 'running')
                """,
                {"id": work.id, "attempt": work.found.attempt, "status": str(status), "round": ROUND},
            )
            if not ended:
                raise NotOurs
            if status is ImportStatus.DONE:
                await forget_stray(tx, work.found.blob_key)
                await audit.record(tx, actor, "import.finished", "import", work.id, {"name": work.found.name})

    @asynccontextmanager
    async def _fenced(self, work: _Work, actor: Actor, report: Report | None) -> AsyncIterator[Tx]:
        """A transaction that commits only while the import is ours; the report is kept as it is at its end."""
        async with self._db.transaction(actor) as tx:
            yield tx
            kept = None if report is None else Jsonb(msgspec.to_builtins(report))
            if not await tx.run(_ALIVE, {"id": work.id, "attempt": work.found.attempt, "report": kept}):
                raise NotOurs

    async def _say_alive(self, work: _Work, actor: Actor) -> None:
        async with self._fenced(work, actor, None):
            pass

    async def _put_back(self, work: _Work) -> None:
        """Let another go on at once with what this process leaves, which is no attempt that failed."""
        async with self._db.transaction(system_actor(work.org_id)) as tx:
            await tx.run(
                """
                update imports set look_at = now(), attempt = attempt - 1 + %(round)s
                where id = %(id)s and attempt = %(attempt)s and look_at is not null
                """,
                {"id": work.id, "attempt": work.found.attempt, "round": ROUND},
            )
            await tx.notify(CHANNEL, "")

    async def _fail(self, work: _Work, failure: str) -> None:
        async with self._db.transaction(system_actor(work.org_id)) as tx:
            await fail_import(tx, work.found, failure)
        await self._settle(work)

    async def _settle(self, work: _Work) -> None:
        """Open what an import that has ended had closed, and look at it no more."""
        system = system_actor(work.org_id)
        async with self._db.transaction(system) as tx:
            closed = await tx.values(
                """
                select c.id from import_channels i join conversations c on c.id = i.conversation_id
                where i.org_id = %(org)s and i.import_id = %(id)s and i.begun_at is not null and i.finished_at is null
                  and c.status <> 'archived' and c.deleted_at is null
                """,
                {"org": work.org_id, "id": work.id},
            )
            for conversation_id in closed:
                await end_past(tx, system, self._log, conversation_id, [])
            await tx.run(
                """
                update imports set look_at = null, finished_at = coalesce(finished_at, now())
                where id = %(id)s and status in ('canceled', 'failed', 'done')
                """,
                {"id": work.id},
            )
