"""Reads of schedules: to who made them, who may read their conversation, and who manages their agent."""

from datetime import datetime
from itertools import islice
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.agents import access_agent
from crewhall.conversations import Verb, access_conversation
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.cron import occurrences
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.runtime.schemas import RunAgent, RunAuthor, RunPlace
from crewhall.runtime.schemas_schedules import Schedule
from crewhall.runtime.vocabulary import FiringOutcome, PauseReason, Reason, RunStatus

SHOWN = 3
"""Moments ahead that are shown."""
# Who is deactivated is nobody of the organization meanwhile: what they made rests at once, whenever it is due.
_SELECT: LiteralString = """
select s.id, s.name, s.cron, s.timezone, coalesce(s.pause_reason, case when u.id is null then 'maker_left' end)
           as pause_reason, case when u.id is not null then s.next_due_at end as next_due_at,
       s.last_due_at, s.last_outcome, s.last_fired_at,
       case when s.last_outcome = 'unanswered' then s.unanswered_reason end as unanswered_reason,
       s.created_at, s.updated_at, case when reads.it or s.maker_id = %(actor)s then s.prompt end as prompt,
       json_build_object('id', a.id, 'code', a.code, 'name', a.name) as agent,
       json_build_object('type', 'user', 'id', s.maker_id, 'name',
           coalesce(u.name, former_name(s.maker_id), 'somebody who left')) as maker,
       case when reads.it then json_build_object('id', c.id, 'kind', c.kind, 'name', c.name, 'title', c.title,
           'partner', p.name) end as conversation,
       r.id as run_id, r.status as run_status,
       s.maker_id = %(actor)s as is_mine,
       s.maker_id = %(actor)s or %(manages)s or coalesce(a.owner_user_id = %(actor)s, false) as may_pause
from schedules s
join agents a on a.id = s.agent_id and a.deleted_at is null
join conversations c on c.id = s.conversation_id and c.deleted_at is null
left join users u on u.id = s.maker_id
cross join lateral (select may_reach(c, %(actor)s) as it) reads
left join lateral (
    select coalesce(w.name, g.name) as name from conversation_members o
    left join users w on o.member_type = 'user' and w.id = o.member_id
    left join agents g on o.member_type = 'agent' and g.id = o.member_id
    where c.kind = 'direct' and o.conversation_id = c.id and o.member_id <> %(actor)s and o.role <> 'reader'
    order by o.member_type limit 1) p on true
left join lateral (
    select x.id, x.status from runs x where reads.it and x.org_id = s.org_id and x.exchange_id = s.trigger_id
    order by x.id limit 1) r on true
where s.org_id = any (current_orgs())
  and (reads.it or s.maker_id = %(actor)s or %(manages)s or coalesce(a.owner_user_id = %(actor)s, false))
"""


class _Row(msgspec.Struct, kw_only=True):
    id: UUID
    name: str
    agent: RunAgent
    conversation: RunPlace | None
    maker: RunAuthor
    prompt: str | None
    cron: str
    timezone: str
    pause_reason: PauseReason | None
    next_due_at: datetime | None
    last_due_at: datetime | None
    last_outcome: FiringOutcome | None
    unanswered_reason: Reason | None
    last_fired_at: datetime | None
    run_id: UUID | None
    run_status: RunStatus | None
    is_mine: bool
    may_pause: bool
    created_at: datetime
    updated_at: datetime


async def list_schedules(
    tx: Tx,
    actor: Actor,
    *,
    agent_id: UUID | None = None,
    conversation_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Schedule]:
    """List schedules that the actor may see, newest first; of one agent or conversation if asked. Raises NOT_FOUND."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    if agent_id is not None:
        await access_agent(tx, actor, agent_id)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    rows = await tx.all(
        _Row,
        _SELECT
        + """
          and (%(agent)s::uuid is null or s.agent_id = %(agent)s)
          and (%(conversation)s::uuid is null or s.conversation_id = %(conversation)s)
          and (%(before)s::uuid is null or s.id < %(before)s)
        order by s.id desc limit %(limit)s
        """,
        _viewer(actor)
        | {
            "agent": agent_id,
            "conversation": conversation_id,
            "before": key[0] if key else None,
            "limit": size + 1,
        },
    )
    return page_of([_shown(row) for row in rows], size, lambda schedule: (schedule.id,))


async def get_schedule(tx: Tx, actor: Actor, schedule_id: UUID) -> Schedule:
    """Return a schedule that the actor may see. Raises NOT_FOUND."""
    found = await tx.find(_Row, _SELECT + " and s.id = %(id)s", _viewer(actor) | {"id": schedule_id})
    if found is None:
        raise NOT_FOUND("There is no such schedule, or it is not for you to see.")
    return _shown(found)


def _viewer(actor: Actor) -> Params:
    return {"actor": actor.id, "manages": is_allowed(actor, Permission.AGENTS_UPDATE)}


def _shown(row: _Row) -> Schedule:
    upcoming: list[datetime] = []
    if row.next_due_at is not None:
        upcoming = [row.next_due_at, *islice(occurrences(row.cron, row.timezone, row.next_due_at), SHOWN - 1)]
    return Schedule(**msgspec.structs.asdict(row), upcoming=upcoming)
