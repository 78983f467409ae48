"""The worker of documents: one timer for the nearest that is to be looked at, and none while nothing is.

A document that a process is at work on is to be looked at again in a while, which that process puts off. Who dies
leaves it due, and another goes on where it was: `attempt` lets nothing of the first one in any more. A few are read at
once, and as many embedded beside them, of whichever organizations have the fewest. Where all places are taken, one of
an organization that has several makes way for an organization that has none, and what is merely brought up to date for
what nobody can find yet.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import LiteralString

import psycopg

from crewhall.kernel.actor import system_actor
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.knowledge.chunk_rows import drop_chunks_from
from crewhall.knowledge.indexing import queue_outdated, settle_indexes
from crewhall.knowledge.ingesting import Ingesting, Means
from crewhall.knowledge.limits import KNOWLEDGE_FULL
from crewhall.knowledge.telling import Standing, Telling
from crewhall.knowledge.turns import Stage, Turn, who_makes_way
from crewhall.knowledge.vocabulary import DocumentStatus
from crewhall.knowledge.work import CHANNEL, NotOurs, Work, claim, fail, fenced, put_back, put_off

log = logging.getLogger(__name__)
MOST_ATTEMPTS = 6
"""So often a process may die over a document. Those that were stopped do not count."""
HOLD_S = 30.0
"""A document that is worked on is ours for two minutes; so often that is said anew."""
SERVER_ERROR = 500
_NEXT: LiteralString = "select * from next_documents(1, %(model)s, %(stage)s)"
BROKE_OFF = ("document_broke_off", "Reading it broke off again and again. Try again, or send it in another format.")
UNSTORABLE = ("document_damaged", "It holds something that cannot be stored.")


class DocumentWorker:
    """Makes documents of every organization searchable, whichever process is first."""

    def __init__(self, means: Means, signals: Signals, at_once: int) -> None:
        self._means = means
        self._db = means.db
        self._at_once = at_once
        self._tasks: dict[Stage, dict[asyncio.Task[None], Work]] = {stage: {} for stage in Stage}
        self._yielding: set[asyncio.Task[None]] = set()
        self._is_declared = False
        self._timer = DueTimer("documents", self.look)
        signals.subscribe(CHANNEL, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Go on with what was begun, then wait; the database must be up."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; what was begun goes on in another process, or after the next start."""
        await self._timer.stop()
        await end_tasks([task for tasks in self._tasks.values() for task in tasks])

    async def look(self) -> float | None:
        """Begin whatever is due and has room; gives the seconds until the next, None when nothing ever is."""
        if not self._is_declared:
            await queue_outdated(self._db, self._means.embedder)
            self._is_declared = True
        if not self._at_once:
            return None
        later = [await self._look_at(stage) for stage in Stage]
        if not any(self._tasks.values()):
            await settle_indexes(self._db, self._means.embedder)
        return min((wait for wait in later if wait is not None), default=None)

    async def _look_at(self, stage: Stage) -> float | None:
        """Begin what is due of a stage and has room; gives the seconds until the next of it."""
        while True:
            found = await self._next(stage)
            if found is None or found.due_in > 0:
                return None if found is None else found.due_in
            if len(self._tasks[stage]) >= self._at_once:
                self._make_way(found, self._tasks[stage])
                return None  # whoever ends looks again
            await self._begin(found, stage)

    async def _next(self, stage: Stage) -> Turn | None:
        embedder = self._means.embedder
        model = None if embedder is None else embedder.model.name
        async with self._db.transaction(None) as tx:
            return await tx.find(Turn, _NEXT, {"model": model, "stage": stage})

    def _make_way(self, due: Turn, tasks: dict[asyncio.Task[None], Work]) -> None:
        """Put one of the stage back for another that is due, where that is fair; it goes on later where it was."""
        if not self._yielding & tasks.keys():
            found = who_makes_way(due, list(tasks.values()))
            for task, work in tasks.items():
                if work is found:
                    self._yielding.add(task)
                    task.cancel()

    async def _begin(self, due: Turn, stage: Stage) -> None:
        async with self._db.transaction(system_actor(due.org_id)) as tx:
            work = await claim(tx, due.id)
        if work is not None:
            task = asyncio.create_task(self._take(work), name=f"document {work.id}")
            self._tasks[stage][task] = work
            task.add_done_callback(partial(self._ended, self._tasks[stage]))

    def _ended(self, tasks: dict[asyncio.Task[None], Work], task: asyncio.Task[None]) -> None:
        tasks.pop(task, None)
        if task in self._yielding or not task.cancelled():
            self._yielding.discard(task)
            self._timer.stir()

    async def _take(self, work: Work) -> None:
        about = {"document": str(work.id), "organization": str(work.org_id)}
        try:
            async with self._held(work):
                await self._do(work)
        except NotOurs:
            log.info("a document is not ours any more", extra=about)
        except asyncio.CancelledError:
            await asyncio.shield(self._leave(work))
            raise
        except Exception as error:  # noqa: BLE001 - whatever failed is passing, or ends by the count of its tries
            log.warning("a document was put off", extra=about | {"reason": str(error).strip()[:500]})
            await self._put_off(work)

    async def _do(self, work: Work) -> None:
        if work.tries > MOST_ATTEMPTS:
            await self._fail(work, *BROKE_OFF)
            return
        try:
            if not await Ingesting(self._means, work).run():
                await self._leave(work)
        except CrewhallError as error:
            if error.kind.status >= SERVER_ERROR:
                raise
            await self._fail(work, error.code, error.detail)
        except psycopg.DataError as error:
            log.warning("a document was refused", extra={"document": str(work.id), "reason": str(error).strip()[:500]})
            await self._fail(work, *UNSTORABLE)

    @asynccontextmanager
    async def _held(self, work: Work) -> AsyncIterator[None]:
        """Keep the document ours while the block lasts; who lost it is interrupted with NotOurs."""
        task = asyncio.current_task()
        assert task is not None
        lost = False

        async def hold() -> None:
            nonlocal lost
            while True:
                await asyncio.sleep(HOLD_S)
                try:
                    async with fenced(self._db, work):
                        pass
                except NotOurs:
                    lost = True
                    task.cancel()
                    return
                except psycopg.Error as error:  # it is ours for a while yet
                    log.warning("a document could not be held", extra={"reason": str(error).strip()[:200]})

        holding = asyncio.create_task(hold())
        try:
            yield
        except asyncio.CancelledError:
            if lost and not task.uncancel():
                raise NotOurs from None
            raise
        finally:
            await end_tasks([holding])

    async def _fail(self, work: Work, code: str, failure: str) -> None:
        async with self._db.transaction(system_actor(work.org_id)) as tx:
            is_ours = await fail(tx, work, code, failure)
            if is_ours and code == KNOWLEDGE_FULL.code:
                await drop_chunks_from(tx, work, 0)
        if is_ours:
            telling = Telling(self._db, self._means.live, work.org_id, work.id)
            await telling.say(Standing(status=DocumentStatus.FAILED, failure=failure))

    async def _put_off(self, work: Work) -> None:
        with contextlib.suppress(psycopg.Error):  # it is due again by itself
            async with self._db.transaction(system_actor(work.org_id)) as tx:
                await put_off(tx, work)

    async def _leave(self, work: Work) -> None:
        with contextlib.suppress(psycopg.Error):
            async with self._db.transaction(system_actor(work.org_id)) as tx:
                await put_back(tx, work)
                await tx.notify(CHANNEL, "")
