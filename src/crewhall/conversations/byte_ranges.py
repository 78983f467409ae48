"""Which bytes of a file a request asks for (RFC 9110): one range; several at once are answered by the whole."""

import re

from crewhall.kernel.errors import define_error

RANGE_REFUSED = define_error("range_refused", 416, "The file does not have these bytes")
_ONE = re.compile(r"^\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*$", re.IGNORECASE)


def range_of(asked: str | None, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last; None for the whole. Raises RANGE_REFUSED where none of it is there."""
    found = _ONE.match(asked or "")
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < int(found[1]):
            return None
    if start >= end:
        raise RANGE_REFUSED(f"The file has {size} bytes.", size=size)
    return start, end


def is_same(asked: str | None, etag: str) -> bool:
    """Whether a list of entity tags (If-None-Match) names this one, or any."""
    if asked is None:
        return False
    return asked.strip() == "*" or any(one.strip().removeprefix("W/") == etag for one in asked.split(","))
