"""The worker of sources: one timer for the nearest that is due, and none while nothing is.

A source that a process is going through is to be looked at again in a while, which what it writes puts off. Who dies
leaves it due, and another goes on with the same sync: what that has seen is not taken again.
"""

import asyncio
import contextlib
import logging
from uuid import UUID

import msgspec
import psycopg

from crewhall.conversations import FileStore
from crewhall.kernel.actor import system_actor
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.outbound import Outbound
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.knowledge.sources.configs import read_config
from crewhall.knowledge.sources.keeping import Keeping
from crewhall.knowledge.sources.readers import reader_of
from crewhall.knowledge.sources.reading import Cut, Reader
from crewhall.knowledge.sources.run import CHANNEL, NotOurs, Run, claim, end, put_back, put_off
from crewhall.knowledge.sources.settings import SourceSettings
from crewhall.knowledge.sources.vocabulary import SyncOutcome

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 6
"""So often a process may die over a sync. Those that were stopped do not count."""
MOST_RETRIES = 6
"""So often a sync is put off; then it has failed, until it is due or asked for again."""
MOST_BYTES, TIME_S = 16 * 1024 * 1024, 30.0
MOST_TIME_S = 4 * 3600.0
"""How long one process goes through a source."""
SERVER_ERROR = 500
BROKE_OFF = "Going through it broke off again and again. Try again, or make it smaller."
NOT_WANTED = "It is switched off, or its agent is gone."


class _Next(msgspec.Struct):
    org_id: UUID
    id: UUID
    due_in: float


def outbound_of(settings: SourceSettings) -> Outbound:
    """The way out for sources."""
    return Outbound(most_bytes=MOST_BYTES, time_s=TIME_S, private=settings.source_private_hosts.split())


class SourceWorker:
    """Goes through sources of every organization, whichever process is first."""

    def __init__(
        self,
        store: FileStore,
        signals: Signals,
        settings: SourceSettings,
        outbound: Outbound | None = None,
        *,
        most_time_s: float = MOST_TIME_S,
    ) -> None:
        self.settings = settings
        self.outbound = outbound or outbound_of(settings)
        self._store = store
        self._most_time_s = most_time_s
        self._db = store.db
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer = DueTimer("sources", self.look)
        signals.subscribe(CHANNEL, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Go on with what was begun, then wait; the database must be up."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; what was begun goes on in another process, or after the next start."""
        await self._timer.stop()
        await end_tasks(self._tasks)

    async def look(self) -> float | None:
        """Begin whatever is due and has room; gives the seconds until the next, None when nothing ever is."""
        while len(self._tasks) < self.settings.source_syncs_at_once:
            async with self._db.transaction(None) as tx:
                found = await tx.find(_Next, "select * from next_sources(1)")
            if found is None or found.due_in > 0:
                return None if found is None else found.due_in
            async with self._db.transaction(system_actor(found.org_id)) as tx:
                run = await claim(tx, found.id)
            if run is not None:
                task = asyncio.create_task(self.take(run), name=f"source {run.id}")
                self._tasks.add(task)
                task.add_done_callback(self._ended)
        return None  # whoever ends looks again

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._timer.stir()

    async def take(self, run: Run) -> None:
        """Go through a source that was claimed, to its end."""
        about = {"source": str(run.id), "organization": str(run.org_id)}
        try:
            await self._do(run)
        except NotOurs:
            log.info("a source is not ours any more", extra=about)
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(run))
            raise
        except CrewhallError as error:
            if error.kind.status >= SERVER_ERROR:
                await self._put_off(run, error.detail, error.fields.get("wait_s"))
            else:
                await self._end(run, SyncOutcome.FAILED, error.detail)
        except Exception as error:  # noqa: BLE001 - whatever failed is passing, or ends by the count of its tries
            log.warning("a source was put off", extra=about | {"reason": str(error).strip()[:500]})
            await self._put_off(run, "Something failed here. It is tried again.", None)

    async def _do(self, run: Run) -> None:
        if not run.is_wanted:
            await self._end(run, SyncOutcome.FAILED, NOT_WANTED)
            return
        if run.tries > MOST_ATTEMPTS:
            await self._end(run, SyncOutcome.FAILED, BROKE_OFF)
            return
        keeping = Keeping(self._store, run)
        reader = reader_of(run, read_config(run.type, run.config), self.settings, self.outbound)
        cut = await self._keep(reader, keeping)
        if cut is None or not cut.keeps:
            await keeping.drop_gone()
        await self._end(run, SyncOutcome.DONE, cut=cut)

    async def _keep(self, reader: Reader, keeping: Keeping) -> Cut | None:
        """Keep what a reader gives, as long as it may take; gives what was left out."""
        limit = asyncio.timeout(self._most_time_s)
        try:
            async with limit, contextlib.aclosing(reader.read(keeping.knows)) as finding:
                async for found in finding:
                    await keeping.keep(found)
        except TimeoutError:
            if not limit.expired():
                raise
            return Cut(
                f"It took longer than {_in_words(self._most_time_s)}: what was not reached stays as it was.", keeps=True
            )
        return reader.cut

    async def _end(self, run: Run, outcome: SyncOutcome, error: str | None = None, *, cut: Cut | None = None) -> None:
        async with self._db.transaction(system_actor(run.org_id)) as tx:
            await end(tx, run, outcome, error, cut=None if cut is None else cut.reason)

    async def _put_off(self, run: Run, reason: str, wait_s: float | None) -> None:
        if run.retries >= MOST_RETRIES:
            await self._end(run, SyncOutcome.FAILED, reason)
            return
        with contextlib.suppress(psycopg.Error):  # it is due again by itself
            async with self._db.transaction(system_actor(run.org_id)) as tx:
                await put_off(tx, run, reason, run.retries + 1, wait_s)

    async def _leave(self, run: Run) -> None:
        with contextlib.suppress(psycopg.Error):
            async with self._db.transaction(system_actor(run.org_id)) as tx:
                await put_back(tx, run)


def _in_words(seconds: float) -> str:
    return f"{seconds / 3600:g} hours" if seconds >= 3600 else f"{seconds:g} s"  # noqa: PLR2004
