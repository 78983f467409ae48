"""The life of topics: made when a conversation is, filled with what the database had before, deleted along with it.

What is to be done stands in `log_topics`; each step may be repeated by whoever finds it undone.
"""

import asyncio
import contextlib
import logging
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import TupleRow

from crewhall.adapters.kafka.asking import close, connect
from crewhall.adapters.kafka.client import KAFKA_AWAY, LARGEST_RECORD, make_admin
from crewhall.adapters.kafka.filling import Filled, fill
from crewhall.adapters.kafka.message_log import TOPICS_WANTED
from crewhall.adapters.kafka.producing import Producing, started
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.settings import BAD_SETTING
from crewhall.kernel.signals import Signals

log = logging.getLogger(__name__)
MOST_AT_ONCE = 100
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 30.0
LOOK_AGAIN_S = 1.0
"""How long what another process fills is left to it before somebody looks whether it still does."""
NO_ERROR, UNKNOWN_TOPIC, TOPIC_EXISTS = 0, 3, 36
UNSETTLED: LiteralString = """
select conversation_id, org_id, topic, partition, is_shared, state, filled_seq, fill_to from unsettled_topics(%s)
"""
SHARED_PLACE: LiteralString = "select topic from place_of('00000000-0000-0000-0000-000000000000', %s, %s)"


class TopicState(StrEnum):
    """Where a topic is in its life."""

    PROVISIONING = "provisioning"
    READY = "ready"
    RETIRING = "retiring"


class _Unsettled(msgspec.Struct):
    conversation_id: UUID
    org_id: UUID
    topic: str
    partition: int
    is_shared: bool
    state: TopicState
    filled_seq: int
    fill_to: int


class TopicKeeper:
    """Makes, fills and deletes topics; any number of processes may. On a connection of its own.

    Whoever appends within a transaction holds one of the pool's until a topic is there.
    """

    def __init__(self, db: Database, signals: Signals, settings: LogSettings) -> None:
        self._url = db.url
        self._settings = settings
        self._producing = Producing(settings)
        """One of its own: a topic that cannot be filled costs no post its producer. Stopped while nothing is filled."""
        self._wanted = asyncio.Event()
        self._may_be_homeless = True
        """Whether conversations may be without a topic that nobody has noted: until all were looked for once."""
        self._connection: psycopg.AsyncConnection[TupleRow] | None = None
        self._admin: Any = None
        self._task: asyncio.Task[None] | None = None
        signals.subscribe(TOPICS_WANTED, lambda _: self._wanted.set())
        signals.on_lost(self._wanted.set)

    async def start(self) -> None:
        """Make the topic that conversations share, if they do; then begin. Raises KAFKA_AWAY, BAD_SETTING."""
        if self._settings.shared_partitions:
            await self._share()
        self._wanted.set()
        self._task = asyncio.create_task(self._run(), name="log-topics")

    async def stop(self) -> None:
        """End; whatever is under way is repeated by the next."""
        if self._task is not None:
            await end_tasks([self._task])
        await self._producing.stop()
        await self._leave()

    async def _run(self) -> None:
        retry = FIRST_RETRY_S
        while True:
            await self._wanted.wait()
            try:
                await self._settle_all()
                retry = FIRST_RETRY_S
                continue
            except Exception as error:  # noqa: BLE001 - it goes on, whatever it was
                log.warning("topics wait", extra={"reason": f"{type(error).__name__}: {error}"})
            await self._leave()
            self._look_in(retry)
            retry = min(retry * 2, LAST_RETRY_S)

    def _look_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._wanted.set)

    async def _settle_all(self) -> None:
        self._wanted.clear()
        while await self._settle():
            self._wanted.clear()

    async def _settle(self) -> bool:
        """Bring some of the topics where they are to be; true while there may be more."""
        rows = await self._ask(UNSETTLED, MOST_AT_ONCE)
        if not rows:
            await self._producing.stop()
        if len(rows) < MOST_AT_ONCE and self._may_be_homeless and await self._note_homeless():
            return True
        if not rows:
            return False
        found = [msgspec.convert(dict(zip(_Unsettled.__struct_fields__, row, strict=True)), _Unsettled) for row in rows]
        coming = [one for one in found if one.state is TopicState.PROVISIONING]
        await self._make([one for one in coming if not one.is_shared])
        await self._made([one for one in coming if one.fill_to <= one.filled_seq])
        await self._delete([one for one in found if one.state is TopicState.RETIRING])
        unfilled = [one for one in coming if one.fill_to > one.filled_seq]
        left = await self._fill(unfilled)
        if left and left == len(found):  # others fill them all; they may die over it
            self._look_in(LOOK_AGAIN_S)
            return False
        return True

    async def _note_homeless(self) -> bool:
        """Note topics for conversations of before the move, until all are noted; opened since, they have or get one."""
        shared = self._settings.shared_partitions
        ((noted,),) = await self._ask(
            "select note_homeless(%s, %s, %s)", MOST_AT_ONCE, self._settings.kafka_prefix, shared
        )
        self._may_be_homeless = noted > 0
        return self._may_be_homeless

    async def _fill(self, unfilled: list[_Unsettled]) -> int:
        """Fill topics, until something else is wanted; how many of them other processes fill."""
        from aiokafka.errors import KafkaError

        left, failed = 0, None
        for one in unfilled:
            try:
                filled = await fill(await self._connected(), self._producing, one, self._wanted.is_set)
            except (CrewhallError, KafkaError, TimeoutError) as error:  # it is filled later; the others need not wait
                failed = error
                continue
            if filled is Filled.WHOLE:
                await self._made([one])
            left += filled is Filled.BY_OTHERS
            if self._wanted.is_set():
                break
        if failed is not None:
            raise failed
        return left

    async def _make(self, topics: list[_Unsettled]) -> None:
        from aiokafka.admin import NewTopic

        wanted = [
            NewTopic(one.topic, 1, self._settings.kafka_replication, topic_configs=self._kept()) for one in topics
        ]
        if wanted:
            _check(await (await self._kafka()).create_topics(wanted), {NO_ERROR, TOPIC_EXISTS})

    async def _share(self) -> None:
        """Make the shared topic, whose partitions are read from the first record on."""
        from aiokafka.admin import NewTopic

        count = self._settings.shared_partitions
        ((name,),) = await self._ask(SHARED_PLACE, self._settings.kafka_prefix, count)
        wanted = NewTopic(name, count, self._settings.kafka_replication, topic_configs=self._kept())
        kafka = await self._kafka()
        if TOPIC_EXISTS in _check(await kafka.create_topics([wanted]), {NO_ERROR, TOPIC_EXISTS}):
            (described,) = await kafka.describe_topics([name])
            self._check_partitions(name, len(described["partitions"]))
        await self._ask("select topic_shared(%s, %s)", name, count)

    def _check_partitions(self, name: str, there: int) -> None:
        if there not in {0, count := self._settings.shared_partitions}:  # 0: just made, not everywhere known yet
            raise BAD_SETTING(
                f"CREWHALL_KAFKA_PARTITIONS is {count}, but the topic {name} has {there} partitions, by which"
                f" conversations were shared out. Set CREWHALL_KAFKA_PARTITIONS={there}.",
                setting="CREWHALL_KAFKA_PARTITIONS",
            )

    def _kept(self) -> dict[str, str]:
        """Everything is kept for ever: the topic is where messages live."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "max.message.bytes": str(LARGEST_RECORD),
            "min.insync.replicas": str(self._settings.kafka_in_step),
        }

    async def _made(self, topics: list[_Unsettled]) -> None:
        """Note that topics are made. Those of conversations that were deleted meanwhile are deleted again."""
        if topics:
            ((unwanted,),) = await self._ask("select topics_made(%s)", [one.conversation_id for one in topics])
            await self._delete_at_kafka([one for one in topics if one.conversation_id in unwanted])

    async def _delete(self, topics: list[_Unsettled]) -> None:
        if topics:
            await self._ask("select leave_topics(%s)", [one.topic for one in topics if not one.is_shared])
            await self._delete_at_kafka(topics)
            await self._ask("select topics_gone(%s)", [one.conversation_id for one in topics])

    async def _delete_at_kafka(self, topics: list[_Unsettled]) -> None:
        if own := [one.topic for one in topics if not one.is_shared]:
            _check(await (await self._kafka()).delete_topics(own), {NO_ERROR, UNKNOWN_TOPIC})

    async def _ask(self, sql: LiteralString, *values: Any) -> list[TupleRow]:
        return await (await (await self._connected()).execute(sql, values)).fetchall()

    async def _connected(self) -> psycopg.AsyncConnection[TupleRow]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._url, "crewhall-topics")
        return self._connection

    async def _kafka(self) -> Any:
        if self._admin is None:
            self._admin = await started(make_admin(self._settings), self._settings)
        return self._admin

    async def _leave(self) -> None:
        if self._admin is not None:
            with contextlib.suppress(Exception):
                await self._admin.close()
            self._admin = None
        await close(self._connection)
        self._connection = None


def _check(response: Any, fine: set[int]) -> set[int]:
    """What Kafka says of topics. Raises for the first of which it says anything else than what is fine."""
    from aiokafka.errors import for_code

    said = set()
    for name, code, *_ in getattr(response, "topic_errors", None) or response.topic_error_codes:
        said.add(code)
        if code not in fine:
            raise KAFKA_AWAY(f"Kafka refuses the topic {name}: {for_code(code).__name__}. Its log says why.")
    return said
