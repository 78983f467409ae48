"""Quiet hours and times of the day, by a person's own wall clock. Pure.

Wall clocks decide, so that a change of the clocks moves nothing to another hour of the day.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from crewhall.kernel.wallclock import instants_of

DAY_MINUTES = 24 * 60


def minutes_of(wall: str) -> int:
    """The minutes since midnight of a reading like 22:00."""
    hour, _, minute = wall.partition(":")
    return int(hour) * 60 + int(minute)


def wall_of(minutes: int) -> str:
    """The reading so many minutes after midnight, like 22:00."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def next_at(zone: ZoneInfo, minutes: int, now: datetime) -> datetime:
    """The next moment after `now` at which the clock of a timezone comes to a time of the day; once a day."""
    today = now.astimezone(zone).date()
    for ahead in range(3):
        wall = datetime.combine(today + timedelta(days=ahead), time()) + timedelta(minutes=minutes)
        instant = instants_of(zone, wall)[0]
        if instant > now:
            return instant
    raise AssertionError(f"no {wall_of(minutes)} within two days")


def quiet_until(zone: ZoneInfo, start: int | None, end: int | None, now: datetime) -> datetime | None:
    """When the quiet hours end that hold at `now`; None when none do. They may pass midnight."""
    if start is None or end is None or start == end:
        return None
    wall = now.astimezone(zone)
    minute = wall.hour * 60 + wall.minute
    is_quiet = start <= minute < end if start < end else minute >= start or minute < end
    return next_at(zone, end, now) if is_quiet else None
