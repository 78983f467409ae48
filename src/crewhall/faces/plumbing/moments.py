"""How names, days and times are shown. static/js/live/view.js says the same in the browser."""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import pass_context
from jinja2.runtime import Context

HUES = 12
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@lru_cache(maxsize=256)
def zone_named(name: str) -> ZoneInfo:
    """The timezone of that name, UTC when there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def initials(name: str) -> str:
    """Up to two letters that stand for a name."""
    words = name.split()
    if not words:
        return "?"
    ends = words[:1] if len(words) == 1 else [words[0], words[-1]]
    return "".join(word[0].upper() for word in ends)


def hue(identity: object) -> int:
    """One of twelve hues, from an id."""
    total = 0
    for digit in str(identity).replace("-", ""):
        total = (total * 31 + int(digit, 16)) % 65521
    return total % HUES


def local(moment: datetime, zone: tzinfo) -> datetime:
    """The moment as that timezone has it; as UTC has it where a calendar holds no such day."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment.astimezone(UTC)


def clock(moment: datetime, zone: tzinfo) -> str:
    """The local time of day."""
    return f"{local(moment, zone):%H:%M}"


def day_key(moment: datetime, zone: tzinfo) -> str:
    """The local day, as a key to compare days by."""
    return f"{local(moment, zone):%Y-%m-%d}"


def day_name(moment: datetime, zone: tzinfo) -> str:
    """The local day, as people say it."""
    here = local(moment, zone)
    year = "" if here.year == datetime.now(zone).year else f" {here.year}"
    return f"{_WEEKDAYS[here.weekday()]}, {here.day} {_MONTHS[here.month - 1]}{year}"


def day_and_month(moment: datetime, zone: tzinfo) -> str:
    """The local day without the year."""
    here = local(moment, zone)
    return f"{here.day} {_MONTHS[here.month - 1]}"


@pass_context
def stamp(context: Context, moment: datetime) -> str:
    """Day and time of a moment, in the timezone of whoever looks (a Jinja filter)."""
    zone = context.get("zone") or UTC
    return f"{local(moment, zone):%Y-%m-%d %H:%M}"
