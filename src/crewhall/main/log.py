"""The message log of a process, as the settings want it: on Postgres, or on Kafka with what belongs to that."""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from crewhall.adapters.kafka.leaving import Left
from crewhall.adapters.kafka.leaving import leave_kafka as leave
from crewhall.adapters.kafka.message_log import KafkaMessageLog
from crewhall.adapters.kafka.projector import Projector
from crewhall.adapters.kafka.rebuild import Coverage, Rebuilt, coverage, rebuild
from crewhall.adapters.kafka.settings import LogEngine, LogSettings
from crewhall.adapters.kafka.status import LogStatus, status
from crewhall.adapters.kafka.topics import TopicKeeper
from crewhall.adapters.postgres.message_log import PostgresMessageLog
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CONFLICT
from crewhall.kernel.settings import BAD_SETTING, load_settings
from crewhall.kernel.signals import Signals


class _Claim(msgspec.Struct):
    is_ours: bool
    others: str | None


class LogParts:
    """The log and its parts. Made before the signals start; `start` before anything is appended."""

    def __init__(self, db: Database, signals: Signals, settings: LogSettings, *, projects: bool = True) -> None:
        """`projects`: this process writes records of Kafka into the read model, and keeps topics."""
        self._db = db
        self._engine = settings.log
        self.log: PostgresMessageLog | KafkaMessageLog
        self.projector: Projector | None = None
        self._keeper: TopicKeeper | None = None
        if settings.log is LogEngine.POSTGRES:
            self.log = PostgresMessageLog(db, signals)
            return
        self.log = KafkaMessageLog(db, signals, settings)
        if projects:
            self.projector = Projector(db, signals, settings, self.log)
            self.log.follow_lag(self.projector.state)
            self._keeper = TopicKeeper(db, signals, settings)

    async def start(self) -> None:
        """Connect. Raises BAD_SETTING where messages live with the other engine, CONFLICT, KAFKA_AWAY."""
        if self._engine is LogEngine.KAFKA:
            await self.log.start()  # nothing is claimed for a Kafka that does not answer
        try:
            await self._claim()
        except BaseException:
            await self.log.stop()
            raise
        if self._engine is LogEngine.POSTGRES:
            await self.log.start()

    async def _claim(self) -> None:
        """Take the installation for this engine's. Raises BAD_SETTING, CONFLICT."""
        async with self._db.transaction(None) as tx:
            claim = await tx.one(_Claim, "select * from claim_log_engine(%(engine)s)", {"engine": str(self._engine)})
        if claim.others is not None:
            raise CONFLICT(
                f"Messages live in Postgres, and processes run that write them there: {claim.others}. Stop them all"
                " (`crewhall stop` on each machine), then start again with CREWHALL_LOG=kafka.",
            )
        if not claim.is_ours:
            raise BAD_SETTING(
                "This installation's messages live in Kafka, but CREWHALL_LOG is postgres. Set CREWHALL_LOG=kafka, or"
                " bring the messages back first: crewhall log leave-kafka.",
                setting="CREWHALL_LOG",
            )

    async def follow(self) -> None:
        """Keep topics and project them, where this process does; once the signals have started."""
        if self._keeper is not None:
            await self._keeper.start()
        if self.projector is not None:
            await self.projector.start()

    async def stop(self) -> None:
        """Let posts under way end, then the parts."""
        await self.log.stop()
        if self.projector is not None:
            await self.projector.stop()
        if self._keeper is not None:
            await self._keeper.stop()


def rebuild_log(
    connection: Connection[TupleRow], *, conversation: UUID | None = None, repair: bool = False
) -> AsyncIterator[Rebuilt]:
    """See `adapters.kafka.rebuild`, with the settings of this installation. Raises BAD_SETTING besides."""
    return rebuild(connection, check_kafka(), conversation=conversation, repair=repair)


def rebuild_coverage(connection: Connection[TupleRow], *, conversation: UUID | None = None) -> Coverage:
    """See `adapters.kafka.rebuild.coverage`."""
    return coverage(connection, conversation=conversation)


async def leave_kafka(connection: Connection[TupleRow], *, lost: bool = False) -> Left:
    """See `adapters.kafka.leaving`, with the settings of this installation. Raises BAD_SETTING besides."""
    return await leave(connection, check_kafka(), lost=lost)


async def log_status(connection: Connection[TupleRow]) -> LogStatus:
    """See `adapters.kafka.status`, with the settings of this installation. Raises BAD_SETTING besides."""
    return await status(connection, load_settings(LogSettings))


def check_kafka() -> LogSettings:
    """The settings, where Kafka keeps the log. Raises BAD_SETTING."""
    settings = load_settings(LogSettings)
    if settings.log is not LogEngine.KAFKA:
        raise BAD_SETTING(
            "CREWHALL_LOG is postgres: there is no Kafka to ask. If messages live there, set CREWHALL_LOG=kafka and"
            " CREWHALL_KAFKA_BOOTSTRAP.",
            setting="CREWHALL_LOG",
        )
    return settings
