"""Runs: the turns that agents take. A run is inserted with its job, claimed by attempts, and ends once.

`attempt` is the fence: whoever claims a run raises it, and from then on nothing that an earlier attempt writes counts.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.conversations import Verb, access_conversation
from crewhall.governance import release
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND, CrewhallError, define_error
from crewhall.kernel.ids import new_id
from crewhall.kernel.telemetry import turns_total
from crewhall.kernel.verified import revoke
from crewhall.runtime.jobs import enqueue_turn
from crewhall.runtime.vocabulary import Cause, RunStatus

RUNS_CHANNEL = "crewhall_runs"
"""Carries the id of a run whose cancellation was asked for."""
TRIGGERS_CHANNEL = "crewhall_triggers"
"""Carries the shards whose triggers are to be decided (again), separated by commas."""
APPROVALS_CHANNEL = "crewhall_approvals"
"""Carries organization, approval and its status, when it is asked for, decided, expires or is closed."""
FENCED = define_error("fenced", 409, "Another attempt of this run has taken over")
OPEN = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)


class NewRun(msgspec.Struct, kw_only=True):
    """A turn that was decided. `exchange_id` is the person's message (or the trigger) at the root of the chain.

    `message_id` and `message_seq` name what triggered it, `parent_id` the thread that this stands in; `prompt` is what
    is asked beyond the conversation itself. `is_remote`: the agent thinks elsewhere and is only told; `runtime_id`: it
    is asked at that address. `behalf_of` are those for whom it is taken (guard.py).
    """

    org_id: UUID
    conversation_id: UUID
    agent_id: UUID
    cause: Cause
    author_type: ActorType
    author_id: UUID
    exchange_id: UUID
    message_id: UUID | None = None
    message_seq: int | None = None
    prompt: str | None = None
    parent_id: UUID | None = None
    is_remote: bool = False
    runtime_id: UUID | None = None
    behalf_of: list[UUID] = []
    metadata: dict[str, Any] = {}


class Run(msgspec.Struct, kw_only=True):
    """A run as it stands."""

    id: UUID
    org_id: UUID
    conversation_id: UUID
    agent_id: UUID
    status: RunStatus
    cause: Cause
    author_type: ActorType
    author_id: UUID
    exchange_id: UUID
    message_id: UUID | None
    message_seq: int | None
    prompt: str | None
    parent_id: UUID | None
    is_remote: bool
    runtime_id: UUID | None
    behalf_of: list[UUID]
    attempt: int
    waits: int
    seen_seq: int | None
    model: str | None
    requests: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost: Decimal | None
    currency: str | None
    price_id: UUID | None
    reason: str | None
    detail: str | None
    answer_id: UUID | None
    metadata: dict[str, Any]
    cancel_requested_at: datetime | None
    canceled_by: UUID | None
    started_at: datetime | None
    completed_at: datetime | None
    canceled_at: datetime | None
    created_at: datetime
    updated_at: datetime


INSERT: LiteralString = """
insert into runs (id, org_id, conversation_id, agent_id, cause, author_type, author_id, exchange_id, message_id,
                  message_seq, prompt, parent_id, is_remote, runtime_id, behalf_of, metadata)
values (%(id)s, %(org_id)s, %(conversation_id)s, %(agent_id)s, %(cause)s, %(author_type)s, %(author_id)s,
        %(exchange_id)s, %(message_id)s, %(message_seq)s, %(prompt)s, %(parent_id)s, %(is_remote)s, %(runtime_id)s,
        %(behalf_of)s, %(metadata)s)
on conflict (conversation_id, agent_id) where status in ('queued', 'running', 'waiting') and waits = 0
do nothing
"""


async def insert_run(tx: Tx, new: NewRun) -> UUID | None:
    """Insert a run and its job in the caller's transaction; None while the agent has an open run there."""
    run_id = new_id()
    if not await tx.run(INSERT, run_values(new, run_id)):
        return None
    await enqueue_turn(tx, new.org_id, run_id, new.conversation_id, new.agent_id)
    return run_id


def run_values(new: NewRun, run_id: UUID) -> dict[str, Any]:
    """The parameters of INSERT."""
    values = msgspec.structs.asdict(new) | {"id": run_id, "metadata": Jsonb(new.metadata)}
    return values | {"cause": str(new.cause), "author_type": str(new.author_type)}


CLAIM: LiteralString = """
update runs set status = 'running', attempt = attempt + 1, started_at = coalesce(started_at, now())
where id = %(id)s and status in ('queued', 'running', 'waiting') returning *
"""
BEGIN: LiteralString = (
    "with claimed as (" + CLAIM + ")"
    " select c.*, case when c.attempt = 1 then admit_run(c.id, now()) end as refused_by from claimed c"
)


class Begun(Run, kw_only=True):
    """A run that an attempt has just claimed. `refused_by` is the budget that has no room for it."""

    refused_by: UUID | None


async def claim_run(tx: Tx, run_id: UUID) -> Run | None:
    """Take a run over: its attempt rises, whoever held it before is fenced off. None when it has ended."""
    return await tx.find(Run, CLAIM, {"id": run_id})


async def begin_run(tx: Tx, run_id: UUID) -> Begun | None:
    """Take a run over as `claim_run` does; with its first attempt it is counted, unless a budget refuses it."""
    return await tx.find(Begun, BEGIN, {"id": run_id})


async def end_run(
    tx: Tx,
    run: Run,
    status: RunStatus,
    reason: str,
    *,
    detail: str | None = None,
    answer_id: UUID | None = None,
) -> None:
    """End the run that the caller claimed, and wake the scheduler: what waited for its end is decided now.

    Raises FENCED when another attempt has taken over or the run has ended.
    """
    ended = await tx.value(
        """
        update runs
        set status = %(status)s, reason = %(reason)s, detail = %(detail)s, completed_at = now(),
            answer_id = coalesce(%(answer)s, answer_id),
            canceled_at = case when %(status)s = 'canceled' then now() end
        where id = %(id)s and attempt = %(attempt)s and status = 'running'
        returning shard_of(conversation_id)
        """,
        {
            "id": run.id,
            "attempt": run.attempt,
            "status": str(status),
            "reason": reason,
            "detail": detail,
            "answer": answer_id,
        },
    )
    if ended is None:
        raise fenced()
    turns_total.labels(str(status), str(reason)).inc()
    await close_approvals(tx, run.id)
    await release(tx, run.id)
    if run.runtime_id is not None:
        await revoke(tx, f"run:{run.id}")  # the token that it was given
    await tx.notify(TRIGGERS_CHANNEL, str(ended))


async def put_aside(tx: Tx, run: Run, approvals: Sequence[UUID] = ()) -> None:
    """Put the claimed run aside until a person has decided about any of these, or its caller has answered.

    Nothing holds it meanwhile, no job, no lock, no lease, and it holds nothing of any budget. Where what it waits for
    came in the meantime it goes on at once: not for what was decided about a call that it makes no more. Other turns
    of the agent here begin. Raises FENCED.
    """
    shard = await tx.value(
        """
        update runs set status = 'waiting', waits = waits + 1
        where id = %(id)s and attempt = %(attempt)s and status = 'running' returning shard_of(conversation_id)
        """,
        {"id": run.id, "attempt": run.attempt},
    )
    if shard is None:
        raise fenced()
    await release(tx, run.id)
    is_decided = await tx.value(
        """
        select exists (select from approvals where id = any (%(approvals)s) and status <> 'waiting') or (
            exists (select from outside_calls where run_id = %(id)s)
            and not exists (select from outside_calls where run_id = %(id)s and result is null)
            and not exists (select from approvals where run_id = %(id)s and status = 'waiting')) or exists (
            select from runs where id = %(id)s and cancel_requested_at is not null)
        """,
        {"id": run.id, "approvals": list(approvals)},
    )
    if is_decided:
        await go_on(tx, run.id)
    await tx.notify(TRIGGERS_CHANNEL, str(shard))


async def go_on(tx: Tx, run_id: UUID) -> None:
    """Let a run that was put aside go on, by its next attempt; one that is under way or queued finds out by itself.

    The caller has locked the run's row (or just written it): whoever puts it aside sees the decision, or this sees it.
    """
    found = await tx.find(
        _Resumed,
        """
        update runs set status = 'queued' where id = %(id)s and status = 'waiting'
        returning org_id, conversation_id, agent_id
        """,
        {"id": run_id},
    )
    if found is not None:
        await enqueue_turn(tx, found.org_id, run_id, found.conversation_id, found.agent_id)


async def close_approvals(tx: Tx, run_id: UUID) -> None:
    """Close what still waits for a decision in a run that has ended."""
    closed = await tx.all(
        _Closed,
        """
        update approvals set status = 'canceled', decided_at = now()
        where run_id = %(id)s and status = 'waiting' returning id, org_id
        """,
        {"id": run_id},
    )
    for one in closed:
        await tx.notify(APPROVALS_CHANNEL, f"{one.org_id} {one.id} canceled")


class _Closed(msgspec.Struct):
    id: UUID
    org_id: UUID


class _Resumed(msgspec.Struct):
    org_id: UUID
    conversation_id: UUID
    agent_id: UUID


async def access_run(tx: Tx, actor: Actor, run_id: UUID, verb: Verb = Verb.READ) -> Run:
    """Return a run that the actor may use that way: as it may its conversation. Raises NOT_FOUND, FORBIDDEN."""
    found = await tx.find(Run, "select * from runs where id = %(id)s", {"id": run_id})
    if found is None:
        raise absent()
    try:
        await access_conversation(tx, actor, found.conversation_id, verb)
    except CrewhallError as error:
        raise (absent() if error.kind is NOT_FOUND else error) from None
    return found


def absent() -> CrewhallError:
    """The one answer for a run that is not there or not for the actor's eyes."""
    return NOT_FOUND("There is no such run, or its conversation is not shared with you.")


def fenced() -> CrewhallError:
    """What an attempt is told that is no longer the run's present one."""
    return FENCED("Another process has taken this run over, or it has ended.")
