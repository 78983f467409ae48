"""What is read of KPIs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.agents import AgentStatus
from crewhall.work.kpis.formulas import Scores
from crewhall.work.kpis.vocabulary import Concern, EvidenceKind, MetricSource, OverallTrend

Number = Annotated[float, Meta(ge=-1_000_000_000, le=1_000_000_000)]
MetricName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Such as `deals_won`.")]


class Kpi(Scores, frozen=True, kw_only=True):
    """An agent's figures at a moment: what was counted, the scores, trends, and every term of trust.

    `trust` = `start` + (`term_sum` - `start`) x `evidence` / (`evidence` + 10). `term_sum` adds the other terms up,
    within 0 and 100. `counted` is what the row was made of: kinds of evidence, and how many of each came or went.
    """

    agent_id: UUID
    recorded_at: datetime
    asked_by: str | None
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
    concerns: list[Concern]


class KpiShown(Kpi, frozen=True, kw_only=True):
    """The same, with the reason in words."""

    reason: str


class Evidence(Struct, kw_only=True):
    """A thing that counts for an agent or against it; `amount` -1 takes back what does not hold any more.

    `about` is what it follows from: `task:<id>`, `pull:<repository>:<number>`, `issue:<repository>:<number>`.
    """

    position: int
    kind: EvidenceKind
    about: str
    subject: str
    cause: str | None
    amount: int
    value: float | None
    at: datetime


class RankedAgent(Struct, kw_only=True):
    """An agent among the others, with its latest figures; those are null while nothing was calculated."""

    id: UUID
    code: str
    name: str
    role_title: str
    status: AgentStatus
    presence: str
    project_id: UUID | None
    trust: float
    recorded_at: datetime | None
    overall: float | None
    quality: float | None
    completion: float | None
    tasks_completed: int | None
    bugs: int | None
    deployment_failures: int | None
    evidence: int | None
    overall_trend: OverallTrend | None
    custom: dict[str, float] | None


class NewMetric(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a role is measured by besides. Without a role it is everybody's."""

    name: MetricName
    label: Annotated[str, Meta(min_length=1, max_length=80)]
    unit: Annotated[str, Meta(max_length=20)] = ""
    role_title: Annotated[str, Meta(max_length=255, description="Of agents with this role; empty: of all.")] = ""
    source: MetricSource = MetricSource.POSTED
    event_type: Annotated[str, Meta(max_length=100, description="Which events are counted: of 30 days.")] | None = None
    lowest: Number | None = None
    highest: Number | None = None


class Metric(Struct, kw_only=True):
    """A metric of a role."""

    id: UUID
    name: str
    label: str
    unit: str
    role_title: str
    source: MetricSource
    event_type: str | None
    lowest: float | None
    highest: float | None
    created_at: datetime


class Reading(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a metric reads now."""

    value: Number
