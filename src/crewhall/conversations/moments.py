"""Moments as people write them: `20m`, `2h`, `14:30`, `tomorrow 9:00`, `monday 9`, `2026-11-23 09:00`. Pure."""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crewhall.kernel.wallclock import instants_of

UNITS = {"m": timedelta(minutes=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MORNING = time(9)
_SPAN = re.compile(r"(?:in\s+)?(\d{1,4})\s?(min|m|h|d)(?=\s|$)", re.IGNORECASE)
_CLOCK = r"(\d{1,2})(?::(\d{2}))?\s?(am|pm)?(?=\s|$)"
_TIME = re.compile(r"(?:at\s+)?(\d{1,2}):(\d{2})\s?(am|pm)?(?=\s|$)", re.IGNORECASE)
_DAY = re.compile(
    r"(\d{4}-\d{2}-\d{2}|today|tomorrow|" + "|".join(DAYS) + r")(?:\s+(?:at\s+)?" + _CLOCK + r")?(?=\s|$)",
    re.IGNORECASE,
)


def read_moment(text: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, str] | None:
    """Return the moment (UTC) at the start of a text, and what follows it; None when it begins with none.

    A time without a day is the next one to come; a day without a time is at nine. Of a weekday the next one is meant.
    """
    text = text.lstrip()
    if found := _SPAN.match(text):
        return now + int(found[1]) * UNITS[found[2].lower()], text[found.end() :].strip()
    here = now.astimezone(zone)
    if found := _TIME.match(text):
        at = _time(found[1], found[2], found[3])
        if at is None:
            return None
        today = _instant(zone, here.date(), at)
        return today if today > now else _instant(zone, here.date() + timedelta(days=1), at), text[
            found.end() :
        ].strip()
    if found := _DAY.match(text):
        at = _time(found[2], found[3], found[4]) if found[2] else MORNING
        day = _date(found[1].lower(), here.date())
        if at is None or day is None:
            return None
        return _instant(zone, day, at), text[found.end() :].strip()
    return None


def local_moment(typed: str, zone: ZoneInfo) -> datetime | None:
    """The moment (UTC) that a form's `2026-11-23T09:00` means on a timezone's clock; None when it is no such thing."""
    try:
        wall = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return instants_of(zone, wall.replace(tzinfo=None))[0] if _is_within_reach(wall) else None


def _date(named: str, today: date) -> date | None:
    if named in {"today", "tomorrow"}:
        return today + timedelta(days=named == "tomorrow")
    if named in DAYS:
        return today + timedelta(days=(DAYS.index(named) - today.weekday() - 1) % 7 + 1)
    try:
        day = date.fromisoformat(named)
    except ValueError:
        return None
    return day if _is_within_reach(day) else None


def _is_within_reach(day: date) -> bool:
    """Whether the day is one that every timezone has: at the ends of the calendar some have none."""
    return date.min.year < day.year < date.max.year


def _time(hour: str, minute: str | None, half: str | None) -> time | None:
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:  # noqa: PLR2004
            return None
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    try:
        return time(hours, int(minute or 0))
    except ValueError:
        return None


def _instant(zone: ZoneInfo, day: date, at: time) -> datetime:
    return instants_of(zone, datetime.combine(day, at))[0]
