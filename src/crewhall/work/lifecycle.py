"""What a process needs for the organization's work."""

from datetime import datetime, timedelta

from msgspec import Struct

from crewhall.agents import AgentDeleted, AgentStatusChanged
from crewhall.conversations import Consumer
from crewhall.identity import MemberLeft
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database
from crewhall.kernel.events import subscribe
from crewhall.kernel.limits import RateLimiter
from crewhall.kernel.timer import DueTimer
from crewhall.ports.message_log import MessageLog
from crewhall.work.following import on_agent_deleted, on_member_left, on_status_changed
from crewhall.work.timeline import Timeline
from crewhall.work.timeline_following import EventDeriver, follow_other_domains
from crewhall.work.timeline_work import follow_work

GATHER_S = 0.25
"""How far apart steps are under load: so much may the timeline trail a busy log."""


class WorkParts(Struct, frozen=True):
    """The parts of one process."""

    timeline: Timeline
    consumer: Consumer
    months: DueTimer

    def start(self) -> None:
        """Follow the log, and the calendar; the database and the signals must be up."""
        self.consumer.start()
        self.months.start()

    async def close(self) -> None:
        """Stop; what was begun is done again."""
        await self.months.stop()
        await self.consumer.stop()


def start_work(*, db: Database, log: MessageLog, limiter: RateLimiter) -> WorkParts:
    """Make the parts of a process, before the signals start."""
    follow_other_domains()
    follow_work()
    subscribe(AgentStatusChanged, on_status_changed)
    subscribe(AgentDeleted, on_agent_deleted)
    subscribe(MemberLeft, on_member_left)
    consumer = Consumer("timeline", db, log.watch, EventDeriver(db).step, gather_s=GATHER_S)

    async def make_months() -> float:
        """Make the partitions of this month and the next three, and again when the next one begins."""
        async with db.transaction(None) as tx:
            await tx.value("select ensure_partitions()")
        return seconds_to_next_month(utc_now())

    return WorkParts(Timeline(db, limiter), consumer, DueTimer("months", make_months))


def seconds_to_next_month(now: datetime) -> float:
    """How long this month (of UTC) lasts."""
    following = (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
    return (following - now).total_seconds()
