"""Cron expressions: five fields (minute, hour, day of month, month, day of week)."""

from crewhall.kernel.errors import INVALID

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))


def check_cron(expression: str) -> None:
    """Refuse what is no cron expression; `*`, numbers, ranges `a-b`, steps `/n` and lists are understood."""
    parts = expression.split()
    if len(parts) != len(FIELDS):
        raise INVALID(f"cron: {expression!r} must have five fields, such as `0 9 * * 1-5`.", field="scheduling_config")
    for part, (name, low, high) in zip(parts, FIELDS, strict=True):
        if not all(_is_item(item, low, high) for item in part.split(",")):
            raise INVALID(f"cron: {part!r} is no {name} ({low}-{high}).", field="scheduling_config")


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
