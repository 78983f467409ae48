"""Reads of runs, their steps, decisions, and the process that decides.

Whoever may read a conversation may see its runs and decisions. What an agent was given and did inside a run is for who
may manage agents, and for its owner; of that, what quotes other conversations for who may read those.
"""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.agents import access_agent
from crewhall.conversations import Verb, access_conversation, has_access
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.runtime.explanations import explain
from crewhall.runtime.quotes import sealed_for
from crewhall.runtime.runs import OPEN, access_run
from crewhall.runtime.schemas import ConversationRuntime, Run, RunAgent, RunAuthor, RunDetail, RunStep, TurnDecision
from crewhall.runtime.summaries import without_dropped
from crewhall.runtime.vocabulary import Cause, Outcome, Reason, RunStatus

_AUTHOR: LiteralString = """
json_build_object('type', x.author_type, 'id', x.author_id, 'name', case x.author_type
    when 'system' then 'Crewhall'
    when 'user' then coalesce((select u.name from users u where u.id = x.author_id), former_name(x.author_id), '')
    else coalesce((select g.name from agents g where g.id = x.author_id), '') end) as author
"""
_AGENT: LiteralString = "json_build_object('id', a.id, 'code', a.code, 'name', a.name) as agent"
_COLUMNS: LiteralString = (
    """
select x.id, json_build_object('id', c.id, 'kind', c.kind, 'name', c.name, 'title', c.title, 'partner', p.name)
       as conversation,
       """
    + _AGENT
    + ","
    + _AUTHOR
    + """,
       x.status, x.cause, x.exchange_id, x.message_id, x.message_seq, x.parent_id, x.prompt, x.answer_id,
       (select r.seq from message_records r where r.id = x.answer_id limit 1) as answer_seq,
       x.is_remote, x.runtime_id, x.attempt, x.waits, x.seen_seq, x.model, x.requests, x.input_tokens, x.cached_tokens,
       x.output_tokens, x.cost, x.currency, x.price_id, x.reason,
       x.detail, x.cancel_requested_at, x.created_at, x.started_at, x.completed_at, x.updated_at,
       (select json_build_object('type', w.type, 'id', w.id, 'name', w.name) from (
            select 'user' as type, u.id, u.name from users u where u.id = x.canceled_by
            union all
            select 'agent', k.id, k.name from agents k where k.id = x.canceled_by
            union all
            select 'user', f.id, f.name from (select x.canceled_by as id, former_name(x.canceled_by) as name) f
            where f.name is not null) w) as canceled_by,
       case when x.status = 'waiting' then case when exists (
           select from approvals w where w.run_id = x.id and w.status = 'waiting') then 'decision' else 'program' end
       end as waits_for
from runs x
join conversations c on c.id = x.conversation_id and c.deleted_at is null
join agents a on a.id = x.agent_id
left join conversation_members k
  on k.conversation_id = c.id and k.member_type = %(actor_type)s and k.member_id = %(actor)s
left join lateral (
    select coalesce(w.name, g.name) as name from conversation_members o
    left join users w on o.member_type = 'user' and w.id = o.member_id
    left join agents g on o.member_type = 'agent' and g.id = o.member_id
    where c.kind = 'direct' and o.conversation_id = c.id and (o.member_type, o.member_id) <> (%(actor_type)s, %(actor)s)
      and o.role <> 'reader'
    order by o.member_type limit 1) p on true
where x.org_id = any (current_orgs())
"""
)
_LIST: LiteralString = (
    _COLUMNS
    + """
  and (k.member_id is not null or %(is_system)s or (c.type = 'public' and %(reads_public)s)
       or (c.type = 'system' and %(sees_system)s))
  and (%(conversation)s::uuid is null or x.conversation_id = %(conversation)s)
  and (%(agent)s::uuid is null or x.agent_id = %(agent)s)
  and (%(status)s::text is null or x.status = %(status)s)
  and (%(before)s::uuid is null or x.id < %(before)s)
order by x.id desc limit %(limit)s
"""
)
_ONE: LiteralString = _COLUMNS + " and x.id = %(id)s"

_STEPS: LiteralString = """
select s.ordinal, s.attempt, s.kind, s.key, s.body ->> 'tool' as tool,
       (s.body #>> '{response,usage,input_tokens}')::integer as input_tokens,
       (s.body #>> '{response,usage,output_tokens}')::integer as output_tokens,
       s.cost, s.currency, s.duration_ms, s.created_at, case when %(may_inspect)s then s.body end as body
from run_steps s where s.run_id = %(run)s and (%(after)s::integer is null or s.ordinal > %(after)s)
order by s.ordinal limit %(limit)s
"""

_DECISIONS: LiteralString = (
    "select x.id,"
    + _AGENT
    + ","
    + _AUTHOR
    + """, x.outcome, x.reason, x.cause, x.message_id, x.message_seq, x.run_id, x.until, x.epoch, x.created_at
from turn_decisions x join agents a on a.id = x.agent_id
where x.org_id = any (current_orgs()) and x.conversation_id = %(conversation)s
  and (%(agent)s::uuid is null or x.agent_id = %(agent)s)
  and (%(message)s::uuid is null or x.message_id = %(message)s)
  and (%(before)s::uuid is null or x.id < %(before)s)
order by x.id desc limit %(limit)s
"""
)


MOST_TOGETHER = 50
"""As many of the messages that one turn is for are named; one more says that there are others."""
_TOGETHER: LiteralString = """
select d.message_seq from turn_decisions d
where d.org_id = any (current_orgs()) and d.run_id = %(run)s and d.outcome = 'speak' and d.message_seq is not null
union
select d.message_seq from (
    select * from turn_decisions
    where org_id = any (current_orgs()) and conversation_id = %(conversation)s and id > %(run)s
    order by id limit 1000) d
where d.agent_id = %(agent)s and d.outcome = 'silent' and d.reason = 'covered'
  and d.message_seq > %(asked)s and d.message_seq <= %(seen)s
order by message_seq limit %(most)s + 1
"""


class _Decided(msgspec.Struct, kw_only=True):
    id: UUID
    agent: RunAgent
    author: RunAuthor
    outcome: Outcome
    reason: Reason
    cause: Cause
    message_id: UUID | None
    message_seq: int | None
    run_id: UUID | None
    until: datetime | None
    epoch: int
    created_at: datetime


async def list_runs(
    tx: Tx,
    actor: Actor,
    *,
    conversation_id: UUID | None = None,
    agent_id: UUID | None = None,
    status: RunStatus | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Run]:
    """List runs of the conversations that the actor may read, newest first.

    Raises NOT_FOUND for a conversation or agent that it may not see.
    """
    size, key = check_limit(limit), decode_cursor(after, UUID)
    if conversation_id is not None:
        await access_conversation(tx, actor, conversation_id, Verb.READ)
    if agent_id is not None:
        await access_agent(tx, actor, agent_id)
    values = {
        **_viewer(actor),
        "conversation": conversation_id,
        "agent": agent_id,
        "status": str(status) if status else None,
        "before": key[0] if key else None,
        "limit": size + 1,
    }
    # A plan that is kept for any page knows of no limit: it looks up everything about all runs, for seconds.
    await tx.run("set local plan_cache_mode = force_custom_plan")
    rows = await tx.all(Run, _LIST, values)
    return page_of(rows, size, lambda run: (run.id,))


async def get_run(tx: Tx, actor: Actor, run_id: UUID) -> RunDetail:
    """Return a run of a conversation that the actor may read; raises NOT_FOUND."""
    found = await access_run(tx, actor, run_id)
    shown = await tx.one(Run, _ONE, {**_viewer(actor), "id": run_id})
    return RunDetail(
        **msgspec.structs.asdict(shown),
        may_inspect=await may_inspect(tx, actor, found.agent_id),
        may_cancel=found.status in OPEN and await has_access(tx, actor, found.conversation_id, Verb.POST),
    )


async def list_together(tx: Tx, run: Run) -> list[int]:
    """The seqs of the messages that a turn is for: those it was decided for, and what it read in time.

    At most `MOST_TOGETHER` and one. The caller has accessed the run.
    """
    values = {"run": run.id, "conversation": run.conversation.id, "agent": run.agent.id}
    asked: dict[str, int | None] = {"asked": run.message_seq, "seen": run.seen_seq, "most": MOST_TOGETHER}
    return await tx.values(_TOGETHER, values | asked)


async def list_steps(
    tx: Tx, actor: Actor, run_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[RunStep]:
    """List what a run recorded, in order. What is inside is shown to who may see it; raises NOT_FOUND."""
    size, key = check_limit(limit), decode_cursor(after, int)
    run = await access_run(tx, actor, run_id)
    values = {
        "run": run_id,
        "may_inspect": await may_inspect(tx, actor, run.agent_id),
        "after": key[0] if key else None,
        "limit": size + 1,
    }
    rows = await tx.all(RunStep, _STEPS, values)
    if values["may_inspect"]:
        sealed = await sealed_for(tx, actor, run_id)
        rows = [
            msgspec.structs.replace(row, body=None, is_sealed=True) if sealed.covers(row.ordinal, row.kind) else row
            for row in rows
        ]
        rows = await without_dropped(tx, run_id, rows)
    return page_of(rows, size, lambda step: (step.ordinal,))


async def list_decisions(
    tx: Tx,
    actor: Actor,
    conversation_id: UUID,
    *,
    agent_id: UUID | None = None,
    message_id: UUID | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[TurnDecision]:
    """List what was decided in a conversation, newest first; of one agent or one message if asked. Raises NOT_FOUND."""
    size, key = check_limit(limit), decode_cursor(after, UUID)
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    values = {
        "conversation": conversation_id,
        "agent": agent_id,
        "message": message_id,
        "before": key[0] if key else None,
        "limit": size + 1,
    }
    rows = [_explained(row) for row in await tx.all(_Decided, _DECISIONS, values)]
    return page_of(rows, size, lambda decision: (decision.id,))


async def get_conversation_runtime(tx: Tx, actor: Actor, conversation_id: UUID) -> ConversationRuntime:
    """Return who decides for a conversation; raises NOT_FOUND."""
    await access_conversation(tx, actor, conversation_id, Verb.READ)
    return await tx.one(
        ConversationRuntime,
        """
        select r.conversation_id, r.shard, r.status, r.controller_id, r.region, r.epoch,
               nullif(r.lease_until, '-infinity') as lease_until, r.public_key, r.last_active_at,
               (select count(*) from runs x where x.conversation_id = r.conversation_id
                   and x.status in ('queued', 'running', 'waiting')) as open_runs,
               (select count(*) from turn_triggers t where t.conversation_id = r.conversation_id) as waiting_triggers,
               (select coalesce(json_agg(json_build_object(
                    'agent_id', a.agent_id, 'runtime_id', a.runtime_id, 'since', a.created_at)
                    order by a.created_at), '[]')
                from conversation_agent_runtimes a
                where a.org_id = r.org_id and a.conversation_id = r.conversation_id) as agent_runtimes
        from conversation_runtimes r where r.conversation_id = %(id)s
        """,
        {"id": conversation_id},
    )


async def may_inspect(tx: Tx, actor: Actor, agent_id: UUID) -> bool:
    """Whether the actor may see inside an agent's runs: it manages agents, or owns this one (deleted or not)."""
    if is_allowed(actor, Permission.AGENTS_UPDATE):
        return True
    owner = await tx.value("select owner_user_id from agents where id = %(id)s", {"id": agent_id})
    return actor.type is ActorType.USER and owner == actor.id


def _explained(row: _Decided) -> TurnDecision:
    explanation = explain(row.agent.name, row.cause, row.outcome, row.reason)
    return TurnDecision(**msgspec.structs.asdict(row), explanation=explanation)


def _viewer(actor: Actor) -> Params:
    return {
        "actor": actor.id,
        "actor_type": str(actor.type),
        "is_system": actor.type is ActorType.SYSTEM,
        "reads_public": is_allowed(actor, Permission.ORGANIZATION_READ),
        "sees_system": is_allowed(actor, Permission.CHANNELS_SYSTEM),
    }
