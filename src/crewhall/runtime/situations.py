"""Situations: what the database knows of one agent in one conversation when it is decided whether it speaks."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from crewhall.agents import AgentStatus, SchedulingConfig
from crewhall.conversations import AgentPolicy
from crewhall.kernel.db import Tx
from crewhall.runtime.places import Place
from crewhall.runtime.policy import Situation, Trigger

MOST_TRIGGERS = 500
"""How many triggers of one place are decided together; more are decided next."""
MOST_ROUNDS = 21
"""One more than the most rounds that a policy may allow: nobody's rounds need counting beyond."""


class _Standing(msgspec.Struct):
    now: datetime
    is_open: bool
    agent_policy: AgentPolicy
    status: AgentStatus
    is_deleted: bool
    is_remote: bool
    is_offline: bool
    runtime_id: UUID | None
    scheduling_config: dict[str, Any]
    is_busy: bool
    seen_seq: int | None
    rounds: int
    spoke_at: datetime | None
    is_spent: bool


STANDING: LiteralString = """
with place as materialized (
    select c.id, c.deleted_at is null and h.is_open and c.type <> 'system' and c.kind <> 'agent' as is_open,
           c.agent_policy, h.last_seq,
           now() - make_interval(secs => coalesce((c.agent_policy ->> 'agent_cooldown_seconds')::integer, 15)) as since
    from conversations c join conversation_heads h on h.conversation_id = c.id
    where c.id = %(conversation)s
)
select now() as now, p.is_open, p.agent_policy, a.status, a.deleted_at is not null as is_deleted,
       a.model_config ->> 'provider' is null and w.id is null as is_remote, presence_of(a) = 'offline' as is_offline,
       w.id as runtime_id, a.scheduling_config,
       exists (select from runs r where r.conversation_id = p.id and r.agent_id = a.id
               and r.status in ('queued', 'running', 'waiting') and r.waits = 0) as is_busy,
       (select max(r.seen_seq) from runs r where r.conversation_id = p.id and r.agent_id = a.id
           and r.seen_seq is not null and r.prompt is null and r.cause <> 'api') as seen_seq,
       greatest(v.rounds, t.turns)::integer as rounds, greatest(v.spoke_at, l.turned_at) as spoke_at,
       used_up_budget(a.org_id, a.id, p.id, case when w.id is null then a.model_config ->> 'provider' end,
                      case when w.id is null then a.model_config ->> 'model' end, now()) is not null as is_spent
from place p
cross join agents a
left join agent_runtimes w on w.org_id = a.org_id and w.agent_id = a.id and w.deleted_at is null
cross join lateral voice_of(p.id, a.id, p.last_seq, %(most)s, p.since) v
cross join lateral (
    select count(distinct case when r.is_remote then d.id else d.run_id end) as turns
    from turn_decisions d join runs r on r.id = d.run_id
    where d.conversation_id = p.id and d.agent_id = a.id and d.message_seq > v.person_seq
      and d.outcome = 'speak' and (d.author_type = 'agent' or d.cause = 'auto')) t
left join lateral (
    select d.created_at as turned_at from turn_decisions d
    where d.conversation_id = p.id and d.agent_id = a.id
      and d.outcome = 'speak' and (d.author_type = 'agent' or d.cause = 'auto')
    order by d.message_seq desc limit 1) l on l.turned_at > p.since
where a.id = %(agent)s
"""
"""Rounds are messages, and turns on what no person asked (one that said nothing, or of a remote agent that has not
answered yet, was a round too). The log is walked back no further than needed: `voice_of`."""

TRIGGERS: LiteralString = """
select t.id, t.cause, t.author_type, t.author_id, t.message_id, t.message_seq, r.parent_id, t.prompt, t.waits_for,
       t.message_id is not null and (r.id is null or o.deleted_at is not null) as is_gone,
       c.type = 'public' or exists (
           select from conversation_members m
           where m.conversation_id = c.id and m.member_type = 'agent' and m.member_id = t.agent_id
             and m.joined_at <= coalesce(r.created_at, t.created_at)) as may_read,
       case when t.author_type = 'agent' and t.message_seq is not null
            then (select v.rounds from voice_of(t.conversation_id, t.author_id, t.message_seq, %(most)s, 'infinity') v)
            else 0 end as author_rounds
from turn_triggers t
join conversations c on c.id = t.conversation_id
left join message_records r on r.id = t.message_id
left join message_overlays o on o.message_id = t.message_id
where t.conversation_id = %(conversation)s and t.agent_id = %(agent)s
order by t.author_type = 'agent' or t.cause in ('auto', 'schedule', 'webhook'), t.created_at, t.message_seq, t.id
limit %(size)s
for update of t
"""
"""What somebody waits for comes first: however much comes by itself, it keeps no person waiting longer than a turn."""


async def read_situation(tx: Tx, place: Place) -> tuple[Situation, datetime] | None:
    """Return the situation and the moment it was read (the transaction's), its triggers locked; None without any."""
    values = {"conversation": place.conversation_id, "agent": place.agent_id, "most": MOST_ROUNDS}
    triggers = await tx.all(Trigger, TRIGGERS, values | {"size": MOST_TRIGGERS})
    return await situate(tx, place, triggers) if triggers else None


async def situate(tx: Tx, place: Place, triggers: list[Trigger]) -> tuple[Situation, datetime]:
    """Return the situation in which these triggers are judged, and the moment it was read."""
    values = {"conversation": place.conversation_id, "agent": place.agent_id, "most": MOST_ROUNDS}
    known = await tx.one(_Standing, STANDING, values)
    situation = Situation(
        policy=known.agent_policy,
        status=known.status,
        scheduling=msgspec.convert(known.scheduling_config, SchedulingConfig),
        is_deleted=known.is_deleted,
        is_remote=known.is_remote,
        is_away=known.is_remote and known.is_offline,
        runtime_id=known.runtime_id,
        is_open=known.is_open,
        is_busy=known.is_busy,
        rounds=known.rounds,
        spoke_at=known.spoke_at,
        seen_seq=known.seen_seq,
        is_spent=known.is_spent,
        triggers=tuple(triggers),
    )
    return situation, known.now
