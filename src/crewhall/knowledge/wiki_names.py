"""Names of wiki entries: slugs made of titles, and the keys by which entries link to one another."""

import re
import secrets
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

MAX_SLUG = 200
RESERVED = frozenset({"archived", "categories", "mine", "new", "preview", "restore", "review", "versions"})
"""Words that pages of the wiki have for themselves."""
_NUMBERED = 50
_LINK = re.compile(r"\[\[([^\[\]|\n]{1,200})(?:\|([^\[\]|\n]{1,200}))?\]\]")


def slug_of(title: str) -> str:
    """A title as it stands in addresses; empty where nothing of it can."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG].strip("-")


def slugs_like(title: str) -> Iterator[str]:
    """Slugs to try in turn for an entry of that title, without end."""
    stem = slug_of(title) or "entry"
    if stem not in RESERVED:
        yield stem
    for number in range(2, _NUMBERED):
        yield f"{stem[: MAX_SLUG - 4]}-{number}"
    while True:
        yield f"{stem[: MAX_SLUG - 9]}-{secrets.token_hex(4)}"


def key_of(target: str) -> str:
    """The key of what `[[target]]` leads to: a slug, or the title in small letters where no slug can be made of it."""
    return slug_of(target) or " ".join(target.split()).lower()


def path_of(key: str) -> str:
    """The address of an entry's page."""
    return f"/wiki/{quote(key, safe='')}"


def without_links(content: str) -> str:
    """A text whose links between entries are their words."""
    return _LINK.sub(lambda found: found[2] or found[1], content)
