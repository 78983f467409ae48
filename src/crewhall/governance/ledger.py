"""The ledger: what a request may cost is held before it is made, and what it took is booked afterwards.

Everything is done by functions of the database (0010_budgets.sql): they lock the run, then the budgets concerned in one
order, so that runs side by side never pass a hard limit together. All take the caller's transaction.
"""

from uuid import UUID

import msgspec

from crewhall.governance.budgets import describe_limit
from crewhall.kernel.db import Tx


class Estimate(msgspec.Struct, frozen=True):
    """What a request may take at most, and of which model."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int


class Taken(msgspec.Struct, frozen=True):
    """What a request took; `cached_tokens` are those of the input that the provider had at hand."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


class Reserved(msgspec.Struct, frozen=True):
    """How a reservation went. `is_fenced`: another attempt has the run; `refusal` says which budget has no room."""

    is_fenced: bool = False
    refusal: str | None = None


class _Outcome(msgspec.Struct):
    outcome: str
    budget_id: UUID | None


async def reserve(tx: Tx, run_id: UUID, attempt: int, key: str, most: Estimate) -> Reserved:
    """Hold what a request of a run may take. `key` names the request within its run."""
    found = await tx.one(
        _Outcome,
        """
        select outcome, budget_id from reserve_spending(
            %(run)s, %(attempt)s, %(key)s, %(provider)s, %(model)s, %(input_tokens)s, %(output_tokens)s, now())
        """,
        {"run": run_id, "attempt": attempt, "key": key, **msgspec.structs.asdict(most)},
    )
    if found.budget_id is not None:
        return Reserved(refusal=await describe_limit(tx, found.budget_id))
    return Reserved(is_fenced=found.outcome == "fenced")


async def release_strays(tx: Tx, run_id: UUID) -> None:
    """Give back what is held for a run that ended, or for attempts of it that another one has followed."""
    await tx.run("select release_strays(%(run)s)", {"run": run_id})


async def release(tx: Tx, run_id: UUID, key: str | None = None) -> None:
    """Give back what is held for one request of a run, or for all of it. The caller has the run's row locked."""
    await tx.run("select release_spending(%(run)s, %(key)s)", {"run": run_id, "key": key})
