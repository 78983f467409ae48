"""Closed sets of the timeline."""

from enum import StrEnum


class EventType(StrEnum):
    """What an event tells. Extensions have names of their own, `x.` and words."""

    SESSION_START = "session_start"
    SESSION_LOG = "session_log"
    SESSION_STOP = "session_stop"
    TASK_ASSIGNED = "task_assigned"
    TASK_COMPLETED = "task_completed"
    TASK_BLOCKED = "task_blocked"
    PROBLEM_REPORT = "problem_report"
    ADVICE_GIVEN = "advice_given"
    QUESTION_ASKED = "question_asked"
    REVIEW_REQUESTED = "review_requested"
    REVIEW_RESPONSE = "review_response"
    GITHUB_PR_OPENED = "github_pr_opened"
    GITHUB_PR_MERGED = "github_pr_merged"
    GITHUB_ISSUE_ASSIGNED = "github_issue_assigned"
    KPI_UPDATED = "kpi_updated"
    TRUST_SCORE_CHANGED = "trust_score_changed"
    WIKI_CONTRIBUTION = "wiki_contribution"


class EventAudience(StrEnum):
    """Who sees an event: everybody of the organization, or owners, admins and the author."""

    ORGANIZATION = "organization"
    MANAGERS = "managers"


class Verdict(StrEnum):
    """What a review came to."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"


class Severity(StrEnum):
    """How much a problem harms."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
