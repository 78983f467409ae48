"""What of a running installation somebody has to look at, with what to do about it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from crewhall.identity.schemas_installation import Concern, Installation
from crewhall.kernel.counting import counted, lasting, up_to

FOLLOWERS = {
    "audit": "The audit channel", "meaning": "Search by meaning", "notifications": "Notifications", "search": "Search",
    "task_comments": "Comments of tasks", "timeline": "The timeline", "turns": "Turns of agents",
}  # fmt: skip
"""What follows the log, in words."""
FOLLOWS_WITHIN_S = 60
MOST_LAG = 1_000
LEAST_FREE = 0.1
OLDEST_DUMP = timedelta(days=7)


def concerns_of(found: Installation, now: datetime) -> list[Concern]:
    """What is of concern at that moment, the most urgent first; pure."""
    return [*_of_processes(found), *_of_log(found), *_of_followers(found), *_of_disk(found), *_of_dump(found, now)]


def _of_processes(found: Installation) -> Iterator[Concern]:
    if not any(one.kind.works for one in found.processes):
        yield Concern(
            "no_worker",
            "No process takes turns, tells people or reads documents: start one, `crewhall worker`.",
        )
    if found.log.engine == "kafka" and not any(one.kind.projects for one in found.processes):
        yield Concern(
            "no_projector",
            "Nothing writes what Kafka holds into the database, so that posts fail: start `crewhall projector`.",
        )
    versions = sorted({one.version or "an earlier one" for one in found.processes})
    if len(versions) > 1:
        yield Concern(
            "versions",
            f"Processes of several versions run ({', '.join(versions)}): replace the older ones.",
            is_urgent=False,
        )


def _of_log(found: Installation) -> Iterator[Concern]:
    for one in found.processes:
        if one.log_stopped:
            partitions = counted(one.log_stopped, "partition")
            where = one.host or "the process that reads it"
            yield Concern(
                "log_stopped",
                f"{partitions} of Kafka cannot be read, so that posts there fail: the log of {where} says why, and"
                " `crewhall log status` names topics that are gone.",
            )
    if found.log.lag is not None and found.log.lag > MOST_LAG:
        lag = counted(found.log.lag, "record")
        yield Concern(
            "log_behind", f"{lag} of Kafka cannot be read here yet: look at the projectors, or start another one."
        )
    if found.log.refused:
        refused = f"{up_to(found.log.refused)} record{'' if found.log.refused == 1 else 's'}"
        yield Concern(
            "log_refused", f"The database refused {refused} of Kafka: the table log_refusals says which and why."
        )


def _of_followers(found: Installation) -> Iterator[Concern]:
    for one in found.followers:
        if one.lag_s is not None and one.lag_s > FOLLOWS_WITHIN_S:
            name, behind = FOLLOWERS.get(one.name, one.name), lasting(int(one.lag_s))
            yield Concern("behind", f"{name}: {behind} behind the log. A worker's log says why.")


def _of_disk(found: Installation) -> Iterator[Concern]:
    if found.disk is not None and found.disk.free_bytes < LEAST_FREE * found.disk.total_bytes:
        yield Concern(
            "disk", "Less than a tenth of the data folder's disk is free: make room, or move to a larger one."
        )


def _of_dump(found: Installation, now: datetime) -> Iterator[Concern]:
    if not found.database.is_built_in:
        return
    dump = found.database.dump
    if dump is None:
        yield Concern(
            "no_dump", "There is no dump of the database yet: make one, and keep a copy elsewhere.", is_urgent=False
        )
    elif now - dump.made_at > OLDEST_DUMP:
        days = (now - dump.made_at).days
        yield Concern("old_dump", f"The newest dump of the database is {days} days old: make one.", is_urgent=False)
