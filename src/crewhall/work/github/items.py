"""A thing of a repository as the mirror keeps it: the same, whether a webhook or an answer of the API told it.

Its readers (`issues.py`, `pulls.py`, `builds.py`) take the fields that every telling of a thing has, so that two of
them differ only if the thing did. They raise `Unreadable` for what is not of the shape that GitHub publishes.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from crewhall.work.github.vocabulary import ItemKind

NEVER = datetime.fromtimestamp(0, UTC)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of a repository as it was at a moment. `step` orders what has the same moment."""

    kind: ItemKind
    key: str
    moment: datetime
    number: int | None = None
    sha: str | None = None
    state: str | None = None
    title: str | None = None
    body: str | None = None
    author: str | None = None
    url: str | None = None
    is_deleted: bool = False
    step: int = 0
    data: dict[str, Any] = {}

    def rank(self, read_at: datetime | None) -> str:
        """Orders what has the same moment: steps first; then what was read (the later, the newer) beats what came."""
        if read_at is not None:
            return f"{self.step}1{read_at.astimezone(UTC).isoformat()}"
        told = msgspec.json.encode(self, order="deterministic")
        return f"{self.step}0{hashlib.sha256(told).hexdigest()}"
