"""Records on their way to topics: in order within a partition, each written once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from crewhall.adapters.kafka.client import KAFKA_AWAY, make_producer
from crewhall.adapters.kafka.reaching import why_away
from crewhall.adapters.kafka.records import encode_record, headers_of
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.adapters.postgres.batch import LoggedRecord, Pending
from crewhall.kernel.clock import utc_now
from crewhall.kernel.ending import end_tasks

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

log = logging.getLogger(__name__)
STOP_S = 5.0
"""How long what is on its way may take when the process stops."""
Place = tuple[str, int]
"""A topic and a partition of it."""


class Producing:
    """The producer of one process. It is made with the first record, and anew after an error that ends it."""

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._spoilt: AIOKafkaProducer | None = None
        """The one that has failed to send: a number is missing in its sequence, and brokers take nothing more of it."""
        self._making = asyncio.Lock()
        self._outboxes: dict[Place, deque[Pending]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect. Raises KAFKA_AWAY."""
        await self._ready()

    async def stop(self) -> None:
        """Send what is on its way, then close."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_S)
            await end_tasks(late)
        producer, self._producer = self._producer, None
        if producer is not None:
            await stopped(producer)

    def send(self, place: Place, pending: Pending) -> None:
        """Send a record after those that were given before for the same place; it fails by itself."""
        outbox = self._outboxes.setdefault(place, deque())
        outbox.append(pending)
        if len(outbox) == 1:
            task = asyncio.create_task(self._drain(place, outbox), name="log-outbox")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def send_past(self, place: Place, records: list[LoggedRecord]) -> int:
        """Send records that the database had before; returns when Kafka has them all, with the offset behind them."""
        producer = await self._ready()
        try:
            sent = [
                await producer.send(
                    place[0], encode_record(record, record.created_at), str(record.conversation_id).encode(), place[1],
                    headers=headers_of(),
                )
                for record in records
            ]  # fmt: skip
            return int(max(one.offset for one in await asyncio.gather(*sent))) + 1
        except BaseException:  # given up by the caller, too: nobody knows how far it came
            self._spoilt = producer
            raise

    async def _drain(self, place: Place, outbox: deque[Pending]) -> None:
        while outbox:
            pending = outbox[0]
            if not pending.future.done():  # who waited may have been told meanwhile that it was not sent
                await self._send(place, pending)
            outbox.popleft()
        del self._outboxes[place]

    async def _send(self, place: Place, pending: Pending) -> None:
        record = pending.record
        try:
            producer = await self._ready()
            sent = await producer.send(
                place[0], encode_record(record, utc_now()), str(record.conversation_id).encode(), place[1],
                headers=headers_of(),
            )  # fmt: skip
            sent.add_done_callback(partial(self._failed, producer, pending))
        except Exception as error:  # noqa: BLE001 - whatever it was, what stands behind it goes on
            _refuse(pending, error)

    def _failed(self, producer: AIOKafkaProducer, pending: Pending, sent: asyncio.Future[Any]) -> None:
        error = None if sent.cancelled() else sent.exception()
        if error is not None:
            self._spoilt = producer
            _refuse(pending, error)

    async def _ready(self) -> AIOKafkaProducer:
        async with self._making:
            producer = self._producer
            if producer is not None and producer is not self._spoilt and _lives(producer):
                return producer
            if producer is not None:
                log.warning("Kafka's producer is of no use any more; another is made")
                self._producer = None
                await stopped(producer)
            self._producer = await started(make_producer(self._settings), self._settings)
            return self._producer


def _lives(producer: AIOKafkaProducer) -> bool:
    task = producer._sender.sender_task  # noqa: SLF001 - it has no other sign of having given up
    return task is not None and not task.done()


async def stopped(producer: AIOKafkaProducer) -> None:
    """Stop a producer within bounds: while Kafka is away it would wait for what it could not send, however long."""
    try:
        async with asyncio.timeout(STOP_S):
            await producer.stop()
    except Exception as error:  # noqa: BLE001 - it is left behind
        log.warning("Kafka's producer did not stop", extra={"reason": f"{type(error).__name__}: {error}"})
        sender = producer._sender.sender_task  # noqa: SLF001 - nothing else ends it
        if sender is not None:
            sender.cancel()
        with contextlib.suppress(Exception):  # it would hold its connections and ask for news for ever
            async with asyncio.timeout(STOP_S):
                await producer.client.close()


async def started(client: Any, settings: LogSettings) -> Any:
    """Start a client of Kafka. Raises KAFKA_AWAY, which says what keeps us from it."""
    from aiokafka.errors import KafkaError

    try:
        await client.start()
        await asyncio.sleep(0)  # its tasks begin: one that is ended before it began would end whoever ends it, too
    except BaseException as error:  # cancelled, too: a client that is left half started is never closed
        with contextlib.suppress(Exception, asyncio.CancelledError):  # the library's own tasks are cancelled by it
            await (getattr(client, "stop", None) or client.close)()
        if isinstance(error, (KafkaError, OSError)):
            raise KAFKA_AWAY(await why_away(settings, error), retry_after=2) from error
        raise
    return client


def _refuse(pending: Pending, error: BaseException) -> None:
    log.warning("Kafka took no record", extra={"reason": f"{type(error).__name__}: {error}"})
    pending.fail(KAFKA_AWAY("Kafka did not take the message. Send it again.", retry_after=2))
