"""For the operator: the way back. The database has every message; from now on it is the log again."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import msgspec

from crewhall.adapters.kafka.ends import ends_of, topics_of
from crewhall.adapters.kafka.producing import Place
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.counting import counted
from crewhall.kernel.errors import CONFLICT

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_RUNNING: LiteralString = """
select string_agg(p.kind || ' since ' || to_char(p.started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC', ', ')
from living_processes() p
"""
_PROJECTING: LiteralString = """
select count(*) from log_projectors p
where p.lease_until > clock_timestamp()
  and not pg_try_advisory_xact_lock(hashtextextended('crewhall.life.' || p.id, 0))
"""
_ENGINE: LiteralString = "select log_engine from installation"
_DOOMED: LiteralString = "select count(*) from log_topics where state = 'retiring'"
_PLACES: LiteralString = "select topic, partition, next_offset from log_partitions order by topic, partition"


MOST_NAMED = 100


class Left(msgspec.Struct, frozen=True):
    """What was found when Kafka was left: partitions written to their end, their topics, and records refused."""

    partitions: int
    topics: list[str]
    refused: int


async def leave_kafka(connection: Connection[TupleRow], settings: LogSettings, *, lost: bool = False) -> Left:
    """Take Postgres for the log again, when it has everything. Topics stay as they are, and are not read again.

    `lost`: also where Kafka does not have some of the topics any more. What the database has of them is kept.
    Raises CONFLICT while somebody runs or anything is left to be done, KAFKA_AWAY.
    """
    (engine,) = connection.execute(_ENGINE).fetchone() or (None,)
    if engine != "kafka":
        raise CONFLICT("Messages live in Postgres already. Start servers with CREWHALL_LOG=postgres, or without it.")
    _check_nobody_runs(connection)
    (doomed,) = connection.execute(_DOOMED).fetchone() or (0,)
    if doomed:
        raise CONFLICT(
            f"Topics of {doomed} deleted conversations are not deleted at Kafka yet. Start a server with"
            " CREWHALL_LOG=kafka until `crewhall log status` shows none, then stop it and ask again."
        )
    read = {(topic, partition): end for topic, partition, end in connection.execute(_PLACES).fetchall()}
    ends = await ends_of(read, settings)
    if not lost:
        _check_there(topics_of(read.keys() - ends.keys()))
    _check_whole(read, ends)
    with connection.transaction():
        connection.execute("select from installation for update")  # whoever starts meanwhile waits for our word
        _check_nobody_runs(connection)
        connection.execute("update installation set log_engine = 'postgres'")
        connection.execute("delete from log_topics")
        connection.execute("delete from log_partitions")
        (refused,) = connection.execute("select count(*) from log_refusals").fetchone() or (0,)
    return Left(len(ends), topics_of(ends), refused)


def _check_nobody_runs(connection: Connection[TupleRow]) -> None:
    (running,) = connection.execute(_RUNNING).fetchone() or (None,)
    (projecting,) = connection.execute(_PROJECTING).fetchone() or (0,)
    if running is not None or projecting:
        raise CONFLICT(
            f"Processes run that keep messages in Kafka: {running or 'a projector'}. Stop them all (`crewhall stop` on"
            " each machine), then ask again."
        )


def _check_there(gone: list[str]) -> None:
    """Raises CONFLICT where topics are gone."""
    if gone:
        raise CONFLICT(
            f"{counted(len(gone), 'topic')} not at the brokers that CREWHALL_KAFKA_BOOTSTRAP names, {gone[0]} among"
            " them. If these are the right brokers, and CREWHALL_KAFKA_USER may describe these topics, ask again with"
            " --lost: what the database has is kept, and nothing more of them is read.",
            lost=gone[:MOST_NAMED],
        )


def _check_whole(read: dict[Place, int], ends: dict[Place, int]) -> None:
    """See that the database has everything that Kafka has. Raises CONFLICT."""
    for place, end in ends.items():
        if (left := end - read[place]) > 0:
            raise CONFLICT(
                f"{left} records of {place[0]} are not in the database yet. Start a server with CREWHALL_LOG=kafka"
                " until `crewhall log status` shows a lag of 0, then stop it and ask again."
            )
