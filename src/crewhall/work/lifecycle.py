"""What a process needs for the organization's work."""

from msgspec import Struct

from crewhall.conversations import Consumer
from crewhall.kernel.db import Database
from crewhall.kernel.limits import RateLimiter
from crewhall.ports.message_log import MessageLog
from crewhall.work.timeline import Timeline
from crewhall.work.timeline_following import EventDeriver, follow_other_domains

GATHER_S = 0.25
"""How far apart steps are under load: so much may the timeline trail a busy log."""


class WorkParts(Struct, frozen=True):
    """The parts of one process."""

    timeline: Timeline
    consumer: Consumer

    def start(self) -> None:
        """Follow the log; the database and the signals must be up."""
        self.consumer.start()

    async def close(self) -> None:
        """Stop; what was begun is done again."""
        await self.consumer.stop()


def start_work(*, db: Database, log: MessageLog, limiter: RateLimiter) -> WorkParts:
    """Make the parts of a process, before the signals start."""
    follow_other_domains()
    consumer = Consumer("timeline", db, log.watch, EventDeriver(db).step, gather_s=GATHER_S)
    return WorkParts(Timeline(db, limiter), consumer)
