"""The words of sources: closed sets, as the database checks them."""

from enum import StrEnum


class SourceType(StrEnum):
    """What a source is."""

    FILE = "file"
    FOLDER = "folder"
    URL = "url"
    DATABASE = "database"
    API = "api"


class SourceState(StrEnum):
    """How a source stands: never gone through, asked for or put off, under way, as it should be, failed, off."""

    NEW = "new"
    WAITING = "waiting"
    SYNCING = "syncing"
    SYNCED = "synced"
    FAILED = "failed"
    OFF = "off"


class SyncOutcome(StrEnum):
    """How a sync ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"
