"""Working hours: whether an agent works at a moment, and when it next begins to. Pure.

Wall clocks decide, so that a change of the clocks neither opens nor closes anything at another hour of the day.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from crewhall.agents import SchedulingConfig
from crewhall.kernel.wallclock import instants_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
AHEAD = 8
"""Days to look ahead: spans repeat weekly."""


class _Span(msgspec.Struct, frozen=True):
    """A span of one day in minutes since its midnight; one that ends on the next day ends after 24 hours."""

    start: int
    end: int


def opens_at(config: SchedulingConfig, now: datetime) -> datetime | None:
    """When the agent next begins to work; None when it works at `now`, or keeps no hours."""
    if not config.enabled or not config.working_hours or _is_open(config, now):
        return None
    zone = ZoneInfo(config.timezone)
    today = now.astimezone(zone).date()
    beginnings = sorted(
        instant
        for ahead in range(AHEAD + 1)
        for span in _spans(config, today + timedelta(days=ahead))
        for instant in instants_of(zone, _wall(today + timedelta(days=ahead), span.start))
        if instant > now
    )
    return next((instant for instant in beginnings if _is_open(config, instant)), None)


def _is_open(config: SchedulingConfig, moment: datetime) -> bool:
    wall = moment.astimezone(ZoneInfo(config.timezone)).replace(tzinfo=None)
    today = wall.date()
    return any(
        _wall(day, span.start) <= wall < _wall(day, span.end)
        for day in (today - timedelta(days=1), today)
        for span in _spans(config, day)
    )


def _spans(config: SchedulingConfig, day: date) -> Iterator[_Span]:
    hours = config.working_hours
    text = hours.get(DAYS[day.weekday()]) if isinstance(hours, dict) else hours
    if text:
        start, end = (_minutes(edge) for edge in text.split("-"))
        yield _Span(start, end if end > start else end + DAY_MINUTES)


def _minutes(edge: str) -> int:
    hour, _, minute = edge.partition(":")
    return int(hour) * 60 + int(minute or 0)


def _wall(day: date, minutes: int) -> datetime:
    """The reading of a wall clock so long after a day's midnight."""
    return datetime.combine(day, time()) + timedelta(minutes=minutes)
