"""The journal of a run: each step is recorded before the next is taken, by the run's present attempt alone.

A turn that is taken over reads what is recorded and goes on from there: a request that was answered is not made again,
a call whose result is there is not repeated.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg import errors
from psycopg.types.json import Jsonb

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.runtime.runs import Run, fenced
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


class Spent(msgspec.Struct, frozen=True):
    """What a step adds to its run: requests to the model, tokens, and what they cost, where a price is known."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = None
    currency: str | None = None
    price_id: UUID | None = None


NOTHING = Spent()

# The update locks the run's row: an attempt that takes over waits for it, and reads what it wrote.
_WRITE: LiteralString = """
with mine as (
    update runs
    set requests = requests + %(requests)s, input_tokens = input_tokens + %(input_tokens)s,
        cached_tokens = cached_tokens + %(cached_tokens)s, output_tokens = output_tokens + %(output_tokens)s,
        cost = case when %(cost)s::numeric is null then cost else coalesce(cost, 0) + %(cost)s end,
        currency = coalesce(%(currency)s, currency), seen_seq = coalesce(%(seen_seq)s, seen_seq),
        model = coalesce(%(model)s, model)
    where id = %(run_id)s and attempt = %(attempt)s and status = 'running'
    returning id, org_id, attempt
)
insert into run_steps (run_id, ordinal, org_id, attempt, kind, key, digest, body, duration_ms, cost, currency, price_id)
select id, %(ordinal)s, org_id, attempt, %(kind)s, %(key)s, %(digest)s, %(body)s, %(duration_ms)s, %(cost)s,
       %(currency)s, %(price_id)s
from mine
returning run_id, ordinal, attempt, kind, key, digest, body, duration_ms, created_at
"""


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
        spent: Spent = NOTHING,
        seen_seq: int | None = None,
        model: str | None = None,
    ) -> Step:
        """Record a step in the caller's transaction. Raises FENCED when another attempt has taken over."""
        values = {
            "run_id": self.run.id,
            "attempt": self.run.attempt,
            "ordinal": len(self.steps),
            "kind": str(kind),
            "key": key,
            "digest": digest,
            "body": Jsonb(storable(body)),
            "duration_ms": duration_ms,
            "seen_seq": seen_seq,
            "model": model,
            **msgspec.structs.asdict(spent),
        }
        try:
            step = await tx.find(Step, _WRITE, values)
        except errors.UniqueViolation:
            raise fenced() from None
        if step is None:
            raise fenced()
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


def storable(value: Any) -> Any:
    """The value as JSON that the database takes: text without NUL and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else storable(msgspec.to_builtins(value))
