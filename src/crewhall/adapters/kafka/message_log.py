"""The message log on Kafka: a record is acknowledged when Kafka has it and the read model shows it.

What stands against a post is asked in one statement for many; then it goes to its conversation's topic. The projector,
of this process or another, writes it into the database in the topic's order; only then its author hears its seq. So
whoever was told that a message is there finds it, and writers wait when the projector falls behind.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from crewhall.adapters.kafka.asking import FIND, JUDGE, Asking, check_storable
from crewhall.adapters.kafka.producing import Producing
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.kafka.waiting import Deadlines, Waiting, nobodys
from crewhall.adapters.postgres.batch import LoggedRecord, Pending, settle, size_of
from crewhall.adapters.postgres.read_model import ReadModel
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import INVALID, UNAVAILABLE, CrewhallError, define_error
from crewhall.kernel.signals import Signals
from crewhall.kernel.telemetry import append_batch_size, posts_total
from crewhall.ports.message_log import MAX_CLIENT_ID_LENGTH, Appended, LogState, NewRecord

log = logging.getLogger(__name__)
LOG_BEHIND = define_error("log_behind", 503, "The log is behind")
TOPICS, TOPICS_WANTED = "crewhall_topics", "crewhall_topics_wanted"
ALL = "*"
MAX_BATCH = 256
MAX_HELD = 20_000
MAX_HELD_BYTES = 64 * 1024 * 1024
PATIENCE_S = 8.0
RETRY_S = 0.1
CREATE_TOPIC: LiteralString = """
with place as (select * from place_of(%(id)s, %(prefix)s, %(shared)s)), noted as (
    insert into log_topics (conversation_id, org_id, topic, partition, is_shared, state)
    select %(id)s, %(org)s, p.topic, p.partition, %(shared)s > 0, %(state)s from place p)
update conversations c set topic = p.topic, topic_state = %(state)s from place p
where c.id = %(id)s and (c.topic_state <> %(state)s or (c.topic <> p.topic and %(shared)s = 0))
"""
FILL_PAST: LiteralString = """
update log_topics t
set state = 'provisioning', fill_to = h.last_seq,
    filled_seq = case when t.state <> 'ready' then t.filled_seq else (
        select min(r.seq) - 1 from message_records r
        where r.conversation_id = t.conversation_id and r.seq > t.filled_seq and r.position = -1) end
from conversation_heads h
where t.conversation_id = %(id)s and h.conversation_id = t.conversation_id and t.state <> 'retiring' and exists (
    select from message_records r
    where r.conversation_id = t.conversation_id and r.seq > t.filled_seq and r.position = -1)
"""


class KafkaMessageLog(ReadModel):
    """The engine of one process. `start` before the first append, `stop` after the last."""

    def __init__(self, db: Database, signals: Signals, settings: LogSettings) -> None:
        super().__init__(db, signals)
        self.producing = Producing(settings)
        self._settings = settings
        self._queue: deque[Pending] = deque()
        self._away: dict[UUID, deque[Pending]] = {}
        self._waiting = Waiting()
        self._deadlines = Deadlines(PATIENCE_S, self._on_late)
        self._held = self._held_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._to_look_up: set[UUID] = set()
        self._late: list[Pending] = []
        self._came: set[UUID | None] = set()
        self._empty = asyncio.Event()
        self._asking = Asking(db.url, PATIENCE_S)
        self._stopped = False
        self._state: Callable[[], LogState] | None = None
        signals.subscribe(TOPICS, self._on_topics)
        signals.on_lost(lambda: self._on_topics(ALL))
        signals.on_lost(self.look_up_all)

    async def start(self) -> None:
        """Connect to Kafka. Raises KAFKA_AWAY."""
        await self.producing.start()

    async def stop(self) -> None:
        """Let what was taken in come to its end, within bounds, then close."""
        self._stopped = True
        if self._held:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    await self._empty.wait()
        self._deadlines.close()
        await self.producing.stop()
        await self._asking.close()

    def state(self) -> LogState:
        """See MessageLog.state."""
        return LogState("kafka", None) if self._state is None else self._state()

    def follow_lag(self, state: Callable[[], LogState]) -> None:
        """This process projects, and so knows how far that is."""
        self._state = state

    async def append(self, record: NewRecord) -> Appended:
        """See MessageLog.append. Raises besides: LOG_BEHIND, KAFKA_AWAY."""
        pending = self._admit(record)
        self._queue.append(pending)
        self._go_on()
        return await pending.future

    def _admit(self, record: NewRecord) -> Pending:
        """Take a record in, as far as there is room; until its end it counts."""
        if record.client_id is not None and not 1 <= len(record.client_id) <= MAX_CLIENT_ID_LENGTH:
            raise INVALID(f"client_id takes 1 to {MAX_CLIENT_ID_LENGTH} characters.", field="client_id")
        check_storable(record)
        size = size_of(record)
        if self._stopped or self._held >= MAX_HELD or self._held_bytes + size > MAX_HELD_BYTES:
            raise LOG_BEHIND(
                "Messages come faster than they can be written, or the server stops. Send it again shortly, with the"
                " same client_id.",
                retry_after=1,
            )
        pending = Pending(record, asyncio.get_running_loop().create_future(), size)
        self._held += 1
        self._held_bytes += size
        pending.future.add_done_callback(lambda _: self._let_go(pending))
        self._deadlines.add(pending)
        return pending

    def _let_go(self, pending: Pending) -> None:
        self._held -= 1
        if self._stopped and not self._held:
            self._empty.set()
        self._held_bytes -= pending.size
        self._waiting.pop(pending.record)

    def _go_on(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="log-writer")

    async def _write(self) -> None:
        """Ask what stands against posts, and send those that may go: the statement in flight gathers the next ones.

        Posts of a conversation keep their order. All go through the queue; those whose topic is away are set aside in
        the order of the queue, and come back to its front, while nothing is in flight.
        """
        while self._queue or self._came:
            self._take_back()
            batch = self._next_batch()
            if not batch:
                continue
            try:
                rows = await self._asking.ask(JUDGE, batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
                _fail(batch, error)
                continue
            append_batch_size.observe(len(batch))
            homeless = set()
            for pending, row in zip(batch, rows, strict=True):
                self._act(pending, row)
                if row[1] == "homeless":
                    homeless.add(pending.record.conversation_id)
            if homeless:
                with contextlib.suppress(psycopg.Error, CrewhallError):  # whoever sends again asks again
                    await self._asking.give_topics(list(homeless), self._settings)

    def _take_back(self) -> None:
        """Put what waited for topics that are there now before everything else."""
        came, self._came = self._came, set()
        for conversation in list(self._away) if None in came else came:
            if conversation in self._away:
                self._queue.extendleft(reversed(self._away.pop(conversation)))

    def _next_batch(self) -> list[Pending]:
        """What is asked about next; what follows upon something that is set aside is set aside, too."""
        batch: list[Pending] = []
        while self._queue and len(batch) < MAX_BATCH:
            pending = self._queue.popleft()
            if pending.record.conversation_id in self._away:
                self._set_aside(pending)
            elif not pending.future.done():
                batch.append(pending)
        return batch

    def _set_aside(self, pending: Pending) -> None:
        away = self._away.setdefault(pending.record.conversation_id, deque())
        while away and away[0].future.done():  # told that it was not written; room for others
            away.popleft()
        away.append(pending)

    def _act(self, pending: Pending, row: Sequence[Any]) -> None:
        """Send a record that may go, or set it aside until its topic is there; what stands against it is told."""
        verdict = row[1]
        if verdict in {"away", "homeless"}:
            self._set_aside(pending)
        elif verdict == "ready":
            self._waiting.add(pending)
            self.producing.send((row[5], row[6]), pending)
        else:
            settle([pending], [(*row[:5], -1)])

    async def create(self, tx: Tx, org_id: UUID, conversation_id: UUID) -> None:
        """See MessageLog.create: the topic is noted, and made as soon as the transaction has committed."""
        await super().create(tx, org_id, conversation_id)
        shared = self._settings.shared_partitions
        state = "ready" if shared else "provisioning"
        await tx.run(
            CREATE_TOPIC,
            {
                "id": conversation_id, "org": org_id, "prefix": self._settings.kafka_prefix, "shared": shared,
                "state": state,
            },
        )  # fmt: skip
        await tx.notify(TOPICS_WANTED, "")

    async def _set_open(self, tx: Tx, org_id: UUID, conversation_id: UUID, *, is_open: bool) -> None:
        """Besides: what was taken in as past meanwhile goes to the topic before anything else does."""
        await super()._set_open(tx, org_id, conversation_id, is_open=is_open)
        if await tx.run(FILL_PAST, {"id": conversation_id}):
            await tx.notify(TOPICS_WANTED, "")

    def _on_topics(self, payload: str) -> None:
        """Topics were made: what waits for them goes on, and what is being asked about will not wait."""
        is_writing = self._writer is not None and not self._writer.done()
        named = {UUID(one) for one in payload.split(",") if one and one != ALL}
        if payload == ALL and (self._away or is_writing):
            self._came.add(None)
        self._came |= named if is_writing else named & self._away.keys()
        if self._came:
            self._go_on()

    # what became of records

    def take_projected(self, records: Sequence[LoggedRecord], rows: list[tuple[Any, ...]]) -> None:
        """The projector of this process has written records: tell their authors, and whoever watches."""
        batch = [self._waiting.pop(record) or nobodys(record) for record in records]
        for advanced in settle(batch, rows):
            posts_total.inc(len(advanced.records or ()))
            self.tell(advanced)

    def take_refused(self, ids: Iterable[UUID | None]) -> None:
        """The projector of this process could not write these records, and has noted why."""
        if any(one is not None for one in ids):
            self.look_up_all()

    def look_up_all(self) -> None:
        """Ask what became of every record that waits: news of it may have been missed."""
        self._look_up(self._waiting.conversations())

    def _on_notice(self, payload: str) -> None:
        super()._on_notice(payload)
        process, _, places = payload.partition("|")
        if process == self.process or not self._waiting:
            return
        if places == "*":
            self.look_up_all()
        else:
            self._look_up(UUID(place.partition(":")[0]) for place in places.split(","))

    def _on_late(self, pendings: list[Pending]) -> None:
        self._late.extend(pendings)
        self._look_up(pending.record.conversation_id for pending in pendings)

    def _look_up(self, conversations: Iterable[UUID]) -> None:
        self._to_look_up |= self._waiting.among(conversations)
        if (self._to_look_up or self._late) and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._find(), name="log-lookup")

    async def _find(self) -> None:
        """Ask what became of records; those whose time is over are told that the log is behind."""
        while self._to_look_up or self._late:
            batch = self._waiting.of(self._to_look_up)
            late = self._late
            self._to_look_up, self._late = set(), []
            try:
                rows = await self._asking.ask(FIND, batch) if batch else []
            except Exception as error:  # noqa: BLE001 - who waits is told that it is late
                log.warning("records could not be looked up", extra={"reason": f"{type(error).__name__}: {error}"})
                rows = []
            if late:
                log.warning("posts were not written in time", extra={"posts": len(late)})
            for row in rows:
                settle([batch[row[0]]], [row])
            for pending in late:
                pending.fail(
                    LOG_BEHIND(
                        "The message was not written in time; it may be yet. Send it again with the same client_id: it"
                        " will be there once.",
                        retry_after=2,
                    )
                )


def _fail(batch: list[Pending], error: Exception) -> None:
    if not isinstance(error, CrewhallError):
        log.error("posts could not be judged", exc_info=error)
        error = UNAVAILABLE("The message could not be stored. Try again.", reason=type(error).__name__)
    for pending in batch:
        pending.fail(error)
