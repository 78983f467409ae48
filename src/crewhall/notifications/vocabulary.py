"""The closed sets of notifications; the CHECKs of the schema name the same values (a test compares them)."""

from enum import StrEnum


class NotificationKind(StrEnum):
    """Why somebody is told. A new kind is a word here and in the CHECK, and who calls `tell`."""

    MENTION = "mention"
    REPLY = "reply"
    REACTION = "reaction"
    DIRECT = "direct"
    MESSAGE = "message"
    INVITATION = "invitation"
    APPROVAL = "approval"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"
    WIKI_PROPOSAL = "wiki_proposal"
    WIKI_DECISION = "wiki_decision"
    TASK_ASSIGNED = "task_assigned"
    TIMELINE_MENTION = "timeline_mention"
    PROBATION = "probation"


class DigestChoice(StrEnum):
    """When a person is sent what they have not read."""

    OFF = "off"
    DAILY = "daily"
    AWAY = "away"


class DigestStatus(StrEnum):
    """How far a digest came. One that stays `sending` lost its process: it is never sent again."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
