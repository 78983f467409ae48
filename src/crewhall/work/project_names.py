"""Slugs of projects, made of their names."""

import re
import secrets
import unicodedata
from collections.abc import Iterator
from itertools import islice

MAX_SLUG = 80
"""So that the channel of the project can have the same name."""
RESERVED = frozenset({"archived", "new"})
"""Words that pages of projects have for themselves."""
_TRIES = 50


def slugs_like(name: str) -> Iterator[str]:
    """Slugs to try in turn for a project of that name; the last ones are free for certain."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG].strip("-") or "project"
    if stem not in RESERVED:
        yield stem
    yield from (f"{stem[: MAX_SLUG - 3]}-{number}" for number in range(2, _TRIES))
    yield from islice(iter(lambda: f"{stem[: MAX_SLUG - 9]}-{secrets.token_hex(4)}", ""), _TRIES)
