"""Deciding: one transaction per agent and conversation, under the lease of its shard.

Every decision is a row; to wait for the same reason again is none. What is decided for good takes its trigger away,
what speaks makes one run, in the same transaction.
"""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.governance import take_rate
from crewhall.kernel.actor import ActorType, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.ids import new_id
from crewhall.runtime.guard import behalf_of
from crewhall.runtime.leases import Lease, Leases
from crewhall.runtime.places import Place
from crewhall.runtime.policy import FROM_MESSAGES, Decision, Situation, Trigger, decide, leading
from crewhall.runtime.runs import NewRun, insert_run
from crewhall.runtime.situations import read_situation
from crewhall.runtime.unanswered import note_answers
from crewhall.runtime.vocabulary import Cause, Outcome, Reason

DECIDED_CHANNEL = "crewhall_decided"
"""Carries the shard in which something was decided that somebody may wait for (`WAITED_FOR`)."""
WAITED_FOR = frozenset({Cause.API, Cause.QUICK_TASK, Cause.RUN_NOW})
RECORD: LiteralString = """
with settled as (delete from turn_triggers where agent_id = %(agent)s and id = any (%(settled)s))
insert into turn_decisions (id, org_id, conversation_id, agent_id, outcome, reason, cause, author_type, author_id,
                            message_id, message_seq, run_id, until, epoch)
select d.id, %(org)s, %(conversation)s, %(agent)s, d.outcome, d.reason, d.cause, d.author_type, d.author_id,
       d.message_id, d.message_seq, d.run_id, d.until, %(epoch)s
from jsonb_to_recordset(%(rows)s) as d (
    id uuid, outcome text, reason text, cause text, author_type text, author_id uuid, message_id uuid,
    message_seq bigint, run_id uuid, until timestamptz)
"""
POSTPONE: LiteralString = """
update turn_triggers t
set waits_for = w.reason, due_at = coalesce(w.until, 'infinity')
from jsonb_to_recordset(%(rows)s) as w (trigger_id uuid, reason text, until timestamptz)
where t.agent_id = %(agent)s and t.id = w.trigger_id
"""
ROOT: LiteralString = """
with said as (
    select r.id, r.author_id, r.conversation_id,
           substring(r.client_id from '^run:([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})')::uuid as run_id,
           substring(r.client_id from '^answer:([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$')::uuid as answered_id
    from message_records r where r.id = %(id)s and r.author_type = 'agent'
)
select x.exchange_id from said s join runs x on x.conversation_id = s.conversation_id and x.agent_id = s.author_id
where x.id = coalesce(s.run_id, (
    select d.run_id from turn_decisions d
    where d.conversation_id = s.conversation_id and d.agent_id = s.author_id and d.message_id = s.answered_id
      and d.outcome = 'speak' order by d.id desc limit 1))
"""
"""The exchange that a message of an agent belongs to: of the run that posted it, or that told the agent to answer."""


class _Row(msgspec.Struct, kw_only=True):
    id: UUID
    trigger_id: UUID
    outcome: Outcome
    reason: Reason
    cause: str
    author_type: str
    author_id: UUID
    message_id: UUID | None
    message_seq: int
    run_id: UUID | None
    until: datetime | None


async def decide_place(db: Database, leases: Leases, lease: Lease, place: Place) -> float | None:
    """Decide about everything that waits for an agent in a conversation.

    Returns the seconds until it must be looked at again, None when nothing waits for a time. Raises LEASE_LOST.
    """
    async with db.transaction(system_actor(place.org_id), lazily=True) as tx:
        await leases.check(tx, lease)
        read = await read_situation(tx, place)
        if read is None:
            return None
        situation, now = read
        decisions = decide(situation, now)
        opening = await _opening(tx, place, decisions)
        if opening is not None:
            decisions = [put_off(decision, opening) for decision in decisions]
        run_id = await _start(tx, place, situation, decisions)
        if run_id is None:
            decisions = [_held_up(decision) for decision in decisions]
        await _write(tx, place, lease, decisions, run_id)
    waits = [decision.until for decision in decisions if decision.until is not None]
    return (min(waits) - now).total_seconds() if waits else None


async def _opening(tx: Tx, place: Place, decisions: list[Decision]) -> datetime | None:
    """Count the turn that begins, if one does; where agents of its kind have begun too many, when it may."""
    if all(decision.outcome is not Outcome.SPEAK for decision in decisions):
        return None
    return await take_rate(tx, place.org_id, place.agent_id)


def put_off(decision: Decision, until: datetime) -> Decision:
    """What would speak waits until agents of its kind may be asked again."""
    if decision.outcome is not Outcome.SPEAK:
        return decision
    return Decision(decision.trigger, Outcome.WAIT, Reason.RATE, until)


def _held_up(decision: Decision) -> Decision:
    """A turn of the agent began meanwhile: what would speak waits for its end."""
    if decision.outcome is not Outcome.SPEAK:
        return decision
    return Decision(decision.trigger, Outcome.WAIT, Reason.BUSY)


async def _start(tx: Tx, place: Place, situation: Situation, decisions: list[Decision]) -> UUID | None:
    """Insert the run of what speaks; None where nothing does, or a run is open after all."""
    speaking = [decision.trigger for decision in decisions if decision.outcome is Outcome.SPEAK]
    if not speaking:
        return None
    trigger = leading(speaking)
    return await insert_run(
        tx,
        NewRun(
            org_id=place.org_id,
            conversation_id=place.conversation_id,
            agent_id=place.agent_id,
            cause=trigger.cause,
            author_type=trigger.author_type,
            author_id=trigger.author_id,
            exchange_id=await _exchange(tx, trigger) or trigger.message_id or trigger.id,
            message_id=trigger.message_id,
            message_seq=trigger.message_seq,
            prompt=trigger.prompt,
            parent_id=trigger.parent_id,
            is_remote=situation.is_remote,
            runtime_id=situation.runtime_id,
            behalf_of=await behalf_of(tx, speaking),
        ),
    )


async def _exchange(tx: Tx, trigger: Trigger) -> UUID | None:
    is_persons = trigger.author_type is ActorType.USER and trigger.cause in FROM_MESSAGES
    if trigger.message_id is None or is_persons:
        return None
    found: UUID | None = await tx.value(ROOT, {"id": trigger.message_id})
    return found


async def _write(tx: Tx, place: Place, lease: Lease, decisions: list[Decision], run_id: UUID | None) -> None:
    rows = [_row(decision, run_id) for decision in decisions]
    told = [row for row, decision in zip(rows, decisions, strict=True) if _is_news(decision)]
    values = {
        "org": place.org_id,
        "conversation": place.conversation_id,
        "agent": place.agent_id,
        "epoch": lease.epoch,
    }
    if told:  # whatever is settled is among it
        settled = [row.trigger_id for row in told if row.outcome is not Outcome.WAIT]
        await tx.run(RECORD, values | {"rows": _json(told), "settled": settled})
        await note_answers(tx, place, decisions)
        if any(row.cause in WAITED_FOR for row in told):
            await tx.notify(DECIDED_CHANNEL, str(lease.shard))
    waiting = [row for row in rows if row.outcome is Outcome.WAIT]
    if waiting:
        await tx.run(POSTPONE, values | {"rows": _json(waiting)})


def _is_news(decision: Decision) -> bool:
    return decision.outcome is not Outcome.WAIT or decision.trigger.waits_for is not decision.reason


def _row(decision: Decision, run_id: UUID | None) -> _Row:
    trigger = decision.trigger
    return _Row(
        id=new_id(),
        trigger_id=trigger.id,
        outcome=decision.outcome,
        reason=decision.reason,
        cause=trigger.cause,
        author_type=trigger.author_type,
        author_id=trigger.author_id,
        message_id=trigger.message_id,
        message_seq=trigger.message_seq,
        run_id=run_id if decision.outcome is Outcome.SPEAK else None,
        until=decision.until,
    )


def _json(rows: list[_Row]) -> Jsonb:
    return Jsonb([msgspec.to_builtins(row) for row in rows])
