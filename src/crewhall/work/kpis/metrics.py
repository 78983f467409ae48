"""What roles are measured by besides: metrics that an organization names, and what they read."""

from typing import LiteralString
from uuid import UUID

from psycopg.errors import UniqueViolation

from crewhall.agents import access_agent
from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.work.kpis.noting import note
from crewhall.work.kpis.schemas import Metric, NewMetric
from crewhall.work.kpis.vocabulary import MetricSource, NewsKind
from crewhall.work.timeline_kinds import check_event_types

MOST_METRICS = 50
_COLUMNS: LiteralString = """
select id, name, label, unit, role_title, source, event_type, lowest, highest, created_at from kpi_metrics
where org_id = any (current_orgs())
"""
_OF_ROLE: LiteralString = " and role_title in ('', %(role)s) order by name"
_PAGE: LiteralString = " and (%(after)s::text is null or name > %(after)s) order by name limit %(limit)s"
_ONE: LiteralString = " and id = %(id)s"
_INSERT: LiteralString = """
insert into kpi_metrics (id, org_id, name, label, unit, role_title, source, event_type, lowest, highest, created_by)
values (%(id)s, %(org)s, %(name)s, %(label)s, %(unit)s, %(role_title)s, %(source)s, %(event_type)s, %(lowest)s,
        %(highest)s, %(by)s)
"""


async def list_metrics(tx: Tx, actor: Actor, *, after: str | None = None, limit: int | None = None) -> Page[Metric]:
    """List the organization's metrics by name. Raises FORBIDDEN."""
    check_permission(actor, Permission.AGENTS_READ)
    size = check_limit(limit)
    key = decode_cursor(after, str)
    rows = await tx.all(Metric, _COLUMNS + _PAGE, {"after": key[0] if key else None, "limit": size + 1})
    return page_of(rows, size, lambda row: (row.name,))


async def metrics_of(tx: Tx, role_title: str) -> list[Metric]:
    """What agents of a role are measured by besides."""
    return await tx.all(Metric, _COLUMNS + _OF_ROLE, {"role": role_title})


async def create_metric(tx: Tx, actor: Actor, data: NewMetric) -> Metric:
    """Name a metric. Raises FORBIDDEN, INVALID, CONFLICT (the name is taken, or there are too many)."""
    check_permission(actor, Permission.AGENTS_UPDATE)
    if (data.source is MetricSource.EVENTS) != (data.event_type is not None):
        raise INVALID("A metric that counts events says of which type; every other has none.", field="event_type")
    check_event_types([data.event_type] if data.event_type else None)
    if data.lowest is not None and data.highest is not None and data.lowest > data.highest:
        raise INVALID("The lowest value is above the highest.", field="lowest")
    if await tx.value("select count(*) from kpi_metrics where org_id = %(org)s", {"org": actor.org}) >= MOST_METRICS:
        raise CONFLICT(f"An organization has at most {MOST_METRICS} metrics. Delete one first.")
    metric_id = new_id()
    values = {
        "id": metric_id, "org": actor.org, "name": data.name, "label": data.label.strip(), "unit": data.unit.strip(),
        "role_title": data.role_title.strip(), "source": str(data.source), "event_type": data.event_type,
        "lowest": data.lowest, "highest": data.highest, "by": actor.id,
    }  # fmt: skip
    try:
        await tx.run(_INSERT, values)
    except UniqueViolation as error:
        raise CONFLICT("Another metric has this name. Choose another.", field="name") from error
    await audit.record(tx, actor, "metric.created", "metric", metric_id, {"name": data.name})
    return await access_metric(tx, metric_id)


async def access_metric(tx: Tx, metric_id: UUID) -> Metric:
    """One metric. Raises NOT_FOUND."""
    found = await tx.find(Metric, _COLUMNS + _ONE, {"id": metric_id})
    if found is None:
        raise NOT_FOUND("There is no such metric.")
    return found


async def delete_metric(tx: Tx, actor: Actor, metric_id: UUID) -> None:
    """Measure by it no more; what was read stays in the rows. Raises FORBIDDEN, NOT_FOUND."""
    check_permission(actor, Permission.AGENTS_UPDATE)
    metric = await access_metric(tx, metric_id)
    await tx.run("delete from kpi_metrics where org_id = %(org)s and id = %(id)s", {"org": actor.org, "id": metric_id})
    await audit.record(tx, actor, "metric.deleted", "metric", metric_id, {"name": metric.name})


async def post_reading(tx: Tx, actor: Actor, agent_id: UUID, name: str, value: float) -> None:
    """Note what a metric of an agent reads now. Its next figures have it.

    The agent itself posts, or who may change it. Raises NOT_FOUND, FORBIDDEN, INVALID (not of its role, counted by
    itself, out of range).
    """
    is_itself = actor.type is ActorType.AGENT and actor.id == agent_id
    if actor.type is ActorType.AGENT and not is_itself:
        raise FORBIDDEN("An agent posts what it is measured by itself, and of no other.")
    agent = await access_agent(tx, actor, agent_id, "see" if is_itself else "update")
    for one in actor.behalf:
        if one.id != agent_id:
            check_permission(one, Permission.AGENTS_UPDATE)
    metric = next((one for one in await metrics_of(tx, agent.role_title) if one.name == name), None)
    if metric is None:
        raise NOT_FOUND(f"Agents of this role are not measured by {name[:40]}.")
    if metric.source is not MetricSource.POSTED:
        raise INVALID(f"{metric.label} is counted from the timeline: nobody posts it.", field="name")
    below = metric.lowest is not None and value < metric.lowest
    if below or (metric.highest is not None and value > metric.highest):
        low, high = ("any" if one is None else f"{one:g}" for one in (metric.lowest, metric.highest))
        raise INVALID(f"{metric.label} is from {low} to {high}.", field="value")
    await note(tx, actor.org, NewsKind.METRIC, name, {"value": round(value, 4)}, agent_id=agent_id)
