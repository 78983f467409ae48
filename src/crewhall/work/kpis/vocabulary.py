"""Closed sets of KPIs, each a CHECK of the database as well."""

from enum import StrEnum


class NewsKind(StrEnum):
    """What is to be looked at."""

    TASK = "task"
    MIRROR = "mirror"
    REVIEW = "review"
    TRUST = "trust"
    METRIC = "metric"
    REQUEST = "request"


class EvidenceKind(StrEnum):
    """What counts for an agent or against it. `calculation` counts nothing: it says where one stood."""

    TASK_ASSIGNED = "task_assigned"
    TASK_COMPLETED = "task_completed"
    PULL_MERGED = "pull_merged"
    PULL_REJECTED = "pull_rejected"
    APPROVED_FIRST = "approved_first"
    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    CHECKS_FAILED = "checks_failed"
    BUG = "bug"
    DEPLOYMENT_FAILED = "deployment_failed"
    REWORKED = "reworked"
    TRUST_SET = "trust_set"
    METRIC = "metric"
    CALCULATION = "calculation"


class Trend(StrEnum):
    """How a figure moved against the row before."""

    UP = "up"
    DOWN = "down"
    STABLE = "stable"


class OverallTrend(StrEnum):
    """How the overall score moved against the row before."""

    IMPROVING = "improving"
    DECLINING = "declining"
    STABLE = "stable"


class Concern(StrEnum):
    """What puts an agent on probation."""

    LOW_TRUST = "low_trust"
    LOW_QUALITY = "low_quality"
    REJECTED_PULLS = "rejected_pulls"
    RECENT_BUGS = "recent_bugs"


class MetricSource(StrEnum):
    """Where a metric of a role comes from."""

    POSTED = "posted"
    EVENTS = "events"


SESSION_END = "The end of a work session"
"""What asks for figures where nobody does."""
CONCERN_WORDS = {
    Concern.LOW_TRUST: "trust is below 30",
    Concern.LOW_QUALITY: "quality is below 20",
    Concern.REJECTED_PULLS: "three pull requests in a row were rejected",
    Concern.RECENT_BUGS: "five bugs came of its last ten tasks",
}
COUNTED_WORDS = {
    EvidenceKind.TASK_ASSIGNED: ("task assigned", "tasks assigned"),
    EvidenceKind.TASK_COMPLETED: ("task completed", "tasks completed"),
    EvidenceKind.PULL_MERGED: ("pull request merged", "pull requests merged"),
    EvidenceKind.PULL_REJECTED: ("pull request rejected", "pull requests rejected"),
    EvidenceKind.APPROVED_FIRST: ("approval at the first review", "approvals at the first review"),
    EvidenceKind.APPROVED: ("approval", "approvals"),
    EvidenceKind.CHANGES_REQUESTED: ("request for changes", "requests for changes"),
    EvidenceKind.CHECKS_FAILED: ("pull request with failing checks", "pull requests with failing checks"),
    EvidenceKind.BUG: ("bug", "bugs"),
    EvidenceKind.DEPLOYMENT_FAILED: ("failed deployment", "failed deployments"),
    EvidenceKind.REWORKED: ("push after the first review", "pushes after the first review"),
    EvidenceKind.TRUST_SET: ("trust set by hand", "times trust set by hand"),
    EvidenceKind.METRIC: ("reading of a metric", "readings of metrics"),
}
"""What was counted, in words: of one, of several."""
