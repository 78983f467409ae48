"""KPIs and trust: what counts for agents, what is calculated of it, agents beside each other."""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's figures at a moment, with every term of trust; `reason` is what they were calculated for."""

    agent_id: str
    recorded_at: datetime
    reason: str
    counted: dict[str, int]
    tasks_assigned: int
    tasks_completed: int
    tasks_ripe: int
    ripe_completed: int
    first_approvals: int
    approvals: int
    change_requests: int
    failing_pulls: int
    bugs: int
    deployment_failures: int
    reworks: int
    average_task_minutes: int | None
    rejected_in_row: int
    recent_bugs: int
    custom: dict[str, float]
    quality: float
    completion: float
    overall: float
    tasks_trend: str
    quality_trend: str
    overall_trend: str
    term_quality: float
    term_completion: float
    term_bugs: float
    term_deployments: float
    term_trend: float
    deviation: float | None
    term_steadiness: float
    term_sum: float
    start: float
    evidence: int
    trust: float
    concerns: list[str]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that counts; `amount` -1 takes it back."""

    position: int
    kind: str
    about: str
    subject: str
    cause: str | None
    amount: int
    value: float | None
    at: datetime


class RankedAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent beside the others, with its latest figures; null while nothing was calculated."""

    id: str
    code: str
    name: str
    role_title: str
    status: str
    trust: float
    recorded_at: datetime | None
    overall: float | None
    quality: float | None
    completion: float | None
    tasks_completed: int | None
    bugs: int | None
    deployment_failures: int | None
    evidence: int | None
    overall_trend: str | None
    custom: dict[str, float] | None


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """What a role is measured by besides."""

    id: str
    name: str
    label: str
    unit: str
    role_title: str
    source: str
    event_type: str | None
    lowest: float | None
    highest: float | None


class Kpis:
    """KPIs and trust, as far as the signed-in actor sees the agents."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, agent_id: str) -> AsyncIterator[Kpi]:
        """Give an agent's figures, newest first."""
        return walk(self._transport, join("agents", agent_id, "kpis"), Page[Kpi])

    async def calculate(self, agent_id: str) -> Kpi:
        """Calculate an agent's figures now."""
        return await self._transport.call("POST", join("agents", agent_id, "kpis"), Kpi)

    def evidence(self, agent_id: str, *, kind: str | None = None) -> AsyncIterator[Evidence]:
        """Give what counts for an agent and against it, what was noted last first."""
        return walk(self._transport, join("agents", agent_id, "evidence"), Page[Evidence], {"kind": kind})

    def leaderboard(
        self, *, role: str | None = None, status: str | None = None, project_id: str | None = None, q: str | None = None
    ) -> AsyncIterator[RankedAgent]:
        """Give agents, the most trusted first."""
        query = {"role": role, "status": status, "project": project_id, "q": q}
        return walk(self._transport, "/leaderboard", Page[RankedAgent], query)

    def metrics(self) -> AsyncIterator[Metric]:
        """Give the metrics of roles."""
        return walk(self._transport, "/metrics", Page[Metric])

    async def name_metric(
        self,
        name: str,
        label: str,
        *,
        unit: str = "",
        role_title: str = "",
        event_type: str | None = None,
        lowest: float | None = None,
        highest: float | None = None,
    ) -> Metric:
        """Name a metric of a role. With an event type it is counted by itself, else programs and agents post it."""
        body = as_body(
            name=name, label=label, unit=unit, role_title=role_title, event_type=event_type, lowest=lowest,
            highest=highest, source="events" if event_type else "posted",
        )  # fmt: skip
        return await self._transport.call("POST", "/metrics", Metric, body=body)

    async def delete_metric(self, metric_id: str) -> None:
        """Measure by it no more."""
        await self._transport.call("DELETE", join("metrics", metric_id), Nothing)

    async def post(self, agent_id: str, name: str, value: float) -> None:
        """Post what a metric of an agent reads now."""
        await self._transport.call("POST", join("agents", agent_id, "metrics", name), Nothing, body={"value": value})
