"""Pages of the web that documents were read from, as they are linked: what leads outside says where to."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

SCHEMES = frozenset({"http", "https"})
LONGEST_HOST = 60


class Original(msgspec.Struct, frozen=True):
    """An address outside, and the host that it leads to."""

    url: str
    host: str


def original_of(url: str | None) -> Original | None:
    """The link to a page of the web; None where there is none, or none that is safe to open."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if parts.scheme.lower() not in SCHEMES or not host or parts.username is not None or parts.password is not None:
        return None
    shown = host + port
    return Original(url, shown if len(shown) <= LONGEST_HOST else f"…{shown[-LONGEST_HOST:]}")


def originals_of(urls: Iterable[str | None]) -> list[Original]:
    """The links to several, each once."""
    return [found for url in dict.fromkeys(urls) if (found := original_of(url)) is not None]
