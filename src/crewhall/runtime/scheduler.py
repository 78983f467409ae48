"""The scheduler: woken when something is to be decided, asleep otherwise.

A wake-up names shards. Who holds a shard's lease decides for every agent in it that something waits for; who does not
looks again when the lease may have lapsed, and only if something still waits then. What may be decided only later sets
one timer, for the nearest. Nothing is asked of the database while nothing waits.
"""

import asyncio
import logging
from collections import defaultdict
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg import Error
from psycopg_pool import PoolTimeout

from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.signals import Signals
from crewhall.runtime.decisions import decide_place
from crewhall.runtime.jobs import prepare_jobs
from crewhall.runtime.leases import LEASE_LOST, TTL_S, Lease, Leases
from crewhall.runtime.places import RELEASED, Place, places_named, shards_named
from crewhall.runtime.runs import TRIGGERS_CHANNEL

log = logging.getLogger(__name__)
BATCH = 200
AT_ONCE = 3
"""Shards that one process decides in side by side: so many connections it takes at most."""
BEHIND_LEASE_S = 0.1
"""How long after another holder's lease may lapse it is looked at again."""
FIRST_RETRY_S, LAST_RETRY_S = 0.25, 5.0
PENDING: LiteralString = """
select shard, org_id, conversation_id, agent_id, due_in from pending_places(%(shard)s, %(size)s)
"""


class _Pending(msgspec.Struct):
    shard: int
    org_id: UUID
    conversation_id: UUID
    agent_id: UUID
    due_in: float


class Scheduler:
    """The decider of one process."""

    def __init__(self, db: Database, signals: Signals, *, region: str = "", lease_s: float = TTL_S) -> None:
        self._db = db
        self._leases = Leases(db, controller := new_id(), region=region, ttl_s=lease_s)
        signals.show_life(controller)
        self._looks: dict[int, float] = {}
        self._named: dict[int, set[Place]] = defaultdict(set)
        self._elsewhere: dict[int, float] = {}
        self._failures: dict[int, int] = defaultdict(int)
        self._everywhere = False
        self._is_prepared = False
        self._turnstile = asyncio.Semaphore(AT_ONCE)
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        signals.follow(db, TRIGGERS_CHANNEL, self._wake)
        signals.on_lost(self._wake_everywhere)

    def start(self) -> None:
        """Decide what waits, then follow."""
        self._wake_everywhere()
        self._task = asyncio.create_task(self._run(), name="turn-scheduler")

    async def stop(self) -> None:
        """Stop, and give the leases back: what waits is decided elsewhere at once."""
        if self._task is None:
            return
        await end_tasks([self._task])
        try:
            shards = await self._leases.release()
            if shards:
                async with self._db.transaction(None) as tx:
                    await tx.notify(TRIGGERS_CHANNEL, RELEASED + ",".join(map(str, shards)))
        except (Error, PoolTimeout, OSError) as error:
            log.warning("leases were not given back: they lapse", extra={"reason": str(error).strip()})

    def _wake(self, payload: str) -> None:
        if payload.startswith(RELEASED):
            for shard in shards_named(payload):
                self._elsewhere.pop(shard, None)
        if places := places_named(payload):
            now = asyncio.get_running_loop().time()
            for place in places:
                if self._elsewhere.get(place.shard, now) > now:
                    self._plan(place.shard, 0)
                else:
                    self._named[place.shard].add(place)
            self._due.set()
            return
        for shard in shards_named(payload):
            self._plan(shard, 0)

    def _wake_everywhere(self) -> None:
        self._everywhere = True
        self._due.set()

    def _plan(self, shard: int, seconds: float) -> None:
        """Look at a shard then, or earlier if that is planned; while another process holds it, behind its lease."""
        at = max(asyncio.get_running_loop().time() + seconds, self._elsewhere.get(shard, 0.0))
        self._looks[shard] = min(at, self._looks.get(shard, at))
        self._due.set()

    async def _run(self) -> None:
        retry = FIRST_RETRY_S
        while True:
            await self._sleep()
            try:
                if self._everywhere:
                    await self._plan_everywhere()
                named, self._named = self._named, defaultdict(set)
                due = set(self._take_due())
                await asyncio.gather(
                    *(self._look(shard, None if shard in due else named[shard]) for shard in due | named.keys())
                )
                retry = FIRST_RETRY_S
            except Exception as error:  # noqa: BLE001 - a scheduler that ended would be missed by nobody, and by all
                log.warning("the scheduler failed", extra={"reason": str(error).strip()})
                await asyncio.sleep(retry)
                retry = min(retry * 2, LAST_RETRY_S)
                self._wake_everywhere()

    async def _sleep(self) -> None:
        """Wait for a wake-up, or the nearest planned look."""
        now = asyncio.get_running_loop().time()
        nearest = min(self._looks.values(), default=None)
        try:
            await asyncio.wait_for(self._due.wait(), None if nearest is None else max(nearest - now, 0))
        except TimeoutError:
            return
        self._due.clear()

    def _take_due(self) -> list[int]:
        now = asyncio.get_running_loop().time()
        due = [shard for shard, at in self._looks.items() if at <= now]
        for shard in due:
            del self._looks[shard]
        return due

    async def _plan_everywhere(self) -> None:
        """Anything may have been missed: plan a look at each shard in which something waits."""
        self._everywhere = False
        async with self._db.transaction(None) as tx:
            nearest = await tx.all(
                _Nearest,
                "select shard, min(due_in) as due_in from pending_places(null, null) group by shard",
            )
        for found in nearest:
            self._plan(found.shard, found.due_in)

    async def _look(self, shard: int, named: set[Place] | None) -> None:
        """Decide what is due in a shard, or plan the next look at it. Never raises.

        `named`: the places of a wake-up, where nothing else is due: nobody need ask which they are.
        """
        try:
            async with self._turnstile:
                if named is None:
                    await self._look_now(shard)
                else:
                    await self._decide(shard, sorted(named, key=lambda place: place.agent_id))
            self._failures.pop(shard, None)
        except Exception as error:  # noqa: BLE001 - whatever failed is tried again, ever more seldom
            self._failures[shard] += 1
            retry = min(FIRST_RETRY_S * 2 ** (self._failures[shard] - 1), LAST_RETRY_S)
            log.warning("a decision failed", extra={"shard": shard, "reason": str(error).strip()})
            self._plan(shard, retry)

    async def _look_now(self, shard: int) -> None:
        pending = await self._pending(shard)
        due = [Place(one.org_id, one.conversation_id, one.agent_id) for one in pending if one.due_in <= 0]
        if len(due) < len(pending):
            self._plan(shard, pending[len(due)].due_in)
        if due and await self._decide(shard, due) and len(due) == BATCH:
            self._plan(shard, 0)

    async def _pending(self, shard: int) -> list[_Pending]:
        async with self._db.transaction(None) as tx:
            return await tx.all(_Pending, PENDING, {"shard": shard, "size": BATCH})

    async def _decide(self, shard: int, due: list[Place]) -> bool:
        """Decide about each place; tells whether this process may decide there.

        A place that fails keeps no other from being decided; the failure is raised afterwards.
        """
        lease = await self._leases.take(shard)
        if not isinstance(lease, Lease):
            self._elsewhere[shard] = asyncio.get_running_loop().time() + lease + BEHIND_LEASE_S
            self._plan(shard, 0)
            return False
        self._elsewhere.pop(shard, None)
        if not self._is_prepared:
            await asyncio.to_thread(prepare_jobs)
            self._is_prepared = True
        failure: Exception | None = None
        for place in due:
            try:
                again = await decide_place(self._db, self._leases, lease, place)
            except CrewhallError as error:
                if error.kind is not LEASE_LOST:
                    failure = error
                    continue
                self._plan(shard, 0)
                return False
            except Exception as error:  # noqa: BLE001 - raised below
                failure = error
                continue
            if again is not None:
                self._plan(shard, again)
        if failure is not None:
            raise failure
        return True


class _Nearest(msgspec.Struct):
    shard: int
    due_in: float
