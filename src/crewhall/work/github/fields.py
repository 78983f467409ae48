"""Fields of what GitHub tells, read with care: what is not of the shape that it publishes is `Unreadable`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Raw = Mapping[str, Any]
MOST_NUMBER = 2**31 - 1


class Unreadable(Exception):
    """What came is not of the shape that GitHub publishes."""


def clean(text: str) -> str:
    """A text as the database takes it: without NUL."""
    return text.replace("\0", "�")


def time_of(raw: Raw, name: str) -> datetime:
    """A moment that has to be there. Raises Unreadable."""
    return moment_of(raw, name)


def number_in(url: str | None) -> int | None:
    """The number at the end of an address."""
    last = (url or "").rpartition("/")[2]
    return int(last) if last.isascii() and last.isdigit() and int(last) <= MOST_NUMBER else None


def key_of(raw: Raw) -> str:
    """The id that GitHub gave a thing. Raises Unreadable."""
    found = raw.get("id")
    if not isinstance(found, int) or isinstance(found, bool):
        raise Unreadable("It has no id.")
    return str(found)


def number_of(raw: Raw) -> int:
    """The number of an issue or a pull request. Raises Unreadable."""
    found = raw.get("number")
    if not isinstance(found, int) or not 0 < found <= MOST_NUMBER:
        raise Unreadable("It has no number.")
    return found


def within(raw: Raw, name: str) -> Raw:
    """What stands within a thing under a name; nothing of that where there is none."""
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def text_of(raw: Any, name: str) -> str | None:
    """A text within a thing; None where there is none."""
    found = raw.get(name) if isinstance(raw, Mapping) else None
    return clean(found) if isinstance(found, str) else None


def login_of(raw: Any) -> str | None:
    """What somebody is called there."""
    return text_of(raw, "login")


def names_of(raw: Any, field: str) -> list[str]:
    """The names in a list, each once, in order."""
    if not isinstance(raw, list):
        return []
    found = (clean(one) if isinstance(one, str) else text_of(one, field) for one in raw)
    return sorted({one for one in found if one is not None})


def moment_of(raw: Raw, *names: str, or_else: datetime | None = None) -> datetime:
    """The first of these moments that is told. Raises Unreadable, unless there is one to fall back to."""
    found = next((raw[name] for name in names if raw.get(name)), None)
    if found is None:
        if or_else is None:
            raise Unreadable(f"It does not say when it changed ({names[0]}).")
        return or_else
    return as_moment(found)


def as_moment(found: Any) -> datetime:
    """A moment as GitHub writes it, in seconds or in words. Raises Unreadable."""
    try:
        if isinstance(found, (int, float)):
            return datetime.fromtimestamp(found, UTC)
        moment = datetime.fromisoformat(found)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Unreadable("What it gives as its time is none.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
