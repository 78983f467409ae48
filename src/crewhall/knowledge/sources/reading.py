"""What readers of sources give: one thing after another, as they find it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from crewhall.kernel.errors import CrewhallError, define_error

SOURCE_REFUSED = define_error("source_refused", 422, "The source cannot be read")
SOURCE_AWAY = define_error("source_away", 503, "The source cannot be reached just now")
MOST_WAIT_S = 6 * 3600.0


class Known(Struct, frozen=True, kw_only=True):
    """What is kept of an item. `is_seen`: it was seen in this sync already, before another process took it over."""

    key: str
    sha256: bytes | None
    media_type: str | None
    etag: str | None
    last_modified: str | None
    links: list[str]
    is_seen: bool


class Taken(Struct, frozen=True, kw_only=True):
    """An item as it is now: its bytes, or the file that holds them, and what a change is told by."""

    key: str
    name: str
    data: bytes | Path
    etag: str | None = None
    last_modified: str | None = None
    links: list[str] = []


class Same(Struct, frozen=True):
    """An item that is as it was."""

    key: str


class Lost(Struct, frozen=True):
    """An item that is there and cannot be taken: what was taken before stays."""

    key: str
    name: str
    reason: str


class Cut(Struct, frozen=True):
    """What a limit has left out, in words. `keeps`: what was not seen stays, since nobody knows whether it is gone."""

    reason: str
    keeps: bool = False


Found = Taken | Same | Lost
Knows = Callable[[str], Awaitable[Known | None]]


class Reader(Protocol):
    """Goes through a source. What it does not give is gone.

    `cut` says, once everything was given, what a limit has left out. Raises SOURCE_REFUSED where it cannot be read at
    all, SOURCE_AWAY (`wait_s`) where it can be later.
    """

    cut: Cut | None

    def read(self, knows: Knows) -> AsyncGenerator[Found]:
        """Give everything that the source holds."""
        ...


def away(reason: str, retry_after: str | None = None) -> CrewhallError:
    """The source cannot be reached just now; it may say how many seconds it wants to be left alone."""
    said = (retry_after or "").strip()
    wait_s = min(float(said), MOST_WAIT_S) if said.isdigit() and len(said) <= 6 else None  # noqa: PLR2004
    return SOURCE_AWAY(reason, wait_s=wait_s)
