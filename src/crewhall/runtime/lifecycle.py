"""What a process needs for agents to take turns."""

from typing import Protocol

from msgspec import Struct

from crewhall.conversations import Consumer
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.ports.message_log import MessageLog
from crewhall.runtime.scheduler import Scheduler
from crewhall.runtime.triggers import TriggerDeriver

GATHER_TRIGGERS_S = 0.02
"""How far apart batches are under load: so much may triggers trail a busy log."""


class Worker(Protocol):
    """Takes the turns that were decided: `runtime.jobs` makes it."""

    async def start(self) -> None:
        """Begin to work; the server is ready. Returns at once, imports nothing heavy before a turn is there."""
        ...

    async def stop(self) -> None:
        """Stop; turns under way are left to who takes them over."""
        ...


class RuntimeParts(Struct, frozen=True):
    """The parts of one process."""

    consumer: Consumer
    scheduler: Scheduler
    worker: Worker

    async def follow(self) -> None:
        """Follow the log, decide, take turns; the database and the signals must be up."""
        self.consumer.start()
        self.scheduler.start()
        await self.worker.start()

    async def close(self) -> None:
        """Stop in reverse order; the database must still be open."""
        await self.worker.stop()
        await self.scheduler.stop()
        await self.consumer.stop()


def start_runtime(*, db: Database, log: MessageLog, signals: Signals, worker: Worker, region: str = "") -> RuntimeParts:
    """Make the parts of a process, not yet at work."""
    consumer = Consumer("turns", db, log.watch, TriggerDeriver(db).step, gather_s=GATHER_TRIGGERS_S)
    return RuntimeParts(consumer, Scheduler(db, signals, region=region), worker)
