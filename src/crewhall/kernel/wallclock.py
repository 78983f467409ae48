"""Wall clocks: which timezones there are, and the moments at which the clock of one comes to a reading."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from crewhall.kernel.errors import INVALID


@cache
def timezones() -> frozenset[str]:
    """Every name that a timezone may have, found once: to find them is to look into each of six hundred files."""
    return frozenset(available_timezones())


def check_timezone(name: str) -> None:
    """Refuse what is no timezone."""
    if name not in timezones():
        raise INVALID(f"{name[:100]!r} is no IANA timezone, such as Europe/Berlin.", field="timezone")


def instants_of(zone: ZoneInfo, wall: datetime) -> list[datetime]:
    """Return the moments (UTC, the earliest first) at which the clock comes to a naive reading.

    Two where it is set back over it, one else. A reading that it is set forward over comes when it is set.
    """
    found = sorted({wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)})
    if any(instant.astimezone(zone).replace(tzinfo=None) == wall for instant in found):
        return found
    early, late = found
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            early = middle
        else:
            late = middle
    return [late.replace(microsecond=0)]
