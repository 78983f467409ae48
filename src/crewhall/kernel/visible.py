"""Text without what nobody sees: controls, marks that turn text around, zero widths, halves of characters."""

import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co"})
_JOINERS = "\u200c\u200d"
_NEEDS_JOINERS = "\u0590"
"""Joiners hide nothing between signs from here on, which are drawn otherwise with them: Persian, Hindi, emoji."""


def visible_text(text: str) -> str:
    """The text without what nobody sees; its lines stay, and NUL, which is refused where it is stored."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(one for at, one in enumerate(text) if _is_seen(one) or _joins(text, at))


def visible_line(text: str) -> str:
    """The text on one line, as a name stands in others: without what nobody sees, without space around it."""
    return " ".join(visible_text(text).split())


def visible_name(text: str) -> str:
    """A name as `visible_line` gives it. Raises ValueError where nothing of it is seen."""
    name = visible_line(text)
    if not name:
        raise ValueError("name must not be empty: nothing of it would be seen")
    return name


def _is_seen(one: str) -> bool:
    return one.isspace() or one == "\0" or unicodedata.category(one) not in _INVISIBLE


def _joins(text: str, at: int) -> bool:
    return text[at] in _JOINERS and 0 < at < len(text) - 1 and min(text[at - 1], text[at + 1]) > _NEEDS_JOINERS
