"""Budgets: read, opened, changed and closed. What is booked in them is the ledger's.

Whoever changes one holds the ledger alone until the transaction ends, so that no reservation passes a new limit by.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import LiteralString
from uuid import UUID

import msgspec
from msgspec import UNSET

from crewhall.agents import access_agent
from crewhall.conversations import Verb, access_conversation
from crewhall.governance import sentences
from crewhall.governance.money import check_money, in_words
from crewhall.governance.reach import IS_READABLE, PLACE, viewer
from crewhall.governance.schemas import Budget, BudgetAgent, BudgetInput, BudgetPatch, BudgetPlace, Standing
from crewhall.governance.vocabulary import BudgetPeriod, Strictness
from crewhall.identity import Permission, check_permission, is_allowed
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

LIMITS = ("money_limit", "token_limit", "run_limit")
_SELECT: LiteralString = (
    """
select b.id, b.period, b.strictness, b.money_limit, b.currency, b.token_limit, b.run_limit, b.created_at, b.updated_at,
       case when a.id is not null then json_build_object('id', a.id, 'code', a.code, 'name', a.name) end as agent,
       case when c.id is not null then """
    + PLACE
    + """ end as conversation,
       period_begin(b.period, now()) as begins_at, coalesce(p.spent_money, 0)::numeric(20, 6) as spent_money,
       coalesce(p.reserved_money, 0)::numeric(20, 6) as reserved_money, coalesce(p.spent_tokens, 0) as spent_tokens,
       coalesce(p.reserved_tokens, 0) as reserved_tokens, coalesce(p.spent_runs, 0) as spent_runs, p.warned_at
from budgets b
left join budget_periods p on p.budget_id = b.id and p.begins_at = period_begin(b.period, now())
left join agents a on a.id = b.agent_id
left join conversations c on c.id = b.conversation_id
where b.org_id = any (current_orgs()) and b.deleted_at is null
  and (%(sees_all)s or coalesce("""
    + IS_READABLE
    + ", false))"
)


class _Row(msgspec.Struct, kw_only=True):
    id: UUID
    period: BudgetPeriod
    strictness: Strictness
    money_limit: Decimal | None
    currency: str | None
    token_limit: int | None
    run_limit: int | None
    created_at: datetime
    updated_at: datetime
    agent: BudgetAgent | None
    conversation: BudgetPlace | None
    begins_at: datetime
    spent_money: Decimal
    reserved_money: Decimal
    spent_tokens: int
    reserved_tokens: int
    spent_runs: int
    warned_at: datetime | None


class _Limited(msgspec.Struct):
    agent: str | None
    is_here: bool
    period: BudgetPeriod


async def list_budgets(
    tx: Tx,
    actor: Actor,
    *,
    agent_id: UUID | None = None,
    conversation_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Budget]:
    """List budgets with how they stand, the newest first: all to who sees all usage, else of one's conversations.

    Raises NOT_FOUND for an agent or a conversation that the actor may not see.
    """
    size, key = check_limit(limit), decode_cursor(after, UUID)
    if agent_id is not None:
        await access_agent(tx, actor, agent_id)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    rows = await tx.all(
        _Row,
        _SELECT
        + """
          and (%(agent)s::uuid is null or b.agent_id = %(agent)s)
          and (%(conversation)s::uuid is null or b.conversation_id = %(conversation)s)
          and (%(before)s::uuid is null or b.id < %(before)s)
        order by b.id desc limit %(limit)s
        """,
        {
            **viewer(actor),
            "agent": agent_id,
            "conversation": conversation_id,
            "before": key[0] if key else None,
            "limit": size + 1,
        },
    )
    return page_of([_shown(row) for row in rows], size, lambda budget: (budget.id,))


async def get_budget(tx: Tx, actor: Actor, budget_id: UUID) -> Budget:
    """Return a budget with how it stands. Raises NOT_FOUND."""
    found = await tx.find(_Row, _SELECT + " and b.id = %(id)s", {**viewer(actor), "id": budget_id})
    if found is None:
        raise NOT_FOUND("There is no such budget, or it is not for you to see.")
    return _shown(found)


async def open_budget(tx: Tx, actor: Actor, data: BudgetInput) -> Budget:
    """Make a budget; what its period has seen already counts. Raises FORBIDDEN, NOT_FOUND, INVALID."""
    check_permission(actor, Permission.BUDGETS_UPDATE)
    if data.agent_id is not None:
        await access_agent(tx, actor, data.agent_id)
    if data.conversation_id is not None:
        await access_conversation(tx, actor, data.conversation_id, Verb.READ)
    budget_id = new_id()
    values = _checked(msgspec.structs.asdict(data)) | {"id": budget_id, "org": actor.org, "actor": actor.id}
    await tx.run("select hold_ledger(%(org)s, true)", values)
    await tx.run(
        """
        insert into budgets (id, org_id, agent_id, conversation_id, period, strictness, money_limit, currency,
                             token_limit, run_limit, created_by, updated_by)
        values (%(id)s, %(org)s, %(agent_id)s, %(conversation_id)s, %(period)s, %(strictness)s, %(money_limit)s,
                %(currency)s, %(token_limit)s, %(run_limit)s, %(actor)s, %(actor)s)
        """,
        values,
    )
    await tx.run("select open_budget(%(id)s, now())", values)
    made = await get_budget(tx, actor, budget_id)
    await _record(tx, actor, "budget.opened", made)
    return made


async def change_budget(tx: Tx, actor: Actor, budget_id: UUID, data: BudgetPatch) -> Budget:
    """Change a budget's limits; it is counted anew and may warn again. Raises FORBIDDEN, NOT_FOUND, INVALID."""
    check_permission(actor, Permission.BUDGETS_UPDATE)
    await tx.run("select hold_ledger(%(org)s, true)", {"org": actor.org})
    before = await get_budget(tx, actor, budget_id)
    kept = {name: getattr(before, name) for name in (*LIMITS, "currency", "strictness")}
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    if given.get("money_limit", UNSET) is None:
        given["currency"] = None
    values = _checked(kept | given) | {"id": budget_id, "actor": actor.id}
    await tx.run(
        """
        update budgets
        set strictness = %(strictness)s, money_limit = %(money_limit)s, currency = %(currency)s,
            token_limit = %(token_limit)s, run_limit = %(run_limit)s, updated_by = %(actor)s
        where id = %(id)s
        """,
        values,
    )
    await tx.run("select open_budget(%(id)s, now())", values)
    changed = await get_budget(tx, actor, budget_id)
    await _record(tx, actor, "budget.changed", changed, changed=sorted(given))
    return changed


async def close_budget(tx: Tx, actor: Actor, budget_id: UUID) -> None:
    """Let a budget hold no more. Raises FORBIDDEN, NOT_FOUND."""
    check_permission(actor, Permission.BUDGETS_UPDATE)
    await tx.run("select hold_ledger(%(org)s, true)", {"org": actor.org})
    found = await get_budget(tx, actor, budget_id)
    await tx.run(
        "update budgets set deleted_at = now(), updated_by = %(actor)s where id = %(id)s",
        {"id": budget_id, "actor": actor.id},
    )
    await _record(tx, actor, "budget.closed", found)


async def describe_limit(tx: Tx, budget_id: UUID) -> str:
    """What a conversation is told when this budget refuses."""
    found = await tx.one(
        _Limited,
        """
        select a.name as agent, b.conversation_id is not null as is_here, b.period
        from budgets b left join agents a on a.id = b.agent_id where b.id = %(id)s
        """,
        {"id": budget_id},
    )
    return sentences.refusal(found.agent, is_here=found.is_here, period=found.period)


def may_change(actor: Actor) -> bool:
    """Whether the actor may change budgets and prices."""
    return is_allowed(actor, Permission.BUDGETS_UPDATE)


def _checked(values: dict[str, object]) -> dict[str, object]:
    """The values of a budget as they are kept; a limit in money has a currency, and some limit there is."""
    amount = values["money_limit"]
    if all(values[name] is None for name in LIMITS):
        raise INVALID("Give a limit: of money, of tokens or of turns.", field="money_limit")
    if isinstance(amount, Decimal):
        values["money_limit"] = check_money(amount, "money_limit")
        values["currency"] = values["currency"] or "USD"
    elif values["currency"] is not None:
        raise INVALID("A currency belongs to a limit of money: give money_limit as well.", field="currency")
    return {
        name: str(value) if isinstance(value, BudgetPeriod | Strictness) else value for name, value in values.items()
    }


def _shown(row: _Row) -> Budget:
    fields = msgspec.structs.asdict(row)
    standing = Standing(
        begins_at=row.begins_at,
        ends_at=_end(row.period, row.begins_at),
        **{name: fields.pop(name) for name in Standing.__struct_fields__ if name in fields and name != "begins_at"},
    )
    fields.pop("begins_at")
    return Budget(
        **fields,
        label=sentences.label(row.agent, row.conversation, row.period),
        standing=standing,
        is_used_up=_is_used_up(row),
    )


def _is_used_up(row: _Row) -> bool:
    pairs = (
        (row.money_limit, row.spent_money),
        (row.token_limit, row.spent_tokens),
        (row.run_limit, row.spent_runs),
    )
    return any(most is not None and spent >= most for most, spent in pairs)


def _end(period: BudgetPeriod, begins_at: datetime) -> datetime | None:
    begins_at = begins_at.astimezone(UTC)
    match period:
        case BudgetPeriod.DAY:
            return begins_at + timedelta(days=1)
        case BudgetPeriod.MONTH:
            return (begins_at + timedelta(days=32)).replace(day=1)
        case BudgetPeriod.TOTAL:
            return None


async def _record(tx: Tx, actor: Actor, action: str, budget: Budget, **details: object) -> None:
    about = {"label": budget.label, "limits": _limits(budget), "strictness": str(budget.strictness)}
    await audit.record(tx, actor, action, "budget", budget.id, about | details)


def _limits(budget: Budget) -> list[str]:
    said = []
    if budget.money_limit is not None:
        said.append(in_words(budget.money_limit, budget.currency or "USD"))
    if budget.token_limit is not None:
        said.append(f"{budget.token_limit} tokens")
    if budget.run_limit is not None:
        said.append(f"{budget.run_limit} turn{'s' * (budget.run_limit != 1)}")
    return said
