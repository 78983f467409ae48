"""How an installation runs, for the owner of the organization that it began with: nobody else learns of it."""

import asyncio
import contextlib
import shutil
from pathlib import Path

from msgspec import Struct

from crewhall.identity.concerns import concerns_of
from crewhall.identity.permissions import Permission, is_allowed
from crewhall.identity.schemas_installation import (
    DatabaseStanding,
    DiskSpace,
    Follower,
    Installation,
    LogStanding,
    NewestDump,
    Queue,
    RunningProcess,
)
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.counting import COUNTED_TO
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import FORBIDDEN
from crewhall.kernel.postgres import EmbeddedPostgres
from crewhall.kernel.postgres.storage import look_at_storage
from crewhall.kernel.settings import KernelSettings
from crewhall.version import VERSION

KAFKA = "kafka"
MOST_PROCESSES = 200


class LogFollowers(Struct, frozen=True):
    """The names of the consumers of the log that this installation's settings want; a part of every process."""

    names: tuple[str, ...]


class _Topics(Struct):
    ready: int
    unsettled: int
    refused: int


async def runs_installation(tx: Tx, actor: Actor) -> bool:
    """Whether the actor owns the organization that the installation began with."""
    if not is_allowed(actor, Permission.INSTALLATION_READ):
        return False
    return bool(await tx.value("select begun_with = %(org)s from installation", {"org": actor.org}))


async def look_at_installation(
    db: Database, settings: KernelSettings, followers: LogFollowers, actor: Actor
) -> Installation:
    """See how the installation runs. Raises FORBIDDEN."""
    async with db.transaction(actor) as tx:
        if not await runs_installation(tx, actor):
            raise FORBIDDEN(
                "Only the owner of the organization that this installation began with may see how it runs. Whoever runs"
                " it sees more with `crewhall status` on its machine."
            )
        processes = await _list_processes(tx)
        log = await _look_at_log(tx, processes)
        followed = await tx.all(
            Follower,
            "select n.name, consumer_lag(n.name) as lag_s from unnest(%(names)s::text[]) as n (name) order by n.name",
            {"names": list(followers.names)},
        )
        queues = await tx.all(
            Queue, "select name, waiting from installation_queues(%(most)s)", {"most": COUNTED_TO + 1}
        )
        size = await tx.value("select pg_database_size(current_database())")
    dump, disk = await asyncio.to_thread(_look_at_machine, settings)  # a disk that hangs holds up nobody else
    found = Installation(
        version=VERSION,
        processes=processes,
        log=log,
        followers=followed,
        queues=queues,
        database=DatabaseStanding(settings.database_url is None, size, dump),
        disk=disk,
        concerns=[],
    )
    found.concerns = concerns_of(found, utc_now())
    return found


async def _list_processes(tx: Tx) -> list[RunningProcess]:
    return await tx.all(
        RunningProcess,
        """
        select p.id, p.kind, p.version, p.host, p.pid, p.region, p.started_at, p.log_lag, p.log_stopped
        from processes p where p.lease_until > now() order by p.started_at, p.id limit %(most)s
        """,
        {"most": MOST_PROCESSES},
    )


async def _look_at_log(tx: Tx, processes: list[RunningProcess]) -> LogStanding:
    standing = LogStanding(
        engine=await tx.value("select log_engine from installation"),
        lag=0,
        stopped=sum(one.log_stopped for one in processes),
    )
    if standing.engine == KAFKA:
        topics = await tx.one(
            _Topics, "select ready, unsettled, refused from installation_topics(%(most)s)", {"most": COUNTED_TO + 1}
        )
        known = [one.log_lag for one in processes if one.kind.projects and one.log_lag is not None]
        standing.lag = sum(known) if known else None
        standing.conversations, standing.unsettled, standing.refused = topics.ready, topics.unsettled, topics.refused
    return standing


def _look_at_machine(settings: KernelSettings) -> tuple[NewestDump | None, DiskSpace | None]:
    """The dump, and the fullest disk of data folder and database; what cannot be read is not there."""
    if settings.database_url is not None:
        return None, _find_fullest([settings.home])
    found = EmbeddedPostgres(settings.home, run_as=settings.database_user).status()
    storage = look_at_storage(settings.home, settings.database_user, found)
    dump = None if storage.dump is None else NewestDump(storage.dump.made_at, storage.dump.size_bytes)
    return dump, _find_fullest([settings.home, *([storage.data, storage.data.parent] if storage.data else [])])


def _find_fullest(folders: list[Path]) -> DiskSpace | None:
    """The fullest of the disks of these folders; what cannot be read is passed over."""
    found = []
    for folder in folders:
        with contextlib.suppress(OSError):
            disk = shutil.disk_usage(folder)
            found.append(DiskSpace(disk.free, disk.total))
    return min(found, key=lambda one: one.free_bytes / one.total_bytes, default=None)
