"""The organization's work: what happened, on one timeline."""

from crewhall.work.lifecycle import WorkParts, start_work
from crewhall.work.timeline import CHANNEL as EVENTS_CHANNEL
from crewhall.work.timeline import Timeline, record_event
from crewhall.work.timeline_kinds import EventKind, register_event_kind

__all__ = [
    "EVENTS_CHANNEL",
    "EventKind",
    "Timeline",
    "WorkParts",
    "record_event",
    "register_event_kind",
    "start_work",
]
