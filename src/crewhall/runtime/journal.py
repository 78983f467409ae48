"""The journal of a run: each step is recorded before the next is taken, by the run's present attempt alone.

A turn that is taken over reads what is recorded and goes on from there: a request that was answered is not made again,
a call whose result is there is not repeated.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg import errors
from psycopg.types.json import Jsonb

from crewhall.governance import Taken
from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.runtime.runs import Run, fenced
from crewhall.runtime.storable import as_json
from crewhall.runtime.vocabulary import StepKind


class Step(msgspec.Struct, kw_only=True):
    """A recorded step. `key` says which request or call it belongs to, `digest` what exactly was asked."""

    run_id: UUID
    ordinal: int
    attempt: int
    kind: StepKind
    key: str | None
    digest: bytes | None
    body: dict[str, Any]
    duration_ms: int | None
    created_at: datetime


_SPENT: LiteralString = "with spent as materialized (select "
_NOTHING: LiteralString = "null::numeric as cost, null::text as currency, null::uuid as price_id"
_SETTLED: LiteralString = """
f.cost, f.currency, f.price_id
from settle_spending(%(run_id)s, %(attempt)s, %(key)s, %(input_tokens)s, %(cached_tokens)s, %(output_tokens)s) f
"""
_COUNT: LiteralString = """,
        requests = r.requests + 1, input_tokens = r.input_tokens + %(input_tokens)s,
        cached_tokens = r.cached_tokens + %(cached_tokens)s, output_tokens = r.output_tokens + %(output_tokens)s,
        cost = case when s.cost is null then r.cost else coalesce(r.cost, 0) + s.cost end,
        currency = coalesce(s.currency, r.currency), model = %(model)s
"""


_MINE: LiteralString = """), mine as (
    update runs r set seen_seq = coalesce(%(seen_seq)s, r.seen_seq)
"""
_STEP: LiteralString = """
    from spent s
    where r.id = %(run_id)s and r.attempt = %(attempt)s and r.status = 'running'
    returning r.id, r.org_id, r.attempt, s.cost, s.currency, s.price_id
)
insert into run_steps (run_id, ordinal, org_id, attempt, kind, key, digest, body, duration_ms, cost, currency, price_id)
select id, %(ordinal)s, org_id, attempt, %(kind)s, %(key)s, %(digest)s, %(body)s, %(duration_ms)s, cost, currency,
       price_id
from mine
returning created_at
"""
# The update locks the run's row: an attempt that takes over waits for it, and reads what it wrote.
_WRITE: LiteralString = _SPENT + _NOTHING + _MINE + _STEP
_WRITE_ANSWER: LiteralString = _SPENT + _SETTLED + _MINE + _COUNT + _STEP


class Journal:
    """The steps of one run, as its present attempt knows them."""

    def __init__(self, db: Database, run: Run, steps: list[Step]) -> None:
        self._db = db
        self.run = run
        self.steps = steps
        self._found = {(step.kind, step.key): step for step in steps}

    def find(self, kind: StepKind, key: str | None = None) -> Step | None:
        """Return the recorded step of that kind and key, the latest where there are several."""
        return self._found.get((kind, key))

    @asynccontextmanager
    async def transaction(self, *, lazily: bool = False) -> AsyncIterator[Tx]:
        """Open a transaction within the run's organization: a step is recorded in it with what belongs to it.

        `lazily`: what is done again after a power cut need not wait for the disk: a context, a request, its answer, an
        end behind the answer's post. What comes next and does wait, a call that is made or the post, takes it along.
        """
        async with self._db.transaction(system_actor(self.run.org_id), lazily=lazily) as tx:
            yield tx

    async def write(self, kind: StepKind, body: dict[str, Any], **about: Any) -> Step:
        """Record a step in a transaction of its own; see `write_in`."""
        async with self.transaction() as tx:
            return await self.write_in(tx, kind, body, **about)

    async def write_in(
        self,
        tx: Tx,
        kind: StepKind,
        body: dict[str, Any],
        *,
        key: str | None = None,
        digest: bytes | None = None,
        duration_ms: int | None = None,
        seen_seq: int | None = None,
        took: Taken | None = None,
        model: str | None = None,
    ) -> Step:
        """Record a step in the caller's transaction. Raises FENCED when another attempt has taken over.

        `took`: what the request `key` took, by which `model`: booked in the place of what was held for it, and counted.
        """
        kept = as_json(body)
        told: dict[str, Any] = {
            "run_id": self.run.id,
            "attempt": self.run.attempt,
            "ordinal": len(self.steps),
            "kind": str(kind),
            "key": key,
            "digest": digest,
            "duration_ms": duration_ms,
        }
        values = told | {"body": Jsonb(kept, dumps=bytes), "seen_seq": seen_seq, "model": model}
        sql = _WRITE
        if took is not None:
            sql, values = _WRITE_ANSWER, values | msgspec.structs.asdict(took)
        try:
            created_at = await tx.value(sql, values)
        except errors.UniqueViolation:
            raise fenced() from None
        if created_at is None:
            raise fenced()
        step = Step(**told | {"kind": kind}, body=msgspec.json.decode(kept), created_at=created_at)
        self.steps.append(step)
        self._found[step.kind, step.key] = step
        return step


async def open_journal(db: Database, tx: Tx, run: Run) -> Journal:
    """Read what earlier attempts of a run recorded; the caller has just claimed the run."""
    if run.attempt == 1:
        return Journal(db, run, [])
    steps = await tx.all(
        Step,
        """
        select run_id, ordinal, attempt, kind, key, digest, body, duration_ms, created_at
        from run_steps where run_id = %(id)s order by ordinal
        """,
        {"id": run.id},
    )
    return Journal(db, run, steps)
