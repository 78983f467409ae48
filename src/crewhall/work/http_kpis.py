"""KPIs and trust over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.agents import AgentStatus
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.limits import RateLimit
from crewhall.kernel.paging import Page
from crewhall.work.kpis import KpiParts, metrics, queries
from crewhall.work.kpis.schemas import Evidence, KpiShown, Metric, NewMetric, RankedAgent, Reading
from crewhall.work.kpis.vocabulary import EvidenceKind

LIMIT = RateLimit("readings", burst=60, per_second=1)
Kind = Annotated[EvidenceKind | None, QueryParameter(description="Only this kind of evidence.")]
Role = Annotated[str | None, QueryParameter(max_length=255, description="Only agents with this role.")]
OfProject = Annotated[UUID | None, QueryParameter(description="Only agents of this project.")]
Sought = Annotated[str | None, QueryParameter(max_length=200, description="Part of name, code or role.")]


@get(
    "/{agent_id:uuid}/kpis",
    summary="List an agent's KPIs",
    description="Newest first: what was counted, the scores, and every term of trust.",
)
async def list_kpis(
    agent_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[KpiShown]:
    """List an agent's rows."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_kpis(tx, actor, agent_id, after=after, limit=limit)


@post(
    "/{agent_id:uuid}/kpis",
    summary="Calculate an agent's KPIs now",
    description="They are calculated by themselves after whatever counts; tasks also grow older. By owners and admins.",
)
async def calculate_kpis(
    agent_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> KpiShown:
    """Calculate now."""
    return await services.part(KpiParts).calculator.calculate_now(actor, agent_id)


@get(
    "/{agent_id:uuid}/evidence",
    summary="List what counts for an agent",
    description="What was noted last first. `amount` -1 takes back what does not hold any more.",
)
async def list_evidence(
    agent_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    kind: Kind = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Evidence]:
    """List what counts."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_evidence(tx, actor, agent_id, kind=kind, after=after, limit=limit)


@post(
    "/{agent_id:uuid}/metrics/{metric_name:str}",
    summary="Post a reading of a metric",
    description="By the agent itself, or who may change it. Its next figures have it, within a few seconds.",
    status_code=204,
)
async def post_reading(
    agent_id: FromPath[UUID],
    metric_name: FromPath[str],
    data: JSONBody[Reading],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Post a reading."""
    services.limiter.check(LIMIT, actor.id)
    async with services.db.transaction(actor) as tx:
        await metrics.post_reading(tx, actor, agent_id, metric_name, data.value)


@get("/", summary="List agents by trust", description="The most trusted first, with their latest figures.")
async def list_ranked_agents(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    status: FromQuery[AgentStatus | None] = None,
    role: Role = None,
    project: OfProject = None,
    q: Sought = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[RankedAgent]:
    """List agents beside each other."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_ranked(
            tx, actor, status=status, role=role, project=project, q=q, after=after, limit=limit
        )


@get("/", summary="List metrics of roles")
async def list_metrics(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Metric]:
    """List the metrics."""
    async with services.db.transaction(actor) as tx:
        return await metrics.list_metrics(tx, actor, after=after, limit=limit)


@post(
    "/",
    summary="Name a metric of a role",
    description="Posted by programs and agents, or counted: the events of a type that an agent told in 30 days.",
)
async def create_metric(
    data: JSONBody[NewMetric], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Metric:
    """Name a metric."""
    async with services.db.transaction(actor) as tx:
        return await metrics.create_metric(tx, actor, data)


@delete("/{metric_id:uuid}", summary="Delete a metric", description="What was read stays in the rows.")
async def delete_metric(
    metric_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Delete a metric."""
    async with services.db.transaction(actor) as tx:
        await metrics.delete_metric(tx, actor, metric_id)


ROUTERS = [
    api_router("/agents", [list_kpis, calculate_kpis, list_evidence, post_reading], tags=["KPIs"]),
    api_router("/leaderboard", [list_ranked_agents], tags=["KPIs"]),
    api_router("/metrics", [list_metrics, create_metric, delete_metric], tags=["KPIs"]),
]
