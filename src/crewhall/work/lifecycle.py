"""What a process needs for the organization's work."""

from datetime import datetime, timedelta

from msgspec import Struct

from crewhall.agents import AgentDeleted, AgentStatusChanged
from crewhall.conversations import Consumer, provide_tasks
from crewhall.identity import MemberDeactivated, MemberLeft
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database
from crewhall.kernel.events import subscribe
from crewhall.kernel.limits import RateLimiter
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.ports.message_log import MessageLog
from crewhall.work.finding import Tasks
from crewhall.work.following import on_agent_deleted, on_member_deactivated, on_member_left, on_status_changed
from crewhall.work.session_clock import SessionClock
from crewhall.work.session_following import follow_work
from crewhall.work.session_settings import SessionSettings
from crewhall.work.sessions import WorkSessions
from crewhall.work.timeline import Timeline
from crewhall.work.timeline_following import EventDeriver, follow_other_domains
from crewhall.work.timeline_outcomes import tell_of_outcomes
from crewhall.work.timeline_work import tell_of_work

GATHER_S = 0.25
"""How far apart steps are under load: so much may the timeline trail a busy log."""


class WorkParts(Struct, frozen=True):
    """The parts of one process."""

    timeline: Timeline
    sessions: WorkSessions
    consumer: Consumer
    months: DueTimer
    clock: SessionClock

    def start(self) -> None:
        """Follow the log, the calendar, and agents at work; the database and the signals must be up."""
        self.consumer.start()
        self.months.start()
        self.clock.start()

    async def close(self) -> None:
        """Stop; what was begun is done again."""
        await self.clock.stop()
        await self.months.stop()
        await self.consumer.stop()


def start_work(
    *, db: Database, log: MessageLog, limiter: RateLimiter, signals: Signals, settings: SessionSettings
) -> WorkParts:
    """Make the parts of a process, before the signals start."""
    follow_other_domains()
    provide_tasks(Tasks())
    follow_work()
    tell_of_work()
    tell_of_outcomes()
    subscribe(AgentStatusChanged, on_status_changed)
    subscribe(AgentDeleted, on_agent_deleted)
    subscribe(MemberLeft, on_member_left)
    subscribe(MemberDeactivated, on_member_deactivated)
    consumer = Consumer("timeline", db, log.watch, EventDeriver(db).step, gather_s=GATHER_S)

    async def make_months() -> float:
        """Make the partitions of this month and the next three, and again when the next one begins."""
        async with db.transaction(None) as tx:
            await tx.value("select ensure_partitions()")
        return seconds_to_next_month(utc_now())

    silence = timedelta(minutes=settings.session_silence_minutes)
    return WorkParts(
        Timeline(db, limiter), WorkSessions(db, limiter, silence), consumer, DueTimer("months", make_months),
        SessionClock(db, signals, silence),
    )  # fmt: skip


def seconds_to_next_month(now: datetime) -> float:
    """How long this month (of UTC) lasts."""
    following = (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
    return (following - now).total_seconds()
