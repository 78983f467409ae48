"""Numbers with their nouns, as people read them."""

_MINUTE, _DAY = 60, 24


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 message`, `1,200 messages`; the plural is the noun with an s unless it is given."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


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
