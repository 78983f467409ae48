"""Topics of agents on Apache Kafka."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import Field

from crewhall.adapters.kafka.client import KAFKA_AWAY, LARGEST_RECORD, make_admin, make_producer
from crewhall.adapters.kafka.hearing import Hearing
from crewhall.adapters.kafka.producing import started, stopped
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.settings import CrewhallSettings
from crewhall.ports.agent_topics import SentRecord, Take, TopicNames

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

log = logging.getLogger(__name__)

NO_ERROR, UNKNOWN_TOPIC, TOPIC_EXISTS = 0, 3, 36
DAY_MS = 86_400_000
SEND_S = 20.0
"""How long sending may take before Kafka counts as away."""


class AgentTopicSettings(CrewhallSettings):
    """Agents on Kafka."""

    kafka_agent_days: int = Field(
        7,
        ge=1,
        le=3650,
        description="Days that Kafka keeps what agents are given there, what they say, what was refused.",
    )


@dataclass(slots=True, eq=False)
class _Lent:
    """A producer, and how many send with it now."""

    producer: AIOKafkaProducer
    users: int = 0


class KafkaAgentTopics:
    """The topics of agents, wherever messages live. Nothing is connected before something is asked for."""

    def __init__(self, settings: LogSettings, own: AgentTopicSettings) -> None:
        self.bootstrap = settings.kafka_bootstrap
        self._settings = settings
        self._kept_ms = own.kafka_agent_days * DAY_MS
        self._prefix = f"{settings.kafka_prefix}.agent."
        self._hearing = Hearing(settings, f"{settings.kafka_prefix}.outboxes", self._topics_of)
        self._lent: _Lent | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._making = asyncio.Lock()

    def names(self, topics_id: UUID) -> TopicNames:
        """What these topics are called."""
        prefix = f"{self._prefix}{topics_id}."
        return TopicNames(prefix, f"{prefix}inbox", f"{prefix}outbox", f"{prefix}refused", f"{prefix}readers")

    async def make(self, names: TopicNames) -> None:
        """Make the topics, those of them that are not there. Raises KAFKA_AWAY."""
        from aiokafka.admin import NewTopic

        kept = {
            "cleanup.policy": "delete", "retention.ms": str(self._kept_ms),
            "min.insync.replicas": str(self._settings.kafka_in_step),
        }  # fmt: skip
        large = kept | {"max.message.bytes": str(LARGEST_RECORD)}
        wanted = [
            NewTopic(name, 1, self._settings.kafka_replication, topic_configs=configs)
            for name, configs in ((names.inbox, large), (names.outbox, kept), (names.refused, large))
        ]
        await self._administer(lambda admin: admin.create_topics(wanted), {NO_ERROR, TOPIC_EXISTS})

    async def remove(self, names: TopicNames) -> None:
        """Delete the topics with what is in them, those of them that are there. Raises KAFKA_AWAY."""
        going = [names.inbox, names.outbox, names.refused]
        await self._administer(lambda admin: admin.delete_topics(going), {NO_ERROR, UNKNOWN_TOPIC})

    async def send(self, records: Sequence[SentRecord]) -> None:
        """Send records, in order; returns when all of them are durable. Raises KAFKA_AWAY."""
        from aiokafka.errors import KafkaError

        try:
            async with self._using() as producer, asyncio.timeout(SEND_S):  # it waits for its broker without an end
                sent = [
                    await producer.send(
                        one.topic, one.value, one.key, 0,
                        headers=[(name, value.encode()) for name, value in one.headers.items()],
                    )
                    for one in records
                ]  # fmt: skip
                await asyncio.gather(*sent)
        except (KafkaError, OSError) as error:
            raise _away(error) from error

    def hear(self, topics: Collection[UUID], take: Take) -> None:
        """Hear the outboxes of these agents from now on, and no others."""
        self._hearing.follow({self.names(one).outbox for one in topics}, take)

    async def close(self) -> None:
        """Stop hearing and sending."""
        await self._hearing.stop()
        lent, self._lent = self._lent, None
        if lent is not None:
            await stopped(lent.producer)
        await asyncio.gather(*self._ending)

    def _topics_of(self, topic: str) -> UUID:
        return UUID(topic.removeprefix(self._prefix).partition(".")[0])

    async def _administer(self, ask: Any, fine: set[int]) -> None:
        from aiokafka.errors import KafkaError, for_code

        admin = make_admin(self._settings)
        try:
            await _started(admin, self._settings)
            response = await ask(admin)
        except (KafkaError, OSError) as error:
            raise _away(error) from error
        finally:
            with contextlib.suppress(KafkaError, OSError):
                await admin.close()
        for name, code, *_ in getattr(response, "topic_errors", None) or response.topic_error_codes:
            if code not in fine:
                raise KAFKA_AWAY(f"Kafka refuses the topic {name}: {for_code(code).__name__}. Its log says why.")

    @asynccontextmanager
    async def _using(self) -> AsyncIterator[AIOKafkaProducer]:
        """Lend the producer. After a failure nobody gets it any more, and it ends when those who have it are done.

        In the failed partition a number is missing in its sequence; what others send with it goes on.
        """
        lent = await self._ready()
        lent.users += 1
        try:
            yield lent.producer
        except BaseException:
            if self._lent is lent:
                self._lent = None
            raise
        finally:
            lent.users -= 1
            if lent is not self._lent and not lent.users:
                task = asyncio.create_task(stopped(lent.producer), name="topics-producer-ends")
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    async def _ready(self) -> _Lent:
        async with self._making:
            if self._lent is None:
                self._lent = _Lent(await _started(make_producer(self._settings), self._settings))
            return self._lent


async def _started(client: Any, settings: LogSettings) -> Any:
    """As `started`. What keeps us from Kafka says the log alone: who reads the error may be of any organization."""
    try:
        return await started(client, settings)
    except CrewhallError as error:
        log.warning("Kafka is away", extra={"reason": error.detail})
        raise KAFKA_AWAY("Kafka cannot be reached. The server's log says why.", retry_after=2) from error


def _away(error: Exception) -> Exception:
    return KAFKA_AWAY(f"Kafka does not answer as it should ({type(error).__name__}). Try again when it does.")
