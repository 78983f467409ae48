"""Handles and slugs made from names: readable first, unique by a number."""

import re
import secrets
import unicodedata
from collections.abc import Iterator

from crewhall.identity.fields import RESERVED_HANDLES

MAX_HANDLE = 32
MAX_SLUG = 100
_NUMBERED = 20


def handle_candidates(email: str, name: str) -> Iterator[str]:
    """Yield handles to try in turn: from the email, else from the name, then numbered, then random (without end)."""
    mailbox = email.partition("@")[0].partition("+")[0]
    stem = _plain(mailbox, r"[^a-z0-9._-]+") or _plain(name, r"[^a-z0-9._-]+") or "person"
    yield from handles_like(stem)


def handles_like(stem: str) -> Iterator[str]:
    """Yield handles to try in turn: the stem itself, then numbered, then random (without end)."""
    for word in _numbered(stem, MAX_HANDLE):
        if word not in RESERVED_HANDLES:
            yield word


def slug_candidates(name: str) -> Iterator[str]:
    """Yield slugs to try in turn, without end."""
    yield from _numbered(_plain(name, r"[^a-z0-9-]+") or "organization", MAX_SLUG)


def _plain(text: str, others: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(others, "-", ascii_text).strip("-._")


def _numbered(stem: str, limit: int) -> Iterator[str]:
    yield stem[:limit]
    for number in range(2, _NUMBERED):
        yield f"{stem[: limit - 3]}-{number}"
    while True:
        yield f"{stem[: limit - 9]}-{secrets.token_hex(4)}"
