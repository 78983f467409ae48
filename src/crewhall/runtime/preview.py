"""Who a message would wake, before it is sent: the policy asked about a message that is not there yet."""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.agents import Presence
from crewhall.conversations import Posting, Verb, access_conversation
from crewhall.governance import find_opening, find_used_up
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import INVALID
from crewhall.kernel.ids import new_id
from crewhall.runtime.decisions import put_off
from crewhall.runtime.explanations import explain
from crewhall.runtime.places import Place
from crewhall.runtime.policy import Decision, Trigger, decide
from crewhall.runtime.schemas import MessageDraft, MessagePreview, RunAgent, Woken
from crewhall.runtime.situations import MOST_ROUNDS, situate
from crewhall.runtime.vocabulary import Cause, Outcome, Reason

MOST_AGENTS = 50

# As `derive_triggers` has it for messages that are there.
_CONCERNED: LiteralString = """
with place as (
    select c.id, c.type, c.direct_agent_id, c.kind, h.last_seq,
           coalesce((c.agent_policy ->> 'auto_trigger')::boolean, false) as answers_all
    from conversations c join conversation_heads h on h.conversation_id = c.id where c.id = %(conversation)s
), targets as (
    select m.id as agent_id, 'mention' as cause, 1 as rank from unnest(%(mentions)s::uuid[]) as m (id)
    union all
    select r.author_id, 'reply', 2 from message_records r, place p
    where r.id = %(parent)s and r.conversation_id = p.id and r.author_type = 'agent'
    union all
    select p.direct_agent_id, 'direct', 3 from place p where p.kind = 'direct' and p.direct_agent_id is not null
    union all
    select m.member_id, 'auto', 4 from place p
    join conversation_members m on m.conversation_id = p.id and m.member_type = 'agent'
    where p.answers_all
), concerned as (
    select distinct on (t.agent_id) t.agent_id, t.cause, t.rank from targets t order by t.agent_id, t.rank
)
select a.id, a.code, a.name, presence_of(a) as presence, c.cause, p.last_seq,
       p.type = 'public' or exists (
           select from conversation_members m
           where m.conversation_id = p.id and m.member_type = 'agent' and m.member_id = a.id) as may_read,
       case when %(actor_type)s = 'agent'
            then (select v.rounds from voice_of(p.id, %(actor)s, p.last_seq, %(most)s, 'infinity') v) + 1
            else 0 end as author_rounds
from concerned c
join agents a on a.id = c.agent_id and a.deleted_at is null and a.id <> %(actor)s
cross join place p
order by c.rank, a.name, a.id limit %(limit)s
"""


class _Concerned(msgspec.Struct):
    id: UUID
    code: str
    name: str
    presence: Presence
    cause: Cause
    last_seq: int
    may_read: bool
    author_rounds: int


async def preview_message(
    db: Database, posting: Posting, actor: Actor, conversation_id: UUID, draft: MessageDraft
) -> MessagePreview:
    """Return what would be decided about the message if it were posted now. Raises what posting it would.

    A text that is still empty is as good as any.
    """
    async with db.transaction(actor) as tx:
        await access_conversation(tx, actor, conversation_id, Verb.POST)
        if draft.parent_id is not None:
            await _check_parent(tx, conversation_id, draft.parent_id)
    text = await posting.prepare(actor, draft.content, conversation_id)
    values = {
        "conversation": conversation_id,
        "mentions": text.mentions,
        "parent": draft.parent_id,
        "actor": actor.id,
        "actor_type": str(actor.type),
        "most": MOST_ROUNDS,
        "limit": MOST_AGENTS,
    }
    async with db.transaction(actor) as tx:
        concerned = await tx.all(_Concerned, _CONCERNED, values)
        return MessagePreview([await _judge(tx, actor, conversation_id, one) for one in concerned])


async def _check_parent(tx: Tx, conversation_id: UUID, parent_id: UUID) -> None:
    is_there = await tx.value(
        """
        select true from messages
        where id = %(id)s and conversation_id = %(conversation)s and deleted_at is null and parent_id is null
        """,
        {"id": parent_id, "conversation": conversation_id},
    )
    if not is_there:
        raise INVALID("parent_id names no message of this conversation that begins a thread.", field="parent_id")


async def _judge(tx: Tx, actor: Actor, conversation_id: UUID, one: _Concerned) -> Woken:
    trigger = Trigger(
        id=new_id(),
        cause=one.cause,
        author_type=actor.type,
        author_id=actor.id,
        message_seq=one.last_seq + 1,
        author_rounds=one.author_rounds,
        may_read=one.may_read,
    )
    situation, now = await situate(tx, Place(actor.org, conversation_id, one.id), [trigger])
    if actor.type is ActorType.USER:
        situation = msgspec.structs.replace(situation, rounds=0)  # a person's message begins the count anew
    (decision,) = decide(situation, now)
    if decision.outcome is Outcome.SPEAK and situation.is_spent:
        decision = Decision(trigger, Outcome.SILENT, Reason.BUDGET)
    if decision.outcome is Outcome.SPEAK and (opening := await find_opening(tx, actor.org, one.id)):
        decision = put_off(decision, opening)
    until = decision.until
    if decision.reason is Reason.BUDGET:
        until = (await find_used_up(tx, [one.id], conversation_id)).get(one.id)
    return Woken(
        agent=RunAgent(one.id, one.code, one.name),
        presence=one.presence,
        is_remote=situation.is_remote,
        cause=one.cause,
        outcome=decision.outcome,
        reason=decision.reason,
        explanation=explain(one.name, one.cause, decision.outcome, decision.reason, is_away=situation.is_away),
        until=until,
    )
