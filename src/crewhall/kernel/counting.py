"""Numbers with their nouns, as people read them."""

_MINUTE, _DAY = 60, 24
KB, MB, GB = 1024, 1024**2, 1024**3
COUNTED_TO = 10_000
"""What may be any number is counted so far, and one further."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 message`, `1,200 messages`; the plural is the noun with an s unless it is given."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def up_to(number: int) -> str:
    """A number that was counted up to COUNTED_TO: `1,200`, `10,000 or more`."""
    return f"{COUNTED_TO:,} or more" if number > COUNTED_TO else f"{number:,}"


def lasting(seconds: int) -> str:
    """How long it took, in its two largest units: `40 s`, `23 min`, `3 h 2 min`, `2 d 4 h`."""
    if seconds < _MINUTE:
        return f"{seconds} s"
    minutes = seconds // _MINUTE
    if minutes < _MINUTE:
        return f"{minutes} min"
    hours, rest = divmod(minutes, _MINUTE)
    if hours < _DAY:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, rest = divmod(hours, _DAY)
    return f"{days} d {rest} h" if rest else f"{days} d"


def size_in_words(size: int) -> str:
    """A number of bytes as people say it."""
    if size < KB:
        return f"{size} B"
    if size < MB:
        return f"{-(-size // KB)} KB"
    unit, name = (MB, "MB") if size < GB else (GB, "GB")
    tenths = (size * 20 + unit) // (2 * unit)
    return f"{tenths // 10}.{tenths % 10} {name}"
