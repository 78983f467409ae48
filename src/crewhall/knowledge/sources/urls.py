"""Pages of the web as a source: one, or those that it leads to, within its host and below its path.

robots.txt is obeyed, `nofollow`, `noindex` and canonical addresses too; one request after another, with a pause. Pages
that say when they changed are asked for with that, and not sent again.
"""

import asyncio
import posixpath
from collections import Counter, deque
from collections.abc import AsyncGenerator
from urllib.parse import unquote, urlsplit
from urllib.robotparser import RobotFileParser

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.outbound import Answer, Outbound
from crewhall.kernel.reachable import OUTBOUND_REFUSED
from crewhall.knowledge.sources.configs import UrlConfig
from crewhall.knowledge.sources.markup import is_sitemap, leads_of, locations_of
from crewhall.knowledge.sources.reading import SOURCE_REFUSED, Cut, Found, Knows, Lost, Same, Taken, away

AGENT = "Crewhall"
MOST_DELAY_S = 30.0
MOST_RULES = 512_000
"""Bytes of a robots.txt that are read."""
MOST_TOTAL_BYTES = 512 * 1024 * 1024
MOST_KNOWN = 50_000
"""Addresses that a crawl bears in mind."""
MOST_LOST = 10
"""Pages one after another that do not come; then the host is left alone for a while."""
MOST_STEPS, MOST_SAME = 30, 3
"""Of a path: how deep it is, and how often the same step comes in it."""
BUSY = frozenset({429, 503})
GONE = frozenset({404, 410})
OK, NOT_MODIFIED, SERVER_ERROR = 200, 304, 500


class UrlReader:
    """Reads a page, or crawls."""

    def __init__(self, outbound: Outbound, url: str, config: UrlConfig) -> None:
        self._outbound = outbound
        self._start = url
        self._config = config
        self._scheme = urlsplit(url).scheme
        self._host = urlsplit(url).netloc.lower()
        self._below = _folder_of(url)
        self._robots: RobotFileParser | None = None
        self._delay_s = config.delay_s
        self._taken = 0
        self._has_asked = False
        self._lost = 0
        self.cut: Cut | None = None

    async def read(self, knows: Knows) -> AsyncGenerator[Found]:
        """See Reader."""
        await self._ask_robots()
        waiting, known = deque([(self._start, 0)]), {self._start}
        pages = 0
        while waiting and pages < self._config.pages and self._taken < MOST_TOTAL_BYTES:
            url, depth = waiting.popleft()
            pages += 1
            found, links, deeper = await self._page(url, knows, known, is_first=pages == 1)
            if found is not None:
                yield found
            if depth + deeper <= self._config.depth:
                room = MOST_KNOWN - len(known)
                following = [one for one in links if one not in known and self._is_within(one)][:room]
                known.update(following)
                waiting.extend((one, depth + deeper) for one in following)
        if self._taken >= MOST_TOTAL_BYTES:
            self.cut = Cut(f"It ends after {MOST_TOTAL_BYTES >> 20} MiB: there is more.", keeps=True)
        elif waiting:
            self.cut = Cut(f"It ends at its {self._config.pages:,} pages: it leads to more.")

    async def _page(
        self, url: str, knows: Knows, known: set[str], *, is_first: bool
    ) -> tuple[Found | None, list[str], int]:
        """What one address holds, where it leads, and how much deeper that is."""
        if self._robots is not None and not self._robots.can_fetch(AGENT, url):
            if is_first:
                raise SOURCE_REFUSED("Its robots.txt asks not to be read by programs such as this one.")
            return None, [], 1
        kept = await knows(url)
        if kept is not None and kept.is_seen and not is_first:  # the first one says where the others are
            return None, kept.links, 1
        told = {}
        if kept is not None and kept.sha256 is not None:
            told = {"if-none-match": kept.etag, "if-modified-since": kept.last_modified}
        try:
            answer = await self._get(url, {name: value for name, value in told.items() if value})
        except CrewhallError as error:
            self._lost += 1
            if is_first:
                raise
            if self._lost >= MOST_LOST:
                raise away(f"{self._host} has not answered {MOST_LOST} times in a row.") from None
            return Lost(url, _name_of(url, ""), error.detail), [], 1
        self._lost = 0
        if is_first and answer.url != url:
            await self._move(answer.url)
            known.add(answer.url)
        if answer.status == NOT_MODIFIED and kept is not None:
            return Same(url), kept.links, 1
        return await self._answered(url, answer, known, is_first=is_first)

    async def _answered(
        self, url: str, answer: Answer, known: set[str], *, is_first: bool
    ) -> tuple[Found | None, list[str], int]:
        if answer.status in BUSY:
            raise away(f"{self._host} asks to be left alone for a while.", answer.headers.get("retry-after"))
        if answer.status != OK or answer.body is None:
            reason = f"{self._host} answered {answer.status}." if answer.status != OK else "It comes packed."
            if is_first:
                raise away(reason) if answer.status >= SERVER_ERROR else SOURCE_REFUSED(reason)
            return (None if answer.status in GONE else Lost(url, _name_of(url, ""), reason)), [], 1
        if answer.is_cut:
            return Lost(url, _name_of(url, answer.content_type), "It is too large."), [], 1
        if urlsplit(answer.url).netloc.lower() != self._host:
            return None, [], 1  # it leads away
        self._taken += len(answer.body)
        if answer.content_type.endswith("xml") and is_sitemap(answer.body):
            return None, locations_of(answer.body), 0 if self._config.depth else 1
        return await self._content(url, answer, known)

    async def _content(self, url: str, answer: Answer, known: set[str]) -> tuple[Found | None, list[str], int]:
        body, links = answer.body or b"", list[str]()
        if "html" in answer.content_type:
            leads = await asyncio.to_thread(leads_of, body, answer.url)
            links = leads.links if self._config.depth else []
            other = leads.canonical
            if other and other != url and self._is_within(other) and url != self._start:
                if other in known:
                    return None, links, 1
                return None, [other, *links], 0
            if not leads.is_kept:
                return None, links, 1
        if not body.strip():
            return Lost(url, _name_of(url, answer.content_type), "It is empty."), links, 1
        within = [one for one in links if self._is_within(one)]
        found = Taken(
            key=url, name=_name_of(url, answer.content_type), data=body, etag=answer.headers.get("etag"),
            last_modified=answer.headers.get("last-modified"), links=within,
        )  # fmt: skip
        return found, within, 1

    async def _get(self, url: str, headers: dict[str, str]) -> Answer:
        if self._has_asked and self._delay_s:
            await asyncio.sleep(self._delay_s)
        self._has_asked = True
        return await self._outbound.request("GET", url, hosts=None, headers={"user-agent": AGENT, **headers})

    async def _move(self, url: str) -> None:
        """Go on where the first address leads, as from http to https, or to www: that host is asked like the first."""
        host, self._scheme = urlsplit(url).netloc.lower(), urlsplit(url).scheme
        if not (urlsplit(url).path or "/").startswith(self._below):
            self._below = _folder_of(url)
        if host == self._host:
            return
        self._host = host
        await self._ask_robots()
        if self._robots is not None and not self._robots.can_fetch(AGENT, url):
            raise SOURCE_REFUSED(f"It leads to {host}, whose robots.txt asks programs such as this one not to read it.")

    async def _ask_robots(self) -> None:
        """Read what the host asks of programs; a host that says nothing lets everything be read."""
        try:
            answer = await self._get(f"{self._scheme}://{self._host}/robots.txt", {})
        except CrewhallError as error:
            if error.kind is OUTBOUND_REFUSED:
                raise SOURCE_REFUSED(error.detail) from None
            raise away(error.detail) from None
        if answer.status in BUSY or answer.status >= SERVER_ERROR:
            raise away(f"{self._host} answered {answer.status}.", answer.headers.get("retry-after"))
        rules: list[str] = []
        if answer.status in {401, 403}:
            rules = ["User-agent: *", "Disallow: /"]
        elif answer.status == OK and answer.body:
            rules = answer.body[:MOST_RULES].decode(errors="replace").splitlines()
        robots = RobotFileParser()
        robots.parse(rules)
        self._robots = robots
        said = robots.crawl_delay(AGENT)
        self._delay_s = min(max(self._delay_s, float(said or 0)), MOST_DELAY_S)

    def _is_within(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        if _leads_round(parts.path):
            return False
        return (
            parts.scheme == self._scheme
            and parts.netloc.lower() == self._host
            and (parts.path or "/").startswith(self._below)
        )


def _folder_of(url: str) -> str:
    """The path that all addresses beside one begin with."""
    return posixpath.dirname(urlsplit(url).path or "/").rstrip("/") + "/"


def _leads_round(path: str) -> bool:
    """Whether a path looks like one of a site that leads on and on, as `/a/a/a/a`."""
    steps = [one for one in path.split("/") if one]
    return len(steps) > MOST_STEPS or any(count > MOST_SAME for count in Counter(steps).values())


def _name_of(url: str, content_type: str) -> str:
    """What a page is called: the end of its path, with the ending of what it is."""
    parts = urlsplit(url)
    last = unquote(posixpath.basename(parts.path.rstrip("/"))) or parts.netloc.replace(":", "-")
    if parts.query:
        last += f" {parts.query[:60]}"
    if "html" in content_type and not last.lower().endswith((".html", ".htm")):
        last += ".html"
    return last[-200:]
