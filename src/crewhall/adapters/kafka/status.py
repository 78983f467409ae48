"""For the operator: where messages live, how far a move has come, and what somebody has to look at."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, LiteralString

import msgspec

from crewhall.adapters.kafka.ends import ends_of, topics_of
from crewhall.adapters.kafka.settings import LogEngine, LogSettings
from crewhall.kernel.errors import CrewhallError

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_TOPICS: LiteralString = """
select count(*) filter (where state = 'ready'), count(*) filter (where state = 'provisioning'),
       count(*) filter (where state = 'retiring'),
       coalesce(sum(greatest(0, fill_to - filled_seq)) filter (where state = 'provisioning'), 0)::bigint
from log_topics
"""
_HOMELESS: LiteralString = """
select count(*), coalesce(sum(h.last_seq), 0)::bigint
from conversation_heads h join conversations c on c.id = h.conversation_id and c.deleted_at is null
where not exists (select from log_topics t where t.conversation_id = h.conversation_id)
"""
_STOPPED: LiteralString = "select coalesce(sum(log_stopped), 0)::integer from processes where lease_until > now()"
_PLACES: LiteralString = "select topic, partition, next_offset from log_partitions"


class RunningProcess(msgspec.Struct, frozen=True):
    """A process that runs on this database, wherever."""

    kind: str
    since: datetime


class LogStatus(msgspec.Struct, kw_only=True):
    """Where messages live, and what is left to be done there.

    `to_copy` are conversations that are not in Kafka yet, with `records_to_copy`; `to_delete` topics of deleted ones.
    `lag` is None where Kafka was not asked, or did not answer (`trouble` says why). `stopped` are partitions at which
    projectors stand still, `lost` topics that Kafka does not have any more.
    """

    engine: LogEngine
    processes: list[RunningProcess]
    conversations: int = 0
    to_copy: int = 0
    records_to_copy: int = 0
    to_delete: int = 0
    refused: int = 0
    lag: int | None = None
    stopped: int = 0
    lost: list[str] = []
    trouble: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether all that was said stands in Kafka and in the database."""
        return not self.to_copy and not self.to_delete and self.lag == 0 and not self.stopped and not self.lost


async def status(connection: Connection[TupleRow], settings: LogSettings) -> LogStatus:
    """Ask the database, and Kafka where that keeps the log."""
    (engine,) = connection.execute("select log_engine from installation").fetchone() or ("postgres",)
    running = connection.execute("select kind, started_at from living_processes()").fetchall()
    found = LogStatus(engine=LogEngine(engine), processes=[RunningProcess(*one) for one in running])
    if found.engine is LogEngine.POSTGRES:
        return found
    ready, coming, going, left = connection.execute(_TOPICS).fetchone() or (0, 0, 0, 0)
    homeless, unsaid = connection.execute(_HOMELESS).fetchone() or (0, 0)
    (found.refused,) = connection.execute("select count(*) from log_refusals").fetchone() or (0,)
    (found.stopped,) = connection.execute(_STOPPED).fetchone() or (0,)
    found.conversations, found.to_delete = ready, going
    found.to_copy, found.records_to_copy = coming + homeless, left + unsaid
    if not settings.kafka_bootstrap:
        found.trouble = "CREWHALL_KAFKA_BOOTSTRAP does not say where the brokers are."
        return found
    read = {(topic, partition): end for topic, partition, end in connection.execute(_PLACES).fetchall()}
    try:
        ends = await ends_of(read, settings)
        found.lag = sum(max(0, end - read[place]) for place, end in ends.items())
        found.lost = topics_of(read.keys() - ends.keys())
    except CrewhallError as error:
        found.trouble = error.detail
    return found
