"""KPIs read: an agent's rows, the evidence that they are made of, agents beside each other."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from msgspec import structs

from crewhall.agents import AgentStatus, access_agent
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import Page, check_limit, decode_cursor, encode_cursor, page_of
from crewhall.work.kpis.schemas import Evidence, Kpi, KpiShown, RankedAgent
from crewhall.work.kpis.sums import reason_of
from crewhall.work.kpis.vocabulary import EvidenceKind

COLUMNS: LiteralString = """
agent_id, recorded_at, asked_by, counted, tasks_assigned, tasks_completed, tasks_ripe, ripe_completed, first_approvals,
approvals, change_requests, failing_pulls, bugs, deployment_failures, reworks, average_task_minutes, rejected_in_row,
recent_bugs, custom, quality, completion, overall, tasks_trend, quality_trend, overall_trend, term_quality,
term_completion, term_bugs, term_deployments, term_trend, deviation, term_steadiness, term_sum, start, evidence, trust,
concerns
"""
_ROWS: LiteralString = (
    "select "
    + COLUMNS
    + """
from kpis where org_id = any (current_orgs()) and agent_id = %(agent)s
  and (%(before)s::timestamptz is null or recorded_at < %(before)s)
order by recorded_at desc limit %(limit)s
"""
)
_EVIDENCE: LiteralString = """
select position, kind, about, subject, cause, amount, value, at from kpi_evidence
where org_id = any (current_orgs()) and agent_id = %(agent)s and kind <> 'calculation'
  and (%(kind)s::text is null or kind = %(kind)s) and (%(before)s::bigint is null or position < %(before)s)
order by position desc limit %(limit)s
"""
_RANKED: LiteralString = """
select a.id, a.code, a.name, a.role_title, a.status, presence_of(a) as presence, a.project_id,
       a.trust_score::float8 as trust, k.recorded_at, k.overall, k.quality, k.completion, k.tasks_completed, k.bugs,
       k.deployment_failures, k.evidence, k.overall_trend, k.custom
from agents a
left join kpi_sums s on s.org_id = a.org_id and s.agent_id = a.id
left join kpis k on k.agent_id = s.agent_id and k.recorded_at = s.recorded_at and k.org_id = a.org_id
where a.org_id = any (current_orgs()) and a.deleted_at is null and a.visibility <> 'hidden' and may_see_agent(a)
  and a.status <> 'terminated' and (%(status)s::text is null or a.status = %(status)s)
  and (%(role)s::text is null or lower(a.role_title) = lower(%(role)s))
  and (%(project)s::uuid is null or a.project_id = %(project)s)
  and (%(q)s::text is null or position(lower(%(q)s) in lower(a.name || ' ' || a.code || ' ' || a.role_title)) > 0)
  and (%(trust)s::numeric is null or (a.trust_score, a.id) < (%(trust)s::numeric, %(id)s::uuid))
order by a.trust_score desc, a.id desc limit %(limit)s
"""


async def list_kpis(
    tx: Tx, actor: Actor, agent_id: UUID, *, after: str | None = None, limit: int | None = None
) -> Page[KpiShown]:
    """List an agent's rows, newest first. Raises NOT_FOUND, FORBIDDEN."""
    await access_agent(tx, actor, agent_id)
    size = check_limit(limit)
    key = decode_cursor(after, datetime)
    rows = await tx.all(Kpi, _ROWS, {"agent": agent_id, "before": key[0] if key else None, "limit": size + 1})
    return page_of([shown(row) for row in rows], size, lambda row: (row.recorded_at,))


async def list_evidence(
    tx: Tx,
    actor: Actor,
    agent_id: UUID,
    *,
    kind: EvidenceKind | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Evidence]:
    """List what counts for an agent or against it, what was noted last first. Raises NOT_FOUND, FORBIDDEN."""
    await access_agent(tx, actor, agent_id)
    size = check_limit(limit)
    key = decode_cursor(after, int)
    values = {"agent": agent_id, "kind": kind and str(kind), "before": key[0] if key else None, "limit": size + 1}
    return page_of(await tx.all(Evidence, _EVIDENCE, values), size, lambda row: (row.position,))


async def list_ranked(
    tx: Tx,
    actor: Actor,
    *,
    status: AgentStatus | None = None,
    role: str | None = None,
    project: UUID | None = None,
    q: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[RankedAgent]:
    """List agents that are in lists, the most trusted first. Raises FORBIDDEN."""
    check_permission(actor, Permission.AGENTS_READ)
    size = check_limit(limit)
    key = decode_cursor(after, str, UUID)
    values = {
        "status": status and str(status), "role": role or None, "project": project, "q": q or None,
        "trust": key[0] if key else None, "id": key[1] if key else None, "limit": size + 1,
    }  # fmt: skip
    return page_of(await tx.all(RankedAgent, _RANKED, values), size, lambda row: (f"{row.trust:.2f}", row.id))


def place_of(row: Kpi) -> str:
    """Where a row stands, as `after` takes it."""
    return encode_cursor(row.recorded_at)


def shown(row: Kpi) -> KpiShown:
    """A row with its reason."""
    return KpiShown(**structs.asdict(row), reason=reason_of(row.counted, row.asked_by or ""))
