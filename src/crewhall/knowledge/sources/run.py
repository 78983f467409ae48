"""A source that a process is going through: what it writes stays only while the source is its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.cron import occurrences
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.ids import new_id
from crewhall.knowledge.sources.schemas import Counts
from crewhall.knowledge.sources.vocabulary import SourceType, SyncOutcome

CHANNEL = "crewhall_sources"
"""Notices that a source is to be looked at."""
ROUND = 1000
"""What `attempt` goes on by when its count begins anew, or takes one back: no number comes twice."""
FOLDERS = "crewhall_folders"
"""Notices that other folders are to be watched."""
APART = timedelta(seconds=5)
"""How long a folder that changes all the time is left alone after it was gone through."""
FIRST_WAIT_S, LAST_WAIT_S = 30.0, 3600.0

_CLAIM: LiteralString = """
update agent_knowledge_sources s
set attempt = attempt + 1, look_at = clock_timestamp() + interval '5 minutes', sync_id = coalesce(sync_id, %(sync)s),
    started_at = coalesce(started_at, clock_timestamp()),
    counts = case when started_at is null then '{}' else counts end,
    failure = case when started_at is null then null else failure end
from organizations o, agents a
where s.id = %(id)s and s.look_at <= clock_timestamp() and o.id = s.org_id and a.id = s.agent_id and a.org_id = s.org_id
returning s.id, s.org_id, o.slug, s.agent_id, s.type, s.path, s.config, s.cron, s.timezone, s.sync_id, s.started_at,
          s.attempt, s.retries, s.counts, s.enabled and a.deleted_at is null as is_wanted
"""
_HOLD: LiteralString = """
update agent_knowledge_sources set look_at = clock_timestamp() + interval '5 minutes',
       counts = coalesce(%(counts)s, counts)
where id = %(id)s and attempt = %(attempt)s and sync_id = %(sync)s
"""
_PUT_BACK: LiteralString = """
update agent_knowledge_sources set look_at = clock_timestamp(), attempt = attempt - 1 + %(round)s
where id = %(id)s and attempt = %(attempt)s and sync_id = %(sync)s
"""
_PUT_OFF: LiteralString = """
update agent_knowledge_sources
set look_at = clock_timestamp() + make_interval(secs => %(wait)s), retries = %(retries)s, failure = %(failure)s,
    attempt = (attempt / %(round)s + 1) * %(round)s
where id = %(id)s and attempt = %(attempt)s and sync_id = %(sync)s
"""
_END: LiteralString = """
update agent_knowledge_sources
set sync_id = null, started_at = null, retries = 0, failure = %(failure)s, cut = %(cut)s,
    look_at = case when %(is_wanted)s and stirred_at >= started_at then clock_timestamp() + %(apart)s else %(next)s end,
    attempt = (attempt / %(round)s + 1) * %(round)s,
    synced_at = case when %(failure)s::text is null then clock_timestamp() else synced_at end
where id = %(id)s and attempt = %(attempt)s and sync_id = %(sync)s
"""
_LOG: LiteralString = """
insert into source_syncs (id, org_id, source_id, started_at, outcome, seen, fresh, changed, unchanged, gone, failed,
                          error, cut)
values (%(id)s, %(org)s, %(source)s, %(started)s, %(outcome)s, %(seen)s, %(fresh)s, %(changed)s, %(unchanged)s,
        %(gone)s, %(failed)s, %(error)s, %(cut)s)
"""


class NotOurs(Exception):
    """The sync was called off, or another process took it over."""


class Run(Struct, frozen=True, kw_only=True):
    """A source as it was taken over. `slug` is its organization's; `is_wanted`: it is on, and its agent is there."""

    id: UUID
    org_id: UUID
    slug: str
    agent_id: UUID
    type: SourceType
    path: str
    config: dict[str, Any]
    cron: str | None
    timezone: str | None
    sync_id: UUID
    started_at: datetime
    attempt: int
    retries: int
    counts: Counts
    is_wanted: bool

    @property
    def tries(self) -> int:
        """How many processes have taken it over, this one among them; those that were stopped do not count."""
        return self.attempt % ROUND


def next_sync(cron: str | None, timezone: str | None) -> datetime | None:
    """When a source is due by its schedule; None where it has none, or none comes any more."""
    return None if cron is None or timezone is None else next(occurrences(cron, timezone, utc_now()), None)


async def claim(tx: Tx, source_id: UUID) -> Run | None:
    """Take a source over that is due; None where another was first."""
    return await tx.find(Run, _CLAIM, {"id": source_id, "sync": new_id()})


@asynccontextmanager
async def fenced(db: Database, run: Run) -> AsyncIterator[Tx]:
    """A transaction that is entered only while the source is ours, and keeps it so. Raises NotOurs.

    What `run.counts` is at its end is kept.
    """
    values = {"id": run.id, "attempt": run.attempt, "sync": run.sync_id, "counts": None}
    async with db.transaction(system_actor(run.org_id)) as tx:
        if not await tx.run(_HOLD, values):
            raise NotOurs
        yield tx
        await tx.run(_HOLD, values | {"counts": Jsonb(counted(run.counts))})


def counted(counts: Counts) -> dict[str, int]:
    """Counts as they are kept."""
    return {name: getattr(counts, name) for name in Counts.__struct_fields__}


async def put_back(tx: Tx, run: Run) -> None:
    """Let another go on at once with what this process leaves, which is no attempt that failed."""
    values = {"id": run.id, "attempt": run.attempt, "sync": run.sync_id, "round": ROUND}
    await tx.run(_PUT_BACK, values)
    await tx.notify(CHANNEL, "")


async def put_off(tx: Tx, run: Run, reason: str, retries: int, wait_s: float | None) -> None:
    """Have it gone on with after a while, at the earliest when the other side wants: something passing failed."""
    wait = max(wait_s or 0.0, min(FIRST_WAIT_S * 2.0 ** min(retries - 1, 20), LAST_WAIT_S))
    values = {
        "id": run.id, "attempt": run.attempt, "sync": run.sync_id, "round": ROUND, "wait": wait, "retries": retries,
        "failure": reason[:1000],
    }  # fmt: skip
    await tx.run(_PUT_OFF, values)


async def end(tx: Tx, run: Run, outcome: SyncOutcome, error: str | None = None, *, cut: str | None = None) -> bool:
    """End it, log that, and have it looked at when it is due again; tells whether it was ours to end.

    `cut` says what a limit has left out. What changed since it began is looked at at once.
    """
    values = {
        "id": run.id, "attempt": run.attempt, "sync": run.sync_id, "round": ROUND, "failure": error and error[:1000],
        "cut": cut, "is_wanted": run.is_wanted, "apart": APART,
        "next": next_sync(run.cron, run.timezone) if run.is_wanted else None,
    }  # fmt: skip
    if not await tx.run(_END, values):
        return False
    await log_sync(tx, run, outcome, error, cut=cut)
    return True


async def log_sync(tx: Tx, run: Run, outcome: SyncOutcome, error: str | None = None, *, cut: str | None = None) -> None:
    """Note that a sync has ended, and how."""
    values = {
        "id": run.sync_id, "org": run.org_id, "source": run.id, "started": run.started_at, "outcome": str(outcome),
        "error": error and error[:1000], "cut": cut,
    }  # fmt: skip
    await tx.run(_LOG, values | counted(run.counts))
