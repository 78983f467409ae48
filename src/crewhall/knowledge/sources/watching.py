"""Watched folders: what changes in one is read within seconds. The system tells of it; nothing is looked at meanwhile.

Every process that goes through sources watches: folders may be mounted in one and not in another. What several notice
together is one sync, since a source waits a moment after it was stirred. What cannot be watched says so, is tried again
ever more seldom, and is read by its schedule.
"""

import asyncio
import contextlib
import errno
import logging
import time
from dataclasses import dataclass, field
from typing import LiteralString
from uuid import UUID

import msgspec
import psycopg

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.knowledge.sources.folders import is_wanted, start_of
from crewhall.knowledge.sources.run import APART, CHANNEL, FOLDERS, ROUND
from crewhall.knowledge.sources.settings import SourceSettings
from crewhall.knowledge.sources.tree import LOST, Tree, Trees

log = logging.getLogger(__name__)
QUIET_S = 0.5
"""What changes within this time is told together."""
FIRST_RETRY_S, LAST_RETRY_S = 5.0, 600.0
AGAIN = "It is read when asked and by its schedule, and watched again as soon as that can be."
TOO_MANY = (
    "There are more folders to watch than this machine allows (fs.inotify.max_user_watches). Whoever runs this "
    f"installation can raise that. {AGAIN}"
)
NO_WAY = f"This system cannot tell of changes. {AGAIN}"
_STIR: LiteralString = """
update agent_knowledge_sources s
set stirred_at = clock_timestamp(),
    look_at = case when s.started_at is not null and s.attempt %% %(round)s > 0 then s.look_at
                   else least(s.look_at, greatest(clock_timestamp() + interval '1 second', s.synced_at + %(apart)s)) end
from agents a
where s.id = any (%(ids)s) and s.enabled and a.org_id = s.org_id and a.id = s.agent_id and a.deleted_at is null
"""
_SAY: LiteralString = """
update agent_knowledge_sources set watch_failure = %(failure)s
where id = %(id)s and watch_failure is distinct from %(failure)s
"""


class Wanted(msgspec.Struct, frozen=True):
    """A folder that is to be watched."""

    org_id: UUID
    id: UUID
    slug: str
    path: str
    patterns: list[str]


@dataclass
class _Watched:
    wanted: Wanted
    tree: Tree | None = None
    retry_s: float = field(default_factory=lambda: FIRST_RETRY_S)
    due: float = 0.0


class FolderWatch:
    """Watches the folders of every organization's sources, for one process."""

    def __init__(self, db: Database, signals: Signals, settings: SourceSettings) -> None:
        self._db = db
        self._settings = settings
        self._trees = Trees(self._changed)
        self._watched: dict[UUID, _Watched] = {}
        self._stirred: set[UUID] = set()
        self._telling: asyncio.Task[None] | None = None
        self._timer = DueTimer("watched folders", self.look)
        signals.subscribe(FOLDERS, lambda _payload: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Watch, where the operator names folders at all and this process goes through sources."""
        if self._settings.source_folders.strip() and self._settings.source_syncs_at_once:
            self._timer.start()

    async def stop(self) -> None:
        """Watch no more."""
        await self._timer.stop()
        if self._telling is not None:
            await end_tasks([self._telling])
        await self._trees.close()

    async def look(self) -> float | None:
        """Watch what is to be watched and is not yet; gives the seconds until something is tried again."""
        async with self._db.transaction(None) as tx:
            wanted = {one.id: one for one in await tx.all(Wanted, "select * from watched_folders()")}
        for gone in [one for one, watched in self._watched.items() if wanted.get(one) != watched.wanted]:
            self._let_go(self._watched.pop(gone))
        for one in wanted.values():
            watched = self._watched.setdefault(one.id, _Watched(one))
            if watched.tree is None and watched.due <= time.monotonic():
                await self._watch(watched)
        waits = [watched.due - time.monotonic() for watched in self._watched.values() if watched.tree is None]
        return max(0.0, min(waits)) if waits else None

    async def _watch(self, watched: _Watched) -> None:
        one = watched.wanted
        try:
            name, _, below = one.path.partition("/")
            start = await asyncio.to_thread(start_of, self._settings.folder(one.slug, name), below)
            watched.tree = await self._trees.watch(one.id, start)
        except CrewhallError as error:
            await self._fail(watched, f"{error.detail} {AGAIN}")
        except (ImportError, RuntimeError):  # another system, or a library of its that has none
            await self._fail(watched, NO_WAY)
        except OSError as error:
            is_limit = error.errno in {errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
            await self._fail(watched, TOO_MANY if is_limit else f"It cannot be watched: {error.strerror}. {AGAIN}")
        else:
            watched.retry_s = FIRST_RETRY_S
            await self._say(one, None)
            self._stir(one.id)  # what changed while nobody watched

    async def _fail(self, watched: _Watched, reason: str) -> None:
        watched.due = time.monotonic() + watched.retry_s
        watched.retry_s = min(watched.retry_s * 2, LAST_RETRY_S)
        await self._say(watched.wanted, reason)

    async def _say(self, one: Wanted, failure: str | None) -> None:
        async with self._db.transaction(system_actor(one.org_id)) as tx:
            await tx.run(_SAY, {"id": one.id, "failure": failure})

    def _let_go(self, watched: _Watched) -> None:
        if watched.tree is not None:
            self._trees.forget(watched.tree)
            watched.tree = None

    def _changed(self, source_id: UUID, path: str | None) -> None:
        """Told of a file, by its path below the folder; None: anything may be other. LOST: the folder is gone."""
        watched = self._watched.get(source_id)
        if watched is None:
            return
        if path is LOST:
            self._let_go(watched)
            watched.due = 0.0
            self._timer.stir()
        if path is None or path is LOST or is_wanted(path, watched.wanted.patterns):
            self._stir(source_id)

    def _stir(self, source_id: UUID) -> None:
        self._stirred.add(source_id)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell(), name="changed folders")

    async def _tell(self) -> None:
        """Have what was stirred gone through, as often as something is."""
        wait_s = QUIET_S
        while self._stirred:
            await asyncio.sleep(wait_s)
            ids, self._stirred = self._stirred, set()
            try:
                await self._ask(ids)
                wait_s = QUIET_S
            except psycopg.Error as error:
                log.warning("changed folders could not be told of", extra={"reason": str(error).strip()})
                self._stirred |= ids
                wait_s = min(wait_s * 2, 30.0)

    async def _ask(self, ids: set[UUID]) -> None:
        by_org: dict[UUID, list[UUID]] = {}
        for one in ids:
            if one in self._watched:
                by_org.setdefault(self._watched[one].wanted.org_id, []).append(one)
        for org_id, stirred in by_org.items():
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                async with self._db.transaction(system_actor(org_id)) as tx:
                    await tx.run(_STIR, {"ids": stirred, "round": ROUND, "apart": APART})
                    await tx.notify(CHANNEL, "")
