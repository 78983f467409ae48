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

from crewhall.adapters.kafka.client import KAFKA_AWAY, LARGEST_RECORD, make_admin
from crewhall.adapters.kafka.message_log import TOPICS_WANTED
from crewhall.adapters.kafka.producing import Producing, started
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.postgres.batch import LoggedRecord
from crewhall.kernel.actor import ActorType, system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.signals import Signals
from crewhall.ports.message_log import Author, MessageKind, MessageRole, RecordType

log = logging.getLogger(__name__)
MOST_AT_ONCE = 100
FILL_PAGE = 500
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 30.0
NO_ERROR, UNKNOWN_TOPIC, TOPIC_EXISTS = 0, 3, 36
PAST: LiteralString = """
select r.seq, r.id, r.type, r.target_id, r.author_type, r.author_id, r.author_name, r.role, r.kind, r.title, r.content,
       r.html, r.metadata, r.parent_id, r.mentions, r.client_id, encode(r.body_digest, 'hex'), r.created_at
from message_records r
where r.conversation_id = %(id)s and r.seq > %(after)s and (r.seq <= %(until)s or r.position = -1)
order by r.seq limit %(limit)s
"""
FILLED: LiteralString = """
update log_topics set filled_seq = greatest(filled_seq, %(seq)s) where conversation_id = %(id)s
"""


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
    """Makes, fills and deletes topics; any number of processes may."""

    def __init__(self, db: Database, signals: Signals, settings: LogSettings, producing: Producing) -> None:
        self._db = db
        self._settings = settings
        self._producing = producing
        self._wanted = asyncio.Event()
        self._admin: Any = None
        self._task: asyncio.Task[None] | None = None
        signals.subscribe(TOPICS_WANTED, lambda _: self._wanted.set())
        signals.on_lost(self._wanted.set)

    async def start(self) -> None:
        """Make the topic that conversations share, if they do; then begin. Raises KAFKA_AWAY."""
        if self._settings.shared_partitions:
            await self._share()
        self._wanted.set()
        self._task = asyncio.create_task(self._run(), name="log-topics")

    async def stop(self) -> None:
        """End; whatever is under way is repeated by the next."""
        if self._task is not None:
            await end_tasks([self._task])
        await self._leave()

    async def _run(self) -> None:

        retry = FIRST_RETRY_S
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                while await self._settle():
                    pass
                retry = FIRST_RETRY_S
                continue
            except Exception as error:  # noqa: BLE001 - it goes on, whatever it was
                log.warning("topics wait", extra={"reason": f"{type(error).__name__}: {error}"})
            await self._leave()
            asyncio.get_running_loop().call_later(retry, self._wanted.set)
            retry = min(retry * 2, LAST_RETRY_S)

    async def _settle(self) -> bool:
        """Bring some of the topics where they are to be; true while there may be more."""
        async with self._db.transaction(None) as tx:
            found = await tx.all(_Unsettled, "select * from unsettled_topics(%(most)s)", {"most": MOST_AT_ONCE})
            if not found:
                noted = await tx.value(
                    "select note_homeless(%(most)s, %(prefix)s, %(shared)s)",
                    {
                        "most": MOST_AT_ONCE, "prefix": self._settings.kafka_prefix,
                        "shared": self._settings.shared_partitions,
                    },
                )  # fmt: skip
                return bool(noted)
        coming = [one for one in found if one.state is TopicState.PROVISIONING]
        if coming:
            await self._make([one for one in coming if not one.is_shared])
            await self._made([one.conversation_id for one in coming if one.fill_to <= one.filled_seq])
            for one in coming:
                if one.fill_to > one.filled_seq:
                    await self._fill(one)
        if going := [one for one in found if one.state is TopicState.RETIRING]:
            await self._delete(going)
        return True

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

        count, name = self._settings.shared_partitions, f"{self._settings.kafka_prefix}.conversations"
        wanted = NewTopic(name, count, self._settings.kafka_replication, topic_configs=self._kept())
        _check(await (await self._kafka()).create_topics([wanted]), {NO_ERROR, TOPIC_EXISTS})
        async with self._db.transaction(None) as tx:
            await tx.run("select topic_shared(%(name)s, %(count)s)", {"name": name, "count": count})

    def _kept(self) -> dict[str, str]:
        """Everything is kept for ever: the topic is where messages live."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "max.message.bytes": str(LARGEST_RECORD),
            "min.insync.replicas": str(2 if self._settings.kafka_replication > 2 else 1),  # noqa: PLR2004
        }

    async def _made(self, conversations: list[UUID]) -> None:
        if conversations:
            async with self._db.transaction(None) as tx:
                await tx.run("select topics_made(%(ids)s)", {"ids": conversations})

    async def _fill(self, one: _Unsettled) -> None:
        """Copy what the database had before, page by page, each noted when Kafka has it; then the topic is ready."""
        after = one.filled_seq
        while page := await self._past(one, after):
            await self._producing.send_past((one.topic, one.partition), page)
            after = page[-1].seq or after
            async with self._db.transaction(system_actor(one.org_id)) as tx:
                await tx.run(FILLED, {"id": one.conversation_id, "seq": after})
        async with self._db.transaction(system_actor(one.org_id)) as tx:
            await tx.run(FILLED, {"id": one.conversation_id, "seq": max(after, one.fill_to)})
        await self._made([one.conversation_id])

    async def _past(self, one: _Unsettled, after: int) -> list[LoggedRecord]:
        async with self._db.transaction(system_actor(one.org_id)) as tx:
            cursor = await tx.connection.execute(
                PAST, {"id": one.conversation_id, "after": after, "until": one.fill_to, "limit": FILL_PAGE}
            )
            return [past_record(one.org_id, one.conversation_id, row) for row in await cursor.fetchall()]

    async def _delete(self, topics: list[_Unsettled]) -> None:
        own = [one.topic for one in topics if not one.is_shared]
        async with self._db.transaction(None) as tx:
            await tx.run("select leave_topics(%(topics)s)", {"topics": own})
        if own:
            _check(await (await self._kafka()).delete_topics(own), {NO_ERROR, UNKNOWN_TOPIC})
        async with self._db.transaction(None) as tx:
            await tx.run("select topics_gone(%(ids)s)", {"ids": [one.conversation_id for one in topics]})

    async def _kafka(self) -> Any:
        if self._admin is None:
            self._admin = await started(make_admin(self._settings))
        return self._admin

    async def _leave(self) -> None:
        if self._admin is not None:
            with contextlib.suppress(Exception):
                await self._admin.close()
            self._admin = None


def _check(response: Any, fine: set[int]) -> None:
    """Raise for the first topic that Kafka says something else of."""
    from aiokafka.errors import for_code

    for name, code, *_ in getattr(response, "topic_errors", None) or response.topic_error_codes:
        if code not in fine:
            raise KAFKA_AWAY(f"Kafka refuses the topic {name}: {for_code(code).__name__}. Its log says why.")


def past_record(org_id: UUID, conversation_id: UUID, row: tuple[Any, ...]) -> LoggedRecord:
    """A row of `PAST` as the record that the topic gets."""
    return LoggedRecord(
        org_id=org_id,
        conversation_id=conversation_id,
        seq=row[0],
        id=row[1],
        type=RecordType(row[2]),
        target_id=row[3],
        author=Author(ActorType(row[4]), row[5], row[6]),
        role=MessageRole(row[7]),
        kind=MessageKind(row[8]),
        title=row[9],
        content=row[10],
        html=row[11],
        metadata=row[12],
        parent_id=row[13],
        mentions=row[14] or [],
        client_id=row[15],
        digest=row[16],
        created_at=row[17],
    )
