"""Keyset paging: every list answers `{items, next}`; `next` is an opaque cursor, null on the last page."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from crewhall.kernel.errors import INVALID

T = TypeVar("T")
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_CURSOR_LENGTH = 512


class Page(msgspec.Struct, Generic[T]):
    """One page of a list. `next` is given back as `after` to get the following page.

    The newest messages of a conversation, read without `after`, are the exception: there it goes back as `before`.
    """

    items: list[T]
    next: str | None = None


def check_limit(limit: int | None, *, default: int = DEFAULT_LIMIT, maximum: int = MAX_LIMIT) -> int:
    """Return the page size asked for, or refuse one outside 1..maximum."""
    if limit is None:
        return default
    if not 1 <= limit <= maximum:
        raise INVALID(f"limit must be between 1 and {maximum}.", limit=limit)
    return limit


def encode_cursor(*key: str | int | UUID | datetime) -> str:
    """Make a cursor from the sort key of the last row shown."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, *types: type) -> tuple[Any, ...] | None:
    """Read a cursor back as the given types; None stays None, a damaged cursor is refused."""
    if cursor is None:
        return None
    try:
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise ValueError
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        values = msgspec.json.decode(raw, type=list[Any])
        if len(values) != len(types):
            raise ValueError
        return tuple(msgspec.convert(value, kind, strict=True) for value, kind in zip(values, types, strict=True))
    except (ValueError, UnicodeEncodeError, binascii.Error, msgspec.MsgspecError) as error:
        raise INVALID("This page cursor is damaged. Start again without it.", field="after") from error


def page_of(rows: Sequence[T], limit: int, key: Callable[[T], tuple[Any, ...]]) -> Page[T]:
    """Make a page from up to limit + 1 rows: the extra row only tells that there is a next page."""
    shown = list(rows[:limit])
    following = encode_cursor(*key(shown[-1])) if len(rows) > limit and shown else None
    return Page(shown, following)
