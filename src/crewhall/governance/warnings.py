"""Warnings: a soft limit that was reached is told once in its period, in its conversation, else in #alerts.

The ledger marks it in the transaction that reaches it and says NOTIFY; whoever hears tells it. The message bears a
client id of its own, so that it appears once however many hear; what a dying process left is told by the next one.
"""

import asyncio
import logging
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from crewhall.conversations import Posting, PostMessage, escape_markdown
from crewhall.governance import sentences
from crewhall.governance.money import in_words
from crewhall.governance.schemas import BudgetAgent
from crewhall.governance.vocabulary import BudgetPeriod
from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import TOO_MANY_REQUESTS, UNAVAILABLE, CrewhallError
from crewhall.kernel.signals import Signals

log = logging.getLogger(__name__)
CHANNEL = "crewhall_budgets"
"""Carries the organization in which a soft limit was reached."""
PASSING = {UNAVAILABLE.status, TOO_MANY_REQUESTS.status}


class _Due(msgspec.Struct):
    budget_id: UUID
    begins_at: datetime
    warned_at: datetime
    period: BudgetPeriod
    agent: BudgetAgent | None
    is_here: bool
    conversation_id: UUID | None
    money_limit: Decimal | None
    currency: str | None
    token_limit: int | None
    run_limit: int | None
    spent_money: Decimal
    spent_tokens: int
    spent_runs: int


class BudgetWarner:
    """Tells of soft limits that were reached."""

    def __init__(self, db: Database, posting: Posting, signals: Signals) -> None:
        self._db = db
        self._posting = posting
        self._orgs: set[UUID] = set()
        self._everywhere = False
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        signals.subscribe(CHANNEL, self._wake)
        signals.on_lost(self._wake_everywhere)

    def start(self) -> None:
        """Tell what was left untold, then follow."""
        self._wake_everywhere()
        self._task = asyncio.create_task(self._run(), name="budget-warner")

    async def stop(self) -> None:
        """Stop; what is not told yet is told by another process, or later."""
        if self._task is not None:
            await end_tasks([self._task])

    def _wake(self, payload: str) -> None:
        self._orgs.add(UUID(payload))
        self._due.set()

    def _wake_everywhere(self) -> None:
        self._everywhere = True
        self._due.set()

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                if self._everywhere:
                    self._everywhere = False
                    async with self._db.transaction(None) as tx:
                        self._orgs.update(await tx.values("select untold_warnings()"))
                while self._orgs:
                    await self.tell(self._orgs.pop())
            except Exception as error:  # noqa: BLE001 - what was not told now is told with the next, or by the next process
                self._everywhere = True
                log.warning("a warning was not told", extra={"reason": str(error).strip()})

    async def tell(self, org_id: UUID) -> int:
        """Tell what an organization was not told yet; gives how many."""
        actor = system_actor(org_id)
        async with self._db.transaction(actor) as tx:
            due = await _untold(tx, org_id)
        for one in due:
            if one.conversation_id is not None:
                data = PostMessage(
                    content=words(one),
                    client_id=f"budget:{one.budget_id}:{int(one.warned_at.timestamp())}",
                    metadata={"budget_id": str(one.budget_id)},
                )
                try:
                    await self._posting.post(actor, one.conversation_id, data)
                except CrewhallError as error:
                    if error.kind.status in PASSING:
                        raise
                    log.info("a warning found nobody", extra={"budget": str(one.budget_id), "reason": error.detail})
            async with self._db.transaction(actor) as tx:
                await tx.run(
                    """
                    update budget_periods set told_at = now()
                    where budget_id = %(id)s and begins_at = %(begins_at)s and warned_at = %(warned_at)s
                    """,
                    {"id": one.budget_id, "begins_at": one.begins_at, "warned_at": one.warned_at},
                )
        return len(due)


async def _untold(tx: Tx, org_id: UUID) -> list[_Due]:
    return await tx.all(
        _Due,
        """
        select p.budget_id, p.begins_at, p.warned_at, b.period, b.conversation_id is not null as is_here,
               case when a.id is not null then json_build_object('id', a.id, 'code', a.code, 'name', a.name) end
                   as agent,
               coalesce(b.conversation_id, (
                   select c.id from conversations c
                   where c.org_id = b.org_id and c.kind = 'channel' and c.name = 'alerts' and c.deleted_at is null))
                   as conversation_id,
               b.money_limit, b.currency, b.token_limit, b.run_limit, p.spent_money, p.spent_tokens, p.spent_runs
        from budget_periods p join budgets b on b.id = p.budget_id left join agents a on a.id = b.agent_id
        where p.org_id = %(org)s and p.warned_at is not null and p.told_at is null order by p.warned_at, p.budget_id
        """,
        {"org": org_id},
    )


def words(due: _Due) -> str:
    """The warning, as it is posted."""
    whose = sentences.whose(escape_markdown(due.agent.name) if due.agent else None, is_here=due.is_here)
    spent = []
    if due.money_limit is not None and due.currency is not None and due.spent_money >= due.money_limit:
        spent.append(f"{in_words(due.spent_money, due.currency)} of {in_words(due.money_limit, due.currency)}")
    if due.token_limit is not None and due.spent_tokens >= due.token_limit:
        spent.append(f"{due.spent_tokens:,} of {due.token_limit:,} tokens")
    if due.run_limit is not None and due.spent_runs >= due.run_limit:
        spent.append(f"{due.spent_runs:,} of {due.run_limit:,} turn{'s' * (due.run_limit != 1)}")
    which = f"{whose}{sentences.NOW[due.period]}"
    return f"**The budget {which} is used up**: {', '.join(spent)}. It only warns; agents go on."
