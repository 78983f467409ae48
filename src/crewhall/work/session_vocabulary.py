"""The words of work sessions: closed sets, as the database checks them."""

from enum import StrEnum


class SessionStatus(StrEnum):
    """How far a work session has come: begun, with entries in its log, over."""

    STARTED = "started"
    LOGGING = "logging"
    STOPPED = "stopped"


class StopReason(StrEnum):
    """Why a work session is over: somebody stopped it, its agent fell silent, or it began another."""

    STOPPED = "stopped"
    CRASHED = "crashed"
    SUPERSEDED = "superseded"


class SessionShow(StrEnum):
    """Which work sessions a list shows: those under way, or those that are over, by the reason."""

    OPEN = "open"
    OVER = "over"
    STOPPED = "stopped"
    CRASHED = "crashed"
    SUPERSEDED = "superseded"
