"""What an installation says of itself to who runs it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.process_kinds import ProcessKind


class RunningProcess(Struct, kw_only=True):
    """A process that lives, as it said itself within the last minute.

    `version`, `host` and `pid` are null of one whose version is too old to say so. `log_lag` are records that Kafka
    holds and that it has not written into the database (null: it projects nothing, or does not know yet), `log_stopped`
    partitions at which it stands still.
    """

    id: UUID
    kind: ProcessKind
    version: str | None
    host: str | None
    pid: int | None
    region: str | None
    started_at: datetime
    log_lag: int | None
    log_stopped: int


class Follower(Struct):
    """What follows the log, and the age in seconds of the oldest record that it has not seen; null: none is left."""

    name: str
    lag_s: float | None


class Queue(Struct):
    """What waits for a process, counted up to 10,000."""

    name: str
    waiting: int


class LogStanding(Struct, kw_only=True):
    """Where messages live. `lag`: records that cannot be read here yet; null where no process knows.

    Of Kafka alone, each counted up to 10,000: conversations there, those whose topics are being made or deleted,
    records that the database refused.
    """

    engine: str
    lag: int | None
    stopped: int
    conversations: int | None = None
    unsettled: int | None = None
    refused: int | None = None


class DiskSpace(Struct):
    """The disk of the data folder, on the machine of the process that answers."""

    free_bytes: int
    total_bytes: int


class NewestDump(Struct):
    """The newest dump of the built-in database."""

    made_at: datetime
    size_bytes: int


class DatabaseStanding(Struct):
    """The database. `is_built_in`: Crewhall brings it, and makes dumps of it; another one has backups of its own."""

    is_built_in: bool
    size_bytes: int
    dump: NewestDump | None


class Concern(Struct):
    """Something that somebody has to look at: a stable code, and what to do. Urgent: something does not work."""

    code: str
    text: str
    is_urgent: bool = True


class Installation(Struct, kw_only=True):
    """How an installation runs. `version` is that of the process that answers."""

    version: str
    processes: list[RunningProcess]
    log: LogStanding
    followers: list[Follower]
    queues: list[Queue]
    database: DatabaseStanding
    disk: DiskSpace | None
    concerns: list[Concern]
