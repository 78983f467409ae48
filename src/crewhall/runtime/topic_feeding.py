"""Feeding: topics are made and deleted, and what is in an agent's inbox goes to its topic, in order.

Each record goes once or more often, never not at all: how far a topic is, is noted when Kafka has the record. One timer
for what is due next; a row is one process's for a while, and who does not come to an end leaves it to the next.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

import msgspec
from psycopg import Error

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.ports.agent_topics import AgentTopics, SentRecord, Take
from crewhall.ports.message_log import Advanced, MessageLog, Record, RecordType
from crewhall.runtime.schemas_topics import TopicsState
from crewhall.runtime.topic_records import VERSION, VERSION_HEADER, InboxRecord
from crewhall.runtime.topics import CHANNEL

log = logging.getLogger(__name__)
AT_ONCE: Final = 8
PAGE: Final = 100
FAILED: Final = 500
"""An error of this status and above says that it may go better later."""
_encoder = msgspec.json.Encoder()

# Whoever takes it has a minute, and longer with each page that it feeds.
_CLAIM: LiteralString = """
update agent_topics set look_at = now() + interval '1 minute', attempt = attempt + 1
where id = %(id)s and look_at <= now() and state <> 'gone'
returning id, org_id, agent_id, inbox_id, state, fed_seq, attempt
"""
_FED: LiteralString = """
update agent_topics set fed_seq = %(seq)s, fed_at = case when %(given)s then now() else fed_at end, failures = 0,
    failing_since = null, look_at = now() + interval '1 minute'
where id = %(id)s and attempt = %(attempt)s and state = 'ready'
"""
_READ: LiteralString = """
update conversation_members set last_read_seq = greatest(last_read_seq, %(seq)s)
where conversation_id = %(inbox)s and member_type = 'agent' and member_id = %(agent)s
"""
_SETTLE: LiteralString = """
update agent_topics set state = %(state)s, look_at = now(), failures = 0, failing_since = null
where id = %(id)s and attempt = %(attempt)s and state = %(from)s
"""
_REST: LiteralString = "update agent_topics set look_at = now() where id = %(id)s and attempt = %(attempt)s"
_FAIL: LiteralString = """
update agent_topics set failures = failures + 1, failing_since = coalesce(failing_since, now()), last_error = %(error)s,
    look_at = now() + make_interval(secs => least(60, power(2, least(failures, 6))))
where id = %(id)s and attempt = %(attempt)s
"""


class _Due(msgspec.Struct):
    org_id: UUID
    id: UUID
    due_in: float


class _Live(msgspec.Struct):
    id: UUID
    inbox_id: UUID
    is_ready: bool


class _Claimed(msgspec.Struct):
    id: UUID
    org_id: UUID
    agent_id: UUID
    inbox_id: UUID
    state: TopicsState
    fed_seq: int
    attempt: int


class TopicFeeding:
    """Keeps the topics of agents, as one process does its part of that. `take` is given what agents say."""

    def __init__(
        self, db: Database, message_log: MessageLog, topics: AgentTopics, take: Take, signals: Signals
    ) -> None:
        self._db = db
        self._log = message_log
        self._topics = topics
        self._take = take
        self._followed: frozenset[UUID] = frozenset()
        self._is_new = True
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._timer = DueTimer("topics of agents", self.look)
        if topics.bootstrap:
            message_log.watch(self._on_advance)
            signals.subscribe(CHANNEL, lambda _payload: self._on_change())
            signals.on_lost(self._on_change)

    def start(self) -> None:
        """Go on with what was begun, then wait; nothing at all where there is no Kafka."""
        if self._topics.bootstrap:
            self._timer.start()

    async def stop(self) -> None:
        """Stop; what was begun goes on elsewhere, or later."""
        await self._timer.stop()
        await end_tasks(list(self._tasks.values()))
        await self._topics.close()

    def _on_change(self) -> None:
        self._is_new = True
        self._timer.stir()

    def _on_advance(self, advanced: Advanced | None) -> None:
        if advanced is None or advanced.conversation_id in self._followed:
            self._timer.stir()

    async def look(self) -> float | None:
        """Begin what is due and has room; gives the seconds until the next, None when nothing waits."""
        if self._is_new:
            await self._follow()
        async with self._db.transaction(None) as tx:
            found = await tx.all(_Due, "select * from due_agent_topics(%(most)s)", {"most": AT_ONCE * 2})
        for due in found:
            if len(self._tasks) >= AT_ONCE:
                return None  # whoever ends looks again
            if due.due_in > 0:
                return due.due_in
            if due.id not in self._tasks and (claimed := await self._claim(due)) is not None:
                task = asyncio.create_task(self._do(claimed), name=f"topics {claimed.id}")
                self._tasks[due.id] = task
                task.add_done_callback(lambda ended, which=due.id: self._ended(which, ended))  # type: ignore[misc]
        return None

    async def _follow(self) -> None:
        """Learn which inboxes are followed, and hear the outboxes of those whose topics are there."""
        self._is_new = False
        try:
            async with self._db.transaction(None) as tx:
                live = await tx.all(_Live, "select * from live_agent_topics()")
        except BaseException:
            self._is_new = True
            raise
        self._followed = frozenset(one.inbox_id for one in live)
        self._topics.hear([one.id for one in live if one.is_ready], self._take)

    def _ended(self, which: UUID, task: asyncio.Task[None]) -> None:
        self._tasks.pop(which, None)
        if not task.cancelled():
            self._timer.stir()

    async def _claim(self, due: _Due) -> _Claimed | None:
        async with self._db.transaction(system_actor(due.org_id)) as tx:
            return await tx.find(_Claimed, _CLAIM, {"id": due.id})

    async def _do(self, claimed: _Claimed) -> None:
        try:
            if claimed.state is TopicsState.PROVISIONING:
                await self._topics.make(self._topics.names(claimed.id))
                await self._settle(claimed, TopicsState.READY)
            elif claimed.state is TopicsState.RETIRING:
                await self._topics.remove(self._topics.names(claimed.id))
                await self._settle(claimed, TopicsState.GONE)
            else:
                await self._feed(claimed)
        except CrewhallError as error:
            if error.kind.status < FAILED:
                raise
            await self._write(claimed, _FAIL, {"error": error.detail[:500]})
        except (Error, OSError):
            raise
        except Exception as error:  # the page says so; nobody else would
            log.exception("an inbox cannot be given", extra={"agent": str(claimed.agent_id)})
            reason = f"Crewhall could not give a message: {type(error).__name__}. Its log says why."
            await self._write(claimed, _FAIL, {"error": reason[:500]})

    async def _settle(self, claimed: _Claimed, state: TopicsState) -> None:
        values = {"id": claimed.id, "attempt": claimed.attempt, "from": str(claimed.state), "state": str(state)}
        async with self._db.transaction(system_actor(claimed.org_id)) as tx:
            if await tx.run(_SETTLE, values):
                await tx.notify(CHANNEL, "")

    async def _feed(self, claimed: _Claimed) -> None:
        """Give the topic what is in the inbox, page by page, until there is no more."""
        while page := await self._log.read(claimed.org_id, claimed.inbox_id, after=claimed.fed_seq, limit=PAGE):
            given = [record for record in page if record.type is RecordType.DELIVERY]
            await self._topics.send(self._records(claimed, given))
            values = {"id": claimed.id, "attempt": claimed.attempt, "seq": page[-1].seq, "given": bool(given)}
            async with self._db.transaction(system_actor(claimed.org_id)) as tx:
                if not await tx.run(_FED, values):
                    return  # another process has it, or it was taken away
                await tx.run(_READ, {"seq": page[-1].seq, "inbox": claimed.inbox_id, "agent": claimed.agent_id})
            claimed.fed_seq = page[-1].seq
        await self._write(claimed, _REST, {})

    def _records(self, claimed: _Claimed, deliveries: Sequence[Record]) -> list[SentRecord]:
        inbox = self._topics.names(claimed.id).inbox
        return [
            SentRecord(
                topic=inbox,
                key=str((record.metadata or {}).get("message", {}).get("conversation_id", "")).encode(),
                value=_encoder.encode(inbox_record(claimed.agent_id, record)),
                headers={VERSION_HEADER: VERSION},
            )
            for record in deliveries
        ]

    async def _write(self, claimed: _Claimed, statement: LiteralString, values: dict[str, object]) -> None:
        async with self._db.transaction(system_actor(claimed.org_id)) as tx:
            await tx.run(statement, {"id": claimed.id, "attempt": claimed.attempt, **values})


def inbox_record(agent_id: UUID, delivery: Record) -> InboxRecord:
    """A delivery of the log as an agent's topic has it."""
    return msgspec.convert(
        {
            "id": delivery.id,
            "seq": delivery.seq,
            "org_id": delivery.org_id,
            "agent_id": agent_id,
            "created_at": delivery.created_at,
            **(delivery.metadata or {}),
        },
        InboxRecord,
    )
