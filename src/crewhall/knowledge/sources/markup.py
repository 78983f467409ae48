"""What a page of the web leads to, and what it asks of those who follow: read by the standard library alone."""

import re
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from msgspec import Struct

MOST_BYTES = 2 * 1024 * 1024
MOST_LINKS = 2000
_LOCATION = re.compile(rb"<loc>\s*(?:<!\[CDATA\[)?\s*([^<\]\s]{1,2000})", re.IGNORECASE)
_SITEMAP = re.compile(rb"<(urlset|sitemapindex)[\s>]", re.IGNORECASE)


class Leads(Struct):
    """Where a page leads. `canonical`: the address that it wants to be known by; `is_kept`: it may be kept."""

    links: list[str]
    canonical: str | None = None
    is_kept: bool = True


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.base: str | None = None
        self.canonical: str | None = None
        self.rules: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what leads on."""
        given = {name: value or "" for name, value in attrs}
        href, rel = given.get("href", "").strip(), given.get("rel", "").lower().split()
        if tag == "a" and href and "nofollow" not in rel and len(self.links) < MOST_LINKS:
            self.links.append(href)
        elif tag == "base" and href and self.base is None:
            self.base = href
        elif tag == "link" and href and "canonical" in rel:
            self.canonical = href
        elif tag == "meta" and given.get("name", "").lower() in {"robots", "crewhall"}:
            self.rules |= {one.strip() for one in given.get("content", "").lower().split(",")}


def leads_of(body: bytes, url: str) -> Leads:
    """Where a page that came from an address leads; markup is taken as it is, whatever is wrong with it."""
    parser = _Parser()
    try:
        parser.feed(body[:MOST_BYTES].decode(errors="replace"))
        parser.close()
        base = urljoin(url, parser.base or "")
        follows = not parser.rules & {"nofollow", "none"}
        links = list(dict.fromkeys(one for href in parser.links if (one := _joined(base, href)))) if follows else []
        canonical = _joined(base, parser.canonical) if parser.canonical else None
    except (AssertionError, ValueError):
        return Leads([])
    return Leads(links, canonical, not parser.rules & {"noindex", "none"})


def is_sitemap(body: bytes) -> bool:
    """Whether it is a sitemap, or an index of some."""
    return _SITEMAP.search(body[:4096]) is not None


def locations_of(body: bytes) -> list[str]:
    """The addresses that a sitemap names."""
    found = (one.decode(errors="replace").replace("&amp;", "&") for one in _LOCATION.findall(body))
    return list(dict.fromkeys(found))


def _joined(base: str, href: str) -> str | None:
    try:
        address = urldefrag(urljoin(base, href))[0]
        parts = urlsplit(address)
    except ValueError:
        return None
    is_ours = parts.scheme in {"http", "https"} and len(address) <= 2000 and address.isprintable()  # noqa: PLR2004
    return address if is_ours else None
