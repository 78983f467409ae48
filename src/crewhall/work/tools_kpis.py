"""What agents, and whoever comes through MCP, can read of KPIs and trust."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.kernel.actor import ActorType
from crewhall.kernel.errors import INVALID
from crewhall.kernel.tools import Caller, Risk, Tool, described
from crewhall.work.kpis import metrics, queries
from crewhall.work.kpis.schemas import KpiShown, MetricName, Number, RankedAgent

MOST = 50


class ReadKpis(Struct, forbid_unknown_fields=True, kw_only=True):
    """Read an agent's KPIs, newest first: the scores, what they were calculated for, every term of its trust."""

    agent_id: Annotated[UUID, Meta(description="Whose; your own where there is none.")] | None = None
    after: Annotated[str, Meta(description="The `next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST, description="How many at most.")] = 5


class ShownKpi(Struct, kw_only=True):
    """An agent's figures at a moment. `terms` add up to `sum`, which counts more the more evidence there is."""

    recorded_at: datetime
    reason: str
    trust: float
    start: float
    evidence: int
    terms: dict[str, float]
    sum: float
    overall: float
    overall_trend: str
    quality: float
    completion: float
    tasks_completed: int
    bugs: int
    deployment_failures: int
    concerns: list[str]
    custom: dict[str, float]


class ShownKpis(Struct):
    """A page of figures. `next` is given back as `after`."""

    kpis: list[ShownKpi]
    next: str | None = None


class ReadLeaderboard(Struct, forbid_unknown_fields=True, kw_only=True):
    """Read which agents there are, the most trusted first, with their latest figures."""

    role: Annotated[str, Meta(max_length=255, description="Only agents with this role.")] | None = None
    query: Annotated[str, Meta(max_length=200, description="Part of name, code or role.")] | None = None
    after: Annotated[str, Meta(description="The `next` of the page before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST, description="How many at most.")] = 20


class Ranked(Struct):
    """A page of agents. `next` is given back as `after`."""

    agents: list[RankedAgent]
    next: str | None = None


class PostReading(Struct, forbid_unknown_fields=True, kw_only=True):
    """Post what a metric of yours reads now; your role's metrics are those that the organization named."""

    name: MetricName
    value: Number


class Posted(Struct):
    """What was posted."""

    name: str
    value: float


async def read_kpis(caller: Caller, asked: ReadKpis) -> ShownKpis:
    """A page of an agent's figures."""
    agent_id = asked.agent_id or (caller.actor.id if caller.actor.type is ActorType.AGENT else None)
    if agent_id is None:
        raise INVALID("Say of which agent.", field="agent_id")
    async with caller.db.transaction(caller.actor) as tx:
        page = await queries.list_kpis(tx, caller.actor, agent_id, after=asked.after, limit=asked.limit)
    return ShownKpis([_shown(one) for one in page.items], page.next)


async def read_leaderboard(caller: Caller, asked: ReadLeaderboard) -> Ranked:
    """A page of agents."""
    async with caller.db.transaction(caller.actor) as tx:
        page = await queries.list_ranked(
            tx, caller.actor, role=asked.role, q=asked.query, after=asked.after, limit=asked.limit
        )
    return Ranked(page.items, page.next)


async def post_reading(caller: Caller, asked: PostReading) -> Posted:
    """Post a reading of the caller's own."""
    if caller.actor.type is not ActorType.AGENT:
        raise INVALID("Agents are measured. Post for one over the API.", field="name")
    async with caller.db.transaction(caller.actor) as tx:
        await metrics.post_reading(tx, caller.actor, caller.actor.id, asked.name, asked.value)
    return Posted(asked.name, asked.value)


def _shown(one: KpiShown) -> ShownKpi:
    terms = {
        "quality": one.term_quality, "completion": one.term_completion, "bugs": one.term_bugs,
        "deployments": one.term_deployments, "trend": one.term_trend, "steadiness": one.term_steadiness,
    }  # fmt: skip
    return ShownKpi(
        recorded_at=one.recorded_at, reason=one.reason, trust=one.trust, start=one.start, evidence=one.evidence,
        terms=terms, sum=one.term_sum, overall=one.overall, overall_trend=str(one.overall_trend), quality=one.quality,
        completion=one.completion, tasks_completed=one.tasks_completed, bugs=one.bugs,
        deployment_failures=one.deployment_failures, concerns=[str(concern) for concern in one.concerns],
        custom=one.custom,
    )  # fmt: skip


TOOLS = (
    Tool(
        "read_kpis", described(ReadKpis), ReadKpis, read_kpis,
        is_repeatable=True, gives=ShownKpis, title="Read KPIs", risk=Risk.READ,
    ),
    Tool(
        "read_leaderboard", described(ReadLeaderboard), ReadLeaderboard, read_leaderboard,
        is_repeatable=True, gives=Ranked, title="Read the leaderboard", risk=Risk.READ,
    ),
    Tool(
        "post_reading", described(PostReading), PostReading, post_reading,
        is_repeatable=True, gives=Posted, title="Post a reading", is_idempotent=True,
        effect=lambda asked: f"It would note that its {asked.name} reads {asked.value:g}.",
    ),
)  # fmt: skip
