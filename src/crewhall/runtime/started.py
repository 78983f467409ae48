"""What becomes of a task at once: the turn that it began, or why it waits or was refused."""

import asyncio
import contextlib
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.runtime.explanations import explain
from crewhall.runtime.queries import get_run
from crewhall.runtime.schemas import RunDetail
from crewhall.runtime.vocabulary import Cause, Outcome, Reason
from crewhall.runtime.watch import TurnWatch

MOST_S = 3.0
"""How long a caller waits for the decision; it follows within milliseconds unless its process has just died."""
_LOOK: LiteralString = """
select t.id is not null as is_pending, t.waits_for, a.name as agent,
       (select r.id from runs r where r.org_id = a.org_id and r.exchange_id = %(trigger)s limit 1) as run_id,
       (select d.reason from turn_decisions d
        where d.org_id = a.org_id and d.conversation_id = %(conversation)s and d.agent_id = a.id and d.cause = %(cause)s
          and d.author_id = %(author)s and d.message_id is not distinct from %(message)s::uuid and d.outcome = 'silent'
        order by d.id desc limit 1) as refused
from agents a left join turn_triggers t on t.agent_id = a.id and t.id = %(trigger)s
where a.id = %(agent)s
"""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task that was given to an agent: what its trigger was made of."""

    conversation_id: UUID
    agent_id: UUID
    trigger_id: UUID
    cause: Cause
    message_id: UUID | None = None
    """The message that asks; its trigger is derived from the log in a moment."""


class TurnStarted(msgspec.Struct, kw_only=True):
    """A task that was given. `run` is the turn that it began.

    Without one `outcome` and `reason` say whether it waits or was refused, in words in `explanation`; all are null in
    the rare case that it is not decided yet (`GET /conversations/{conversation_id}/decisions`).
    """

    conversation_id: UUID
    trigger_id: UUID
    run: RunDetail | None = None
    outcome: Outcome | None = None
    reason: Reason | None = None
    explanation: str | None = None


class _Found(msgspec.Struct):
    is_pending: bool
    waits_for: Reason | None
    agent: str
    run_id: UUID | None
    refused: Reason | None


async def await_start(
    db: Database, watch: TurnWatch, actor: Actor, task: Task, *, most_s: float = MOST_S
) -> TurnStarted:
    """Wait until a task that the actor gave is decided, and return what came of it."""
    stirred = asyncio.Event()
    deadline = asyncio.get_running_loop().time() + most_s
    with watch.on(task.conversation_id, stirred.set):
        while True:
            stirred.clear()
            async with db.transaction(actor) as tx:
                started = await _look(tx, actor, task)
            left = deadline - asyncio.get_running_loop().time()
            if started.outcome is not None or left <= 0:
                return started
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stirred.wait(), left)


async def _look(tx: Tx, actor: Actor, task: Task) -> TurnStarted:
    values = {
        "conversation": task.conversation_id,
        "agent": task.agent_id,
        "trigger": task.trigger_id,
        "cause": str(task.cause),
        "author": actor.id,
        "message": task.message_id,
    }
    found = await tx.one(_Found, _LOOK, values)
    started = TurnStarted(conversation_id=task.conversation_id, trigger_id=task.trigger_id)
    if found.run_id is not None:
        started.run = await get_run(tx, actor, found.run_id)
        started.outcome, started.reason = Outcome.SPEAK, Reason.ASKED
    elif found.waits_for is not None:
        started.outcome, started.reason = Outcome.WAIT, found.waits_for
    elif not found.is_pending and (task.message_id is None or found.refused is not None):
        started.outcome, started.reason = Outcome.SILENT, found.refused
    if started.outcome is not None and started.reason is not None:
        started.explanation = explain(found.agent, task.cause, started.outcome, started.reason)
    return started
