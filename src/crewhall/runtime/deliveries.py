"""Deliveries: an agent that thinks elsewhere finds what its run is about in its inbox, one record per message."""

from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations import append_all
from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.ports.message_log import Author, MessageLog, MessageRole, NewRecord, RecordType
from crewhall.runtime.runs import Run
from crewhall.runtime.vocabulary import Cause

REASONS = {Cause.DIRECT: "message", Cause.API: "message", Cause.QUICK_TASK: "mention"}
"""What an agent is told where it is another word than the cause."""


class _Due(msgspec.Struct):
    inbox_id: UUID
    cause: Cause
    message_id: UUID
    message: dict[str, Any]


# A burst is one run: its messages are those that were decided together.
_DUE: LiteralString = """
with asked as (
    select distinct on (a.message_id) a.message_id, a.cause
    from (
        select d.message_id, d.cause from turn_decisions d
        where d.org_id = %(org)s and d.run_id = %(run)s and d.outcome = 'speak'
        union all
        select %(message)s::uuid, %(cause)s) a
    where a.message_id is not null order by a.message_id
)
select i.id as inbox_id, a.cause, a.message_id, message_wire(m) as message
from asked a
join messages m on m.id = a.message_id and m.conversation_id = %(conversation)s and m.deleted_at is null
join conversations i
  on i.org_id = %(org)s and i.owner_agent_id = %(agent)s and i.kind = 'agent' and i.deleted_at is null
order by m.seq
"""


async def deliver(db: Database, message_log: MessageLog, run: Run) -> int:
    """Append the deliveries of a run to its agent's inbox; gives how many. Done again, it doubles nothing.

    Raises UNAVAILABLE.
    """
    async with db.transaction(system_actor(run.org_id)) as tx:
        due = await tx.all(
            _Due,
            _DUE,
            {
                "org": run.org_id,
                "run": run.id,
                "message": run.message_id,
                "cause": str(run.cause),
                "conversation": run.conversation_id,
                "agent": run.agent_id,
            },
        )
    await append_all(message_log, [_delivery(run, one) for one in due])
    return len(due)


def _delivery(run: Run, due: _Due) -> NewRecord:
    return NewRecord(
        org_id=run.org_id,
        conversation_id=due.inbox_id,
        author=Author.of(system_actor(run.org_id)),
        type=RecordType.DELIVERY,
        role=MessageRole.SYSTEM,
        metadata={"reason": REASONS.get(due.cause, str(due.cause)), "message": due.message},
        target_id=due.message_id,
        client_id=f"delivery:{due.message_id}",
    )
