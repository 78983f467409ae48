"""For whom an agent acts in a turn, and with whose rights: its own and theirs, intersected (no confused deputy).

A turn acts for everybody whose words it answers, and for who asked it to: people; for what an agent wrote within a
turn, those of that turn; for what it wrote by itself, that agent. Their rights are read when a tool is called: as they
are then, not as they were.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import FORBIDDEN
from crewhall.runtime.policy import FROM_MESSAGES, Trigger
from crewhall.runtime.runs import Run

# The run that wrote a message: the one that its client id names, while that was open; or, for the one answer that a
# remote agent gives to a message, the one that told it. Whoever writes by a key of its own claims no turn that is over.
_WRITTEN_FOR: LiteralString = """
select r.id, x.behalf_of
from message_records r
join runs x on x.agent_id = r.author_id and x.id = coalesce(
    substring(r.client_id from '^run:([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})')::uuid,
    (select d.run_id from turn_decisions d
     where d.agent_id = r.author_id and d.outcome = 'speak' and d.message_id =
        substring(r.client_id from '^answer:([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})$')::uuid
     order by d.id desc limit 1))
where r.id = any (%(ids)s) and r.author_type = 'agent'
  and case when x.is_remote then r.client_id like 'answer:%%' and r.conversation_id = x.conversation_id
           else r.created_at between x.started_at and coalesce(x.completed_at, 'infinity') end
"""
# What somebody asked an agent to answer without a word of their own: it may be another's.
_POINTED_AT: LiteralString = """
select r.id, 'mention' as cause, r.author_type, r.author_id, r.id as message_id, r.seq as message_seq
from message_records r where r.id = any (%(ids)s)
"""
# What was said to an agent beyond what its turn was decided for, and is answered with it: the turn reads it, and what a
# turn has read is covered (policy.py). Said to it, as triggers have it; what was decided before is not answered now.
_READ_TOO: LiteralString = """
select r.id, 'mention' as cause, r.author_type, r.author_id, r.id as message_id, r.seq as message_seq
from message_records r
join conversations c on c.id = r.conversation_id
left join message_records p on p.id = r.parent_id
where r.id = any (%(ids)s) and r.author_type <> 'system' and r.author_id <> %(agent)s
  and r.seq > coalesce((
      select max(x.seen_seq) from runs x where x.conversation_id = c.id and x.agent_id = %(agent)s
        and x.seen_seq is not null and x.prompt is null and x.cause <> 'api'), 0)
  and (%(agent)s = any (r.mentions) or p.author_id = %(agent)s or c.direct_agent_id = %(agent)s
       or coalesce((c.agent_policy ->> 'auto_trigger')::boolean, false))
  and not exists (
      select from turn_decisions d where d.org_id = c.org_id and d.conversation_id = c.id and d.agent_id = %(agent)s
        and d.message_id = r.id and d.outcome <> 'wait')
order by r.seq
"""
_WHO: LiteralString = """
select k.user_id as id, 'user' as type, k.role, u.name
from memberships k join users u on u.id = k.user_id and u.deleted_at is null
where k.org_id = %(org)s and k.user_id = any (%(ids)s)
union all
select a.id, 'agent', null, a.name from agents a
where a.org_id = %(org)s and a.id = any (%(ids)s) and a.deleted_at is null and a.status in ('active', 'probation')
"""


class _Written(msgspec.Struct):
    id: UUID
    behalf_of: list[UUID]


class _Who(msgspec.Struct):
    id: UUID
    type: ActorType
    role: Role | None
    name: str


async def behalf_of(tx: Tx, triggers: Sequence[Trigger]) -> list[UUID]:
    """Return for whom a turn about these triggers acts; nobody where the system alone asked for it."""
    if pointed := [one.message_id for one in triggers if one.cause not in FROM_MESSAGES and one.prompt is None]:
        triggers = [*triggers, *await tx.all(Trigger, _POINTED_AT, {"ids": pointed})]
    written = {trigger.message_id: trigger.author_id for trigger in triggers if trigger.author_type is ActorType.AGENT}
    found: dict[UUID, list[UUID]] = {}
    if ids := [one for one in written if one is not None]:
        found = {row.id: row.behalf_of for row in await tx.all(_Written, _WRITTEN_FOR, {"ids": ids})}
    acting: dict[UUID, None] = {}
    for trigger in triggers:
        if trigger.author_type is ActorType.USER:
            acting[trigger.author_id] = None
        elif trigger.author_type is ActorType.AGENT:
            told = found.get(trigger.message_id) if trigger.message_id is not None else None
            acting.update(dict.fromkeys(told or [trigger.author_id]))
    return list(acting)


async def read_too(tx: Tx, run: Run, line_ids: list[UUID]) -> list[UUID]:
    """Let a turn that has just read these messages act for everybody whose words it answers by that; returns them."""
    too = await tx.all(Trigger, _READ_TOO, {"ids": line_ids, "agent": run.agent_id})
    acting = list(dict.fromkeys([*run.behalf_of, *await behalf_of(tx, too)]))
    if acting != run.behalf_of:
        await tx.run(
            "update runs set behalf_of = %(acting)s where id = %(id)s and attempt = %(attempt)s",
            {"acting": acting, "id": run.id, "attempt": run.attempt},
        )
    return acting


async def acting_for(tx: Tx, agent: Actor, others: list[UUID]) -> Actor:
    """Return the agent with everybody for whom it acts, their rights as they are now.

    Raises FORBIDDEN when one of them has left the organization: what they asked for is not theirs to ask any more.
    """
    ids = [one for one in others if one != agent.id]
    if not ids:
        return agent
    found = await tx.all(_Who, _WHO, {"org": agent.org, "ids": ids})
    if len(found) < len(ids):
        raise FORBIDDEN("Somebody who asked for this is no longer in the organization: it is not done for them.")
    behalf = tuple(Actor(type=one.type, id=one.id, org_id=agent.org, name=one.name, role=one.role) for one in found)
    return msgspec.structs.replace(agent, behalf=behalf)
