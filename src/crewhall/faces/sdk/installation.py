"""How the installation runs."""

from datetime import datetime

import msgspec

from crewhall.faces.sdk.transport import Transport


class RunningProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A process that gave a sign of life within the last minute. `kind`: up, serve, worker, projector."""

    id: str
    kind: str
    version: str | None = None
    host: str | None = None
    pid: int | None = None
    region: str | None = None
    started_at: datetime
    log_lag: int | None = None
    log_stopped: int = 0


class Follower(msgspec.Struct, frozen=True):
    """What follows the log; `lag_s` is null where it has seen everything."""

    name: str
    lag_s: float | None = None


class Queue(msgspec.Struct, frozen=True):
    """What waits for a process, counted up to 10,000."""

    name: str
    waiting: int


class LogStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages live; `lag` is null where nobody knows; what is below it, counted up to 10,000, of Kafka alone."""

    engine: str
    lag: int | None = None
    stopped: int = 0
    conversations: int | None = None
    unsettled: int | None = None
    refused: int | None = None


class NewestDump(msgspec.Struct, frozen=True):
    """The newest dump of the built-in database."""

    made_at: datetime
    size_bytes: int


class DatabaseStanding(msgspec.Struct, frozen=True, kw_only=True):
    """The database, and its newest dump where Crewhall brings it."""

    is_built_in: bool
    size_bytes: int
    dump: NewestDump | None = None


class DiskSpace(msgspec.Struct, frozen=True):
    """The disk of the data folder of the process that answered."""

    free_bytes: int
    total_bytes: int


class Concern(msgspec.Struct, frozen=True):
    """Something that somebody has to look at, and what to do."""

    code: str
    text: str
    is_urgent: bool = True


class InstallationStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How an installation runs."""

    version: str
    processes: list[RunningProcess]
    log: LogStanding
    followers: list[Follower]
    queues: list[Queue]
    database: DatabaseStanding
    disk: DiskSpace | None = None
    concerns: list[Concern]


class Installation:
    """The installation, for the owner of the organization that it began with."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def look(self) -> InstallationStanding:
        """See how it runs."""
        return await self._transport.call("GET", "/installation", InstallationStanding)
