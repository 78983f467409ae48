"""Presence: a heartbeat or an open socket says that an agent is there; silence makes it offline.

A heartbeat is good for a fixed time, kept in the row, so every process reads the same presence at any moment. This
process watches the agents that it heard from, sleeps until the next of them is due, and tells what changed.

When an agent's last socket here closes, what is left of its time is cut to a short grace, and the other processes are
told: whichever holds a socket of it, or heard a heartbeat that is still good, renews it before the grace is over.
"""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from msgspec import Struct
from psycopg import Error
from psycopg_pool import PoolClosed, PoolTimeout

from crewhall.agents.vocabulary import Presence, Visibility
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import FORBIDDEN
from crewhall.kernel.signals import Signals

log = logging.getLogger(__name__)
CHANNEL = "crewhall_presence"
RETRY_S = 5.0
SLACK_S = 0.05


class PresenceChange(Struct, frozen=True):
    """An agent's presence changed."""

    org_id: UUID
    agent_id: UUID
    name: str
    visibility: Visibility
    presence: Presence


class _Heard(Struct):
    """What this process heard of an agent: when that was written, when it must be looked at, how far a beat carries."""

    actor: Actor
    presence: Presence
    written_at: float
    due: float
    beat_until: float


class _Written(Struct):
    name: str
    visibility: Visibility
    before: Presence


class _Due(Struct):
    id: UUID
    name: str
    visibility: Visibility
    remaining: float | None


class PresenceWatch:
    """The presence of the agents that speak to this process."""

    def __init__(
        self,
        db: Database,
        *,
        timeout_s: float,
        write_every_s: float,
        grace_s: float,
        on_change: Callable[[PresenceChange], None],
        signals: Signals | None = None,
    ) -> None:
        self._db = db
        self.timeout_s = timeout_s
        self._write_every = min(write_every_s, timeout_s / 3)
        self._grace_s = grace_s
        self._on_change = on_change
        self._heard: dict[UUID, _Heard] = {}
        self._held: Counter[UUID] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._checking: asyncio.Task[None] | None = None
        self._sign = str(uuid4())
        if signals:
            signals.subscribe(CHANNEL, self._on_released)
            signals.on_lost(self._renew_all)

    async def touch(self, actor: Actor, presence: Presence) -> None:
        """Note a heartbeat: the agent is there for `timeout_s` from now, or says by `offline` that it goes.

        An unchanged presence is written at most every so often; a changed one at once, and told to `on_change`.
        """
        await self._note(actor, presence, beat_until=time.monotonic() + self.timeout_s)

    async def say(self, actor: Actor, presence: Presence) -> None:
        """Note what an agent says on its open socket: how it is, not for how long. See `touch`."""
        if not self._held[actor.id]:
            return
        await self._note(actor, presence, beat_until=self._beat_until(actor.id))
        if not self._held[actor.id]:  # it closed while this was written
            await self._release(actor)

    @asynccontextmanager
    async def held(self, actor: Actor) -> AsyncIterator[None]:
        """Keep the agent there while the block runs: an open socket needs no heartbeats. Then it has a short grace."""
        self._held[actor.id] += 1
        try:
            await self._note(actor, Presence.ONLINE, beat_until=self._beat_until(actor.id), anew=True)
            yield
        finally:
            self._held[actor.id] -= 1
            if not self._held[actor.id]:
                del self._held[actor.id]
                await self._release(actor)

    def _beat_until(self, agent_id: UUID) -> float:
        heard = self._heard.get(agent_id)
        return heard.beat_until if heard else 0.0

    async def _note(self, actor: Actor, presence: Presence, *, beat_until: float, anew: bool = False) -> None:
        """Note a presence, held or beating; write it when it changed, when that is long ago, or `anew`."""
        if actor.type is not ActorType.AGENT:
            raise FORBIDDEN("Only agents have a presence.")
        heard, now = self._heard.get(actor.id), time.monotonic()
        if heard and heard.presence is presence and now - heard.written_at < self._write_every and not anew:
            heard.beat_until = beat_until
            return
        held = self._held[actor.id] > 0
        lasts = self.timeout_s if held else max(beat_until - now, 0)
        written = await self._write(actor, presence, lasts)
        if written is None or presence is Presence.OFFLINE:
            self._heard.pop(actor.id, None)
        else:
            due = now + (lasts / 2 if held else lasts)
            self._heard[actor.id] = _Heard(actor, presence, now, due, beat_until)
            self._set_timer(due)
        if written and written.before is not presence:
            self._tell(actor.org, actor.id, written.name, written.visibility, presence)

    async def _release(self, actor: Actor) -> None:
        """Cut the agent's time to the grace, or to what a heartbeat still gives it; others may know better."""
        heard = self._heard.get(actor.id)
        if heard is None:
            return
        now = time.monotonic()
        lasts = max(min(self._grace_s, self.timeout_s), heard.beat_until - now)
        try:
            await self._cut(actor, lasts)
        except (Error, PoolTimeout, PoolClosed, OSError) as error:
            log.warning("a closed socket is noticed by its silence only", extra={"reason": str(error).strip()})
            return
        if self._heard.get(actor.id) is heard and not self._held[actor.id]:
            heard.written_at = -self.timeout_s  # whatever it says next is news
            heard.due = now + lasts
            self._set_timer(heard.due)

    def _on_released(self, payload: str) -> None:
        """Renew an agent that another process let go, where it is known to be there."""
        agent_id, _, sign = payload.partition(" ")
        if sign != self._sign:
            self._renew(UUID(agent_id))

    def _renew_all(self) -> None:
        """Some releases may have been missed."""
        for agent_id in list(self._heard):
            self._renew(agent_id)

    def _renew(self, agent_id: UUID) -> None:
        heard = self._heard.get(agent_id)
        if heard and (self._held[agent_id] or heard.beat_until > time.monotonic()):
            heard.due = time.monotonic()
            self._set_timer(heard.due)

    async def close(self) -> None:
        """Stop watching; agents stay as they are until their heartbeat runs out."""
        if self._timer:
            self._timer.cancel()
        if self._checking:
            await end_tasks([self._checking])
        self._heard.clear()

    @property
    def sleeping(self) -> bool:
        """Whether nothing at all is pending."""
        return self._timer is None and (self._checking is None or self._checking.done())

    async def _cut(self, actor: Actor, lasts: float) -> None:
        async with self._db.transaction(actor) as tx:
            await tx.run(
                """
                update agents set presence_until = least(presence_until, now() + make_interval(secs => %(lasts)s))
                where id = %(id)s and org_id = any (current_orgs()) and presence_until > now()
                """,
                {"id": actor.id, "lasts": lasts},
            )
            await tx.notify(CHANNEL, f"{actor.id} {self._sign}")

    async def _write(self, actor: Actor, presence: Presence, lasts: float) -> _Written | None:
        async with self._db.transaction(actor) as tx:
            return await tx.find(
                _Written,
                """
                with old as (
                    select a.id, presence_of(a) as presence from agents a
                    where a.id = %(id)s and a.org_id = any (current_orgs()) and a.deleted_at is null
                    for no key update of a)
                update agents a set presence = %(presence)s,
                    last_heartbeat_at = case when %(presence)s = 'offline' then a.last_heartbeat_at else now() end,
                    presence_until = case when %(presence)s = 'offline' then null
                                          else now() + make_interval(secs => %(lasts)s) end
                from old where a.id = old.id
                returning a.name, a.visibility, old.presence as before
                """,
                {"id": actor.id, "presence": str(presence), "lasts": lasts},
            )

    def _set_timer(self, due: float) -> None:
        """Wake when that is due, unless something is due before."""
        if self._timer and self._timer_due <= due:
            return
        if self._timer:
            self._timer.cancel()
        self._timer_due = due
        delay = max(due - time.monotonic(), 0) + SLACK_S
        self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = None
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check(), name="presence")

    async def _check(self) -> None:
        """Renew who holds a socket or beats; ask the table about the others: another process may have heard them."""
        now = time.monotonic()
        due: dict[UUID, list[UUID]] = defaultdict(list)
        try:
            for agent_id, heard in list(self._heard.items()):
                if heard.due <= now and (self._held[agent_id] or heard.beat_until > now):
                    await self._note(heard.actor, heard.presence, beat_until=heard.beat_until, anew=True)
                elif heard.due <= now:
                    due[heard.actor.org].append(agent_id)
            for org, ids in due.items():
                await self._check_org(org, ids)
        except (Error, PoolTimeout, PoolClosed, OSError) as error:
            log.warning("presence is not known", extra={"reason": str(error).strip()})
            self._set_timer(time.monotonic() + RETRY_S)
            return
        if self._heard:
            self._set_timer(min(heard.due for heard in self._heard.values()))

    async def _check_org(self, org: UUID, ids: list[UUID]) -> None:
        async with self._db.transaction(system_actor(org)) as tx:
            rows = await tx.all(
                _Due,
                """
                select a.id, a.name, a.visibility,
                       extract(epoch from a.presence_until - now())::float8 as remaining
                from agents a where a.org_id = any (current_orgs()) and a.id = any (%(ids)s) and a.deleted_at is null
                """,
                {"ids": ids},
            )
        now, found = time.monotonic(), {row.id: row for row in rows}
        for agent_id in ids:
            heard, row = self._heard.get(agent_id), found.get(agent_id)
            if heard is None or heard.due > now:  # heard from again meanwhile
                continue
            if row and row.remaining is not None and row.remaining > 0:
                heard.due = now + row.remaining
                continue
            del self._heard[agent_id]
            if row and row.remaining is not None:
                self._tell(org, agent_id, row.name, row.visibility, Presence.OFFLINE)

    def _tell(self, org: UUID, agent_id: UUID, name: str, visibility: Visibility, presence: Presence) -> None:
        self._on_change(PresenceChange(org, agent_id, name, visibility, presence))
