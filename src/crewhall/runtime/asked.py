"""What became of a turn that a caller asked for: decided, under way, put aside for the caller, ended."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.runtime.canceling import cancel_run
from crewhall.runtime.runs import TRIGGERS_CHANNEL
from crewhall.runtime.vocabulary import Outcome, Reason, RunStatus

OPEN = frozenset({RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING})


class Decided(msgspec.Struct, kw_only=True):
    """The latest decision about what was asked."""

    outcome: Outcome
    reason: Reason
    until: datetime | None
    run_id: UUID | None


class Standing(msgspec.Struct, kw_only=True):
    """How the run stands. `spoken` are the parts of what its model last answered; `answer` is what the agent posted."""

    id: UUID
    status: RunStatus
    reason: str | None
    detail: str | None
    message_id: UUID | None
    message_seq: int | None
    answer_id: UUID | None
    answer: str | None
    answer_seq: int | None
    input_tokens: int
    output_tokens: int
    spoken: dict[str, Any] | None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in OPEN

    @property
    def text(self) -> str:
        """The words of what its model last answered."""
        parts = (self.spoken or {}).get("parts", [])
        return "".join(str(part.get("content", "")) for part in parts if part.get("part_kind") == "text")

    @property
    def was_cut(self) -> bool:
        """Whether the model stopped because its answer became too long."""
        return (self.spoken or {}).get("finish_reason") == "length"


class Reply(msgspec.Struct, kw_only=True):
    """What an agent that thinks elsewhere answered."""

    id: UUID
    seq: int
    content: str


_DECIDED: LiteralString = """
select d.outcome, d.reason, d.until, d.run_id from turn_decisions d
where d.org_id = %(org)s and d.conversation_id = %(conversation)s and d.agent_id = %(agent)s
  and d.message_id = %(message)s and d.cause = 'api'
order by d.id desc limit 1
"""
_STANDING: LiteralString = """
select r.id, r.status, r.reason, r.detail, r.message_id, r.message_seq, r.answer_id, m.content as answer,
       m.seq as answer_seq,
       r.input_tokens, r.output_tokens,
       (select s.body -> 'response' from run_steps s where s.run_id = r.id and s.kind = 'answer'
        order by s.ordinal desc limit 1) as spoken
from runs r left join messages m on m.id = r.answer_id
where r.id = %(run)s
"""
# In a direct conversation whatever the agent says next; elsewhere what it says to this very message.
_REPLY: LiteralString = """
select m.id, m.seq, m.content from messages m join conversations c on c.id = m.conversation_id
where m.conversation_id = %(conversation)s and m.author_id = %(agent)s and m.seq > %(seq)s and m.deleted_at is null
  and (c.direct_agent_id = m.author_id or m.parent_id = %(message)s
       or m.client_id = 'answer:' || %(message)s::text)
order by m.seq limit 1
"""


async def find_decision(
    tx: Tx, actor: Actor, conversation_id: UUID, agent_id: UUID, message_id: UUID
) -> Decided | None:
    """Return what was last decided about a message that a caller asked about; None until it was."""
    values = {"org": actor.org, "conversation": conversation_id, "agent": agent_id, "message": message_id}
    return await tx.find(Decided, _DECIDED, values)


async def get_standing(tx: Tx, run_id: UUID) -> Standing:
    """Return how a run stands; the caller has checked its access."""
    return await tx.one(Standing, _STANDING, {"run": run_id})


async def find_reply(tx: Tx, conversation_id: UUID, agent_id: UUID, message_id: UUID, seq: int) -> Reply | None:
    """Return what an agent that thinks elsewhere answered to a message; None until it has."""
    values = {"conversation": conversation_id, "agent": agent_id, "message": message_id, "seq": seq}
    return await tx.find(Reply, _REPLY, values)


async def withdraw(tx: Tx, actor: Actor, conversation_id: UUID, agent_id: UUID, message_id: UUID) -> None:
    """Take back what the caller asked for: nobody waits for it any more. A turn about it alone is cancelled."""
    pending = await tx.value(
        """
        delete from turn_triggers where agent_id = %(agent)s and id = %(message)s and cause = 'api'
        returning shard_of(conversation_id)
        """,
        {"agent": agent_id, "message": message_id},
    )
    if pending is not None:
        await tx.notify(TRIGGERS_CHANNEL, str(pending))
    decided = await find_decision(tx, actor, conversation_id, agent_id, message_id)
    if decided is None or decided.run_id is None:
        return
    if (await get_standing(tx, decided.run_id)).message_id == message_id:
        await withdraw_run(tx, actor, decided.run_id)


async def withdraw_run(tx: Tx, actor: Actor, run_id: UUID) -> None:
    """Cancel a run that its caller no longer waits for; nothing where it has ended."""
    try:
        await cancel_run(tx, actor, run_id)
    except CrewhallError:
        return  # it has ended meanwhile, or its conversation takes nothing more


async def withdraw_put_aside(tx: Tx, actor: Actor, conversation_id: UUID, agent_id: UUID) -> None:
    """Cancel the turns that wait for this caller's tools there: it has gone on to something else."""
    waiting = await tx.values(
        """
        select r.id from runs r
        where r.conversation_id = %(conversation)s and r.agent_id = %(agent)s and r.author_id = %(actor)s
          and r.status = 'waiting' and exists (
              select from outside_calls k where k.run_id = r.id and k.result is null)
        """,
        {"conversation": conversation_id, "agent": agent_id, "actor": actor.id},
    )
    for run_id in waiting:
        await withdraw_run(tx, actor, run_id)
