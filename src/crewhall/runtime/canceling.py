"""Runs that somebody, or what becomes of somebody, ends before they are done."""

from uuid import UUID

from crewhall.conversations import Verb
from crewhall.governance import release
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT
from crewhall.runtime.jobs import enqueue_turn
from crewhall.runtime.runs import RUNS_CHANNEL, TRIGGERS_CHANNEL, Run, access_run, close_approvals
from crewhall.runtime.vocabulary import RunStatus


async def cancel_run(tx: Tx, actor: Actor, run_id: UUID) -> Run:
    """Cancel an open run. Its conversation is told.

    One that waits ends at once, and with it what it asked for; one that is under way as soon as its process hears of
    it. Whoever may post in its conversation may. Raises NOT_FOUND, FORBIDDEN, CONFLICT (it has ended).
    """
    await access_run(tx, actor, run_id, Verb.POST)
    canceled = await cancel_open(tx, actor, run_id)
    if canceled is None:
        raise CONFLICT("This run has already ended.", run_id=run_id)
    return canceled


async def cancel_open(tx: Tx, actor: Actor, run_id: UUID) -> Run | None:
    """Cancel an open run, whoever may: that is decided by the callers. None where it has ended."""
    values = {"id": run_id, "actor": actor.id}
    canceled = await tx.find(
        Run,
        """
        update runs
        set status = case status when 'running' then 'running' else 'canceled' end,
            reason = case status when 'running' then reason else 'canceled' end,
            completed_at = case status when 'running' then null else now() end,
            canceled_at = case status when 'running' then null else now() end,
            cancel_requested_at = coalesce(cancel_requested_at, now()), canceled_by = coalesce(canceled_by, %(actor)s)
        where id = %(id)s and status in ('queued', 'running', 'waiting') returning *
        """,
        values,
    )
    if canceled is None:
        return None
    if canceled.status is RunStatus.RUNNING:
        await tx.notify(RUNS_CHANNEL, str(run_id))
    else:
        await close_approvals(tx, run_id)
        await release(tx, run_id)
        if canceled.waits:  # whoever takes its job tells the conversation; one that is queued has a job
            await enqueue_turn(tx, canceled.org_id, run_id, canceled.conversation_id, canceled.agent_id)
        shard = await tx.value("select shard_of(%(id)s)", {"id": canceled.conversation_id})
        await tx.notify(TRIGGERS_CHANNEL, str(shard))
    return canceled
