"""Cron expressions: five fields (minute, hour, day of month, month, day of week), read on a timezone's clock.

Where the hour is named, the clock of the wall decides: what falls into an hour that is skipped comes once, when the
clock is set forward; what falls into an hour that comes twice comes the first time alone. Where the hour is `*` every
hour that passes counts.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from crewhall.kernel.errors import INVALID
from crewhall.kernel.wallclock import instants_of

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))


def check_cron(expression: str) -> None:
    """Refuse what is no cron expression; `*`, numbers, ranges `a-b`, steps `/n` and lists are understood."""
    parts = expression.split()
    if len(parts) != len(FIELDS):
        raise INVALID(f"cron: {expression[:100]!r} must have five fields, such as `0 9 * * 1-5`.", field="cron")
    for part, (name, low, high) in zip(parts, FIELDS, strict=True):
        if not all(_is_item(item, low, high) for item in part.split(",")):
            raise INVALID(f"cron: {part[:100]!r} is no {name} ({low}-{high}).", field="cron")


def occurrences(expression: str, timezone: str, after: datetime) -> Iterator[datetime]:
    """Give the moments (UTC) that a checked expression names, strictly after one; ends where there are none."""
    from cronsim import CronSim, CronSimError

    zone, last = ZoneInfo(timezone), after
    by_the_wall = expression.split()[1] != "*"
    start = after.astimezone(zone)
    try:
        for found in CronSim(" ".join(expression.split()), start.replace(tzinfo=None) if by_the_wall else start):
            instant = instants_of(zone, found)[0] if by_the_wall else found.astimezone(UTC)
            if instant > last:
                last = instant
                yield instant
    except CronSimError:
        return


def upcoming(expression: str, timezone: str, after: datetime, count: int) -> list[datetime]:
    """The next so many moments; fewer, or none, where they end."""
    return list(islice(occurrences(expression, timezone, after), count))


def in_words(expression: str) -> str:
    """A checked expression as people say it: `At 09:00, Monday through Friday`."""
    from cronsim import CronSim

    return CronSim(" ".join(expression.split()), datetime(2000, 1, 1, tzinfo=UTC)).explain()


def _is_item(item: str, low: int, high: int) -> bool:
    span, slash, step = item.partition("/")
    if slash and not (_is_number(step) and 1 <= int(step) <= high):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    ends = [first, last] if dash else [first]
    if not all(_is_number(end) and low <= int(end) <= high for end in ends):
        return False
    return int(ends[0]) <= int(ends[-1])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 2  # noqa: PLR2004
