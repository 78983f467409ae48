"""An agent's figures calculated: what is new is added to its sums, a row is written, and what follows is done and told.

One short transaction for each agent, with the organization's lock, so that no evidence commits behind a calculation.
"""

from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct, structs, to_builtins
from psycopg.types.json import Jsonb

from crewhall.agents import access_agent
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.work.kpis.formulas import RIPE_DAYS, STEADY_ROWS, Start, calculate
from crewhall.work.kpis.queries import list_kpis
from crewhall.work.kpis.schemas import KpiShown
from crewhall.work.kpis.settling import BATCH, Settling
from crewhall.work.kpis.standing import settle_standing
from crewhall.work.kpis.sums import Calculated, Growth, Measured, Sums, grown, past_of, row_of
from crewhall.work.kpis.telling import tell_figures, tell_trust

_LOCK: LiteralString = """
select pg_advisory_xact_lock(hashtextextended('crewhall.kpis', 0) # hashtextextended(%(org)s::text, 0))
"""
_AGENT: LiteralString = """
with locked as materialized (
    select pg_advisory_xact_lock(hashtextextended('crewhall.kpis', 0) # hashtextextended(%(org)s::text, 0)))
select a.id, a.code, a.name, a.status, a.role_title, a.trust_score::float8 as trust, a.owner_user_id
from locked, agents a where a.org_id = %(org)s and a.id = %(agent)s and a.deleted_at is null for no key update of a
"""
_TAKE: LiteralString = """
with taken as (
    delete from kpi_news where org_id = %(org)s and agent_id = %(agent)s and kind in ('request', 'trust')
    returning id, kind, detail)
select count(*) as count,
       (array_agg((detail ->> 'trust')::float8 order by id desc) filter (where kind = 'trust'))[1] as trust,
       exists (select from kpi_metrics m where m.org_id = %(org)s and m.source = 'events') as counts_events
from taken
"""
_SUMS: LiteralString = """
select position, ripe_at, recorded_at, tasks_assigned, tasks_completed, tasks_ripe, ripe_completed,
       first_approvals, approvals, change_requests, failing_pulls, bugs, deployment_failures, reworks, minutes, timed,
       past, custom, start::float8 as start, start_evidence, concerns, excused,
       clock_timestamp() as now
from kpi_sums where org_id = %(org)s and agent_id = %(agent)s
"""
_BEGIN: LiteralString = """
insert into kpi_sums (agent_id, org_id) values (%(agent)s, %(org)s) on conflict do nothing
"""
_SET_TRUST: LiteralString = """
insert into kpi_evidence (org_id, agent_id, kind, about, subject, value, at)
values (%(org)s, %(agent)s, 'trust_set', 'trust', 'trust', %(trust)s, clock_timestamp())
"""
_COUNT_EVENTS: LiteralString = """
insert into kpi_evidence (org_id, agent_id, kind, about, subject, value, at)
select %(org)s, %(agent)s, 'metric', 'metric:' || m.name, m.name, c.count, clock_timestamp()
from kpi_metrics m cross join lateral (
    select count(*) as count from events e
    where e.org_id = %(org)s and e.author_id = %(agent)s and e.type = m.event_type
      and e.timestamp > clock_timestamp() - interval '30 days') c
where m.org_id = %(org)s and m.source = 'events' and m.role_title in ('', %(role)s)
  and c.count is distinct from (%(custom)s::jsonb ->> m.name)::numeric
"""
_GROWTH: LiteralString = """
select counted, tasks_assigned, tasks_completed, tasks_ripe, ripe_completed, first_approvals, approvals,
       change_requests, failing_pulls, bugs, deployment_failures, reworks, minutes, timed, rejected_in_row, recent_bugs
from kpi_growth(%(agent)s, %(after)s, %(ripe_from)s, %(ripe_to)s)
"""
_READINGS: LiteralString = """
select distinct on (e.kind, e.subject) e.kind, e.subject, e.value::float8 as value from kpi_evidence e
where e.org_id = %(org)s and e.agent_id = %(agent)s and e.position > %(after)s and e.kind in ('metric', 'trust_set')
order by e.kind, e.subject, e.position desc
"""
_KEEP: LiteralString = """
with marked as (
    insert into kpi_evidence (org_id, agent_id, kind, about, subject, at)
    values (%(org)s, %(agent)s, 'calculation', 'calculation', %(asked_by)s, %(now)s) returning position
), kept as (
    insert into kpis (agent_id, recorded_at, org_id, position, asked_by, counted, tasks_assigned, tasks_completed,
        tasks_ripe, ripe_completed, first_approvals, approvals, change_requests, failing_pulls, bugs,
        deployment_failures, reworks, average_task_minutes, rejected_in_row, recent_bugs, custom, quality, completion,
        overall, tasks_trend, quality_trend, overall_trend, term_quality, term_completion, term_bugs,
        term_deployments, term_trend, deviation, term_steadiness, term_sum, start, evidence, trust, concerns)
    select %(agent)s, %(now)s, %(org)s, m.position, nullif(%(asked_by)s, ''), %(counted)s, %(tasks_assigned)s,
        %(tasks_completed)s, %(tasks_ripe)s, %(ripe_completed)s, %(first_approvals)s, %(approvals)s,
        %(change_requests)s, %(failing_pulls)s, %(bugs)s, %(deployment_failures)s, %(reworks)s,
        %(average_task_minutes)s, %(rejected_in_row)s, %(recent_bugs)s, %(custom)s, %(quality)s, %(completion)s,
        %(overall)s, %(tasks_trend)s, %(quality_trend)s, %(overall_trend)s, %(term_quality)s, %(term_completion)s,
        %(term_bugs)s, %(term_deployments)s, %(term_trend)s, %(deviation)s, %(term_steadiness)s, %(term_sum)s,
        %(start)s, %(evidence)s, %(trust)s, %(concerns)s
    from marked m
)
update kpi_sums s set position = m.position, ripe_at = %(ripe_to)s, recorded_at = %(now)s,
    tasks_assigned = %(tasks_assigned)s, tasks_completed = %(tasks_completed)s, tasks_ripe = %(tasks_ripe)s,
    ripe_completed = %(ripe_completed)s, first_approvals = %(first_approvals)s, approvals = %(approvals)s,
    change_requests = %(change_requests)s, failing_pulls = %(failing_pulls)s, bugs = %(bugs)s,
    deployment_failures = %(deployment_failures)s, reworks = %(reworks)s, minutes = %(minutes)s, timed = %(timed)s,
    past = %(past)s, custom = %(custom)s, start = %(start)s, start_evidence = %(start_evidence)s,
    concerns = %(concerns)s, excused = %(excused)s
from marked m where s.org_id = %(org)s and s.agent_id = %(agent)s
"""


class _Asked(Struct):
    count: int
    trust: float | None
    counts_events: bool


class _Reading(Struct):
    kind: str
    subject: str
    value: float


class Calculator:
    """Calculates what there is news of, one organization at a time."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def calculate_all(self, org_id: UUID) -> int:
        """Settle an organization's news and calculate the agents that they concern; gives how many rows were made."""
        while await self._settle(org_id) == BATCH:
            pass
        system = system_actor(org_id)
        async with self._db.transaction(system) as tx:
            agents = await tx.values(
                "select distinct agent_id from kpi_news where org_id = %(org)s and kind in ('request', 'trust')",
                {"org": org_id},
            )
        made = 0
        for agent_id in sorted(agents):
            async with self._db.transaction(system) as tx:
                made += await calculate_agent(tx, system, agent_id) is not None
        return made

    async def calculate_now(self, actor: Actor, agent_id: UUID) -> KpiShown:
        """Calculate an agent's figures because somebody asks. Raises NOT_FOUND, FORBIDDEN."""
        async with self._db.transaction(actor) as tx:
            check_permission(actor, Permission.AGENTS_UPDATE)
            await access_agent(tx, actor, agent_id)
        while await self._settle(actor.org) == BATCH:
            pass
        system = system_actor(actor.org)
        async with self._db.transaction(system) as tx:
            await calculate_agent(tx, system, agent_id, asked_by=actor.name or "Somebody")
        async with self._db.transaction(actor) as tx:
            return (await list_kpis(tx, actor, agent_id, limit=1)).items[0]

    async def _settle(self, org_id: UUID) -> int:
        async with self._db.transaction(system_actor(org_id)) as tx:
            await tx.run(_LOCK, {"org": org_id})
            return await Settling(tx, org_id).turn()


async def calculate_agent(tx: Tx, system: Actor, agent_id: UUID, *, asked_by: str = "") -> Calculated | None:
    """Calculate an agent's figures of what is settled; None where nobody asked, or there is no such agent."""
    key = {"org": system.org, "agent": agent_id}
    agent = await tx.find(Measured, _AGENT, key)
    asked = await tx.one(_Asked, _TAKE, key)
    if agent is None or not (asked.count or asked_by):
        return None
    sums = await _sums(tx, agent, key)
    if asked.trust is not None:
        await tx.run(_SET_TRUST, {**key, "trust": asked.trust})
    if asked.counts_events:
        await tx.run(_COUNT_EVENTS, {**key, "role": agent.role_title, "custom": Jsonb(sums.custom)})
    done = await _work_out(tx, agent, sums, key, asked_by)
    await tell_figures(tx, system, done)
    await tell_trust(tx, system, done)
    await settle_standing(tx, system, done)
    return done


async def _sums(tx: Tx, agent: Measured, key: dict[str, Any]) -> Sums:
    """What was counted so far; of an agent that is calculated first, nothing, and the trust that it has."""
    found = await tx.find(Sums, _SUMS, key)
    if found is not None:
        return found
    await tx.run(_BEGIN, key)
    if agent.trust != Start().trust:
        await tx.run(_SET_TRUST, {**key, "trust": agent.trust})
    return await tx.one(Sums, _SUMS, key)


async def _work_out(tx: Tx, agent: Measured, sums: Sums, key: dict[str, Any], asked_by: str) -> Calculated:
    now = max(sums.now, sums.recorded_at + timedelta(microseconds=1)) if sums.recorded_at else sums.now
    ripe_to = now - timedelta(days=RIPE_DAYS)
    values = {**key, "after": sums.position, "ripe_from": sums.ripe_at or "-infinity", "ripe_to": ripe_to}
    growth = await tx.one(Growth, _GROWTH, values)
    counts = grown(sums, growth)
    custom, start = sums.custom, Start(sums.start, sums.start_evidence)
    if growth.counted.keys() & {"metric", "trust_set"}:
        readings = await tx.all(_Reading, _READINGS, values)
        custom = custom | {one.subject: one.value for one in readings if one.kind == "metric"}
        set_to = [one.value for one in readings if one.kind == "trust_set"]
        start = Start(set_to[0], counts.evidence) if set_to else start
    figures = calculate(counts, sums.past, start)
    past = [*sums.past, past_of(figures, counts)][1 - STEADY_ROWS :]
    excused = [one for one in sums.excused if one in figures.concerns]
    await tx.run(
        _KEEP,
        {
            **structs.asdict(counts), **row_of(figures), **key, "now": now, "ripe_to": ripe_to, "asked_by": asked_by,
            "counted": Jsonb(growth.counted), "custom": Jsonb(custom), "start_evidence": start.evidence,
            "average_task_minutes": counts.average_task_minutes, "past": Jsonb(to_builtins(past)), "excused": excused,
        },
    )  # fmt: skip
    return Calculated(
        agent=agent, recorded_at=now, counts=counts, before=sums.past[-1] if sums.past else None, past=sums.past,
        figures=figures, counted=growth.counted, asked_by=asked_by, excused=excused,
    )  # fmt: skip
