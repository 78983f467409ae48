"""What KPIs and trust are made of, as rules D6 and D7 have it. Pure: every term by its name, rounded as it is stored.

What follows is worked out of the rounded terms, so that whoever has the row can do the same sum by hand.
"""

from collections.abc import Sequence
from math import fsum, sqrt

from msgspec import Struct

from crewhall.work.kpis.vocabulary import Concern, OverallTrend, Trend

START_TRUST = 50.0
RIPE_DAYS = 7
"""Tasks count for completion when they were assigned more than so many days ago."""
STEADY_ROWS, LEAST_STEADY_ROWS = 10, 3
LEAST_TRUST, LEAST_QUALITY, MOST_REJECTED, MOST_BUGS = 30, 20, 3, 5
"""Below the first two, or at the last two, an agent comes on probation."""
FREE_TRUST, FREE_QUALITY, FREE_TASKS, FREE_ROWS = 50, 60, 5, 3
"""From these on it has come through: trust, quality, tasks completed, rows in a row that improved."""
BLEND = 10
"""So much evidence, and trust is half way between its start and what the terms add up to."""


class Counts(Struct, frozen=True, kw_only=True):
    """What stands for an agent and against it, counted."""

    tasks_assigned: int = 0
    tasks_completed: int = 0
    tasks_ripe: int = 0
    ripe_completed: int = 0
    first_approvals: int = 0
    approvals: int = 0
    change_requests: int = 0
    failing_pulls: int = 0
    bugs: int = 0
    deployment_failures: int = 0
    reworks: int = 0
    minutes: int = 0
    timed: int = 0
    rejected_in_row: int = 0
    recent_bugs: int = 0

    @property
    def evidence(self) -> int:
        """The n of rule D7: completed tasks and reviews."""
        return self.tasks_completed + self.approvals + self.change_requests

    @property
    def average_task_minutes(self) -> int | None:
        """How long a task took on average; None where none says."""
        return round(self.minutes / self.timed) if self.timed > 0 else None


class Past(Struct, frozen=True, array_like=True):
    """What a later row needs of an earlier one."""

    overall: float
    quality: float
    tasks_completed: int
    overall_trend: OverallTrend


class Start(Struct, frozen=True):
    """Where trust begins: with 50, or what a person set, and how much evidence there was then."""

    trust: float = START_TRUST
    evidence: int = 0


class Scores(Struct, frozen=True, kw_only=True):
    """Scores, trends, and trust with its terms, each as it is stored."""

    quality: float
    completion: float
    overall: float
    tasks_trend: Trend
    quality_trend: Trend
    overall_trend: OverallTrend
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


class Figures(Scores, frozen=True, kw_only=True):
    """What is calculated: the scores, and what they would put the agent on probation for."""

    concerns: tuple[Concern, ...]


def calculate(counts: Counts, past: Sequence[Past], start: Start) -> Figures:
    """The figures of an agent; `past` are its rows before, oldest first (the last nine are enough)."""
    quality = quality_of(counts)
    completion = completion_of(counts)
    overall = overall_of(quality, completion, counts)
    before = past[-1] if past else None
    tasks_trend = trend(counts.tasks_completed, before.tasks_completed if before else None)
    quality_trend = trend(quality, before.quality if before else None)
    overall_trend = _OVERALL[trend(overall, before.overall if before else None)]
    deviation = deviation_of([row.overall for row in past] + [overall])
    terms = (
        round(0.4 * quality, 3),
        round(30 * completion, 3),
        round(max(0.0, 20 - 4 * counts.bugs), 3),
        round(max(0.0, 10 - 3.33 * counts.deployment_failures), 3),
        float(5 * _MOVED[overall_trend] + 2 * _STEP[quality_trend] + _STEP[tasks_trend]),
        steadiness_of(deviation),
    )
    whole = round(clamp(fsum(terms), 0, 100), 3)
    evidence = max(0, counts.evidence - start.evidence)
    trust = round(clamp(start.trust + (whole - start.trust) * evidence / (evidence + BLEND), 0, 100), 2)
    return Figures(
        quality=quality, completion=completion, overall=overall, tasks_trend=tasks_trend, quality_trend=quality_trend,
        overall_trend=overall_trend, term_quality=terms[0], term_completion=terms[1], term_bugs=terms[2],
        term_deployments=terms[3], term_trend=terms[4], deviation=deviation, term_steadiness=terms[5], term_sum=whole,
        start=start.trust, evidence=evidence, trust=trust, concerns=concerns_of(trust, quality, counts),
    )  # fmt: skip


def quality_of(counts: Counts) -> float:
    """0 to 100."""
    raw = 50 + 10 * counts.first_approvals - 5 * counts.change_requests - 10 * counts.failing_pulls
    return float(clamp(raw, 0, 100))


def completion_of(counts: Counts) -> float:
    """0 to 1: of the tasks that were assigned long enough ago, how many are done; 1 where there are none."""
    return round(clamp(counts.ripe_completed / counts.tasks_ripe, 0, 1), 4) if counts.tasks_ripe > 0 else 1.0


def overall_of(quality: float, completion: float, counts: Counts) -> float:
    """0 to 1."""
    without_bugs = max(0, 100 - 10 * counts.bugs) / 100
    without_failures = max(0, 100 - 10 * counts.deployment_failures) / 100
    return round(0.4 * quality / 100 + 0.3 * completion + 0.2 * without_bugs + 0.1 * without_failures, 4)


def trend(now: float, before: float | None) -> Trend:
    """How a figure moved against the row before; the first row moved nowhere."""
    if before is None or now == before:
        return Trend.STABLE
    return Trend.UP if now > before else Trend.DOWN


def deviation_of(overall: Sequence[float]) -> float | None:
    """The standard deviation of the last ten rows' overall score; None of fewer than three."""
    rows = overall[-STEADY_ROWS:]
    if len(rows) < LEAST_STEADY_ROWS:
        return None
    mean = fsum(rows) / len(rows)
    return round(sqrt(fsum((one - mean) ** 2 for one in rows) / len(rows)), 5)


def steadiness_of(deviation: float | None) -> float:
    """0 to 5."""
    return round(max(0.0, 5 - deviation / 0.06), 3) if deviation is not None else 0.0


def concerns_of(trust: float, quality: float, counts: Counts) -> tuple[Concern, ...]:
    """Why the agent would be put on probation."""
    held = {
        Concern.LOW_TRUST: trust < LEAST_TRUST,
        Concern.LOW_QUALITY: quality < LEAST_QUALITY,
        Concern.REJECTED_PULLS: counts.rejected_in_row >= MOST_REJECTED,
        Concern.RECENT_BUGS: counts.recent_bugs >= MOST_BUGS,
    }
    return tuple(concern for concern, holds in held.items() if holds)


def ends_probation(figures: Figures, counts: Counts, past: Sequence[Past]) -> bool:
    """Whether an agent has come through probation: trust, quality, tasks, and its last three rows improving."""
    moves = [row.overall_trend for row in past[1 - FREE_ROWS :]] + [figures.overall_trend]
    improved = len(moves) == FREE_ROWS and all(move is OverallTrend.IMPROVING for move in moves)
    has_trust, has_quality = figures.trust >= FREE_TRUST, figures.quality >= FREE_QUALITY
    return has_trust and has_quality and counts.tasks_completed >= FREE_TASKS and improved


def clamp(value: float, low: float, high: float) -> float:
    """The nearest value within the bounds."""
    return min(max(value, low), high)


_STEP = {Trend.UP: 1, Trend.DOWN: -1, Trend.STABLE: 0}
_OVERALL = {
    Trend.UP: OverallTrend.IMPROVING, Trend.DOWN: OverallTrend.DECLINING, Trend.STABLE: OverallTrend.STABLE
}  # fmt: skip
_MOVED = {OverallTrend.IMPROVING: 1, OverallTrend.DECLINING: -1, OverallTrend.STABLE: 0}
