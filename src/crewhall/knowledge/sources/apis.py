"""Answers in JSON as a source: each thing in them is a document. Pages follow one another by address or by cursor."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from crewhall.kernel.outbound import Answer, Outbound
from crewhall.knowledge.sources.configs import MOST_ITEMS, ApiConfig
from crewhall.knowledge.sources.paths import at_path, in_words
from crewhall.knowledge.sources.reading import SOURCE_REFUSED, Cut, Found, Knows, Taken, away

BUSY = frozenset({429, 503})
OK, SERVER_ERROR = 200, 500


class ApiReader:
    """Reads the pages of an answer, one after another."""

    def __init__(
        self, outbound: Outbound, url: str, config: ApiConfig, headers: tuple[str, dict[str, str]] | None
    ) -> None:
        """`headers` are sent to their host alone."""
        self._outbound = outbound
        self._url = url
        self._config = config
        self._headers = headers
        self._host = urlsplit(url).netloc.lower()
        self.cut: Cut | None = None

    async def read(self, knows: Knows) -> AsyncGenerator[Found]:
        """See Reader."""
        url, known, count = self._url, set[str](), 0
        for _ in range(self._config.pages):
            known.add(url)
            page = await self._page(url)
            items = at_path(page, self._config.items)
            if not isinstance(items, list):
                raise SOURCE_REFUSED(f"There is no list at {self._config.items or 'the top'!r} of the answer.")
            for item in items:
                count += 1
                if count > MOST_ITEMS:
                    self.cut = Cut(f"There are more things than {MOST_ITEMS:,}.")
                    return
                yield self._taken(item, count)
            following = self._following(url, page)
            if following is None or following in known or not items:
                return
            url = following
        self.cut = Cut(f"There are more pages than {self._config.pages:,}.")

    async def _page(self, url: str) -> Any:
        headers = {"accept": "application/json", "user-agent": "Crewhall"}
        if self._headers is not None:
            host, secret = self._headers
            if urlsplit(url).netloc.lower() != host or (urlsplit(url).scheme != "https" and not self._is_private(url)):
                raise SOURCE_REFUSED(f"These headers are for https://{host} alone.")
            headers |= secret
        # a redirect elsewhere would take the headers along
        hosts = None if self._headers is None else [self._host]
        answer = await self._outbound.request("GET", url, hosts=hosts, headers=headers)
        return await asyncio.to_thread(self._parsed, answer)

    def _is_private(self, url: str) -> bool:
        return self._outbound.is_private(url)

    def _parsed(self, answer: Answer) -> Any:
        if answer.status in BUSY:
            raise away(f"{self._host} asks to be left alone for a while.", answer.headers.get("retry-after"))
        if answer.status >= SERVER_ERROR:
            raise away(f"{self._host} answered {answer.status}.")
        if answer.status != OK or answer.body is None:
            raise SOURCE_REFUSED(f"{self._host} answered {answer.status}.")
        if answer.is_cut:
            raise SOURCE_REFUSED("The answer is too large. Ask for smaller pages.")
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise SOURCE_REFUSED("The answer is no JSON.") from None

    def _taken(self, item: Any, count: int) -> Taken:
        config = self._config
        key = str(at_path(item, config.key) or f"#{count}")[:2000].replace("\0", "")
        title = at_path(item, config.title) if config.title else None
        name = str(title or key).replace("\n", " ")[:200]
        texts = [in_words(at_path(item, one)) for one in config.text] if config.text else [in_words(item)]
        text = "\n\n".join([f"# {name}", *(one for one in texts if one)])
        return Taken(key=key, name=f"{name}.md", data=text.encode(errors="replace"))

    def _following(self, url: str, page: Any) -> str | None:
        """The address of the page that follows."""
        said = at_path(page, self._config.next) if self._config.next else None
        if said in (None, "", False) or not isinstance(said, str | int):
            return None
        if self._config.cursor is None:
            following = urljoin(url, str(said))
            is_there = urlsplit(following).netloc.lower() == self._host
            return following if is_there else None
        parts = urlsplit(self._url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True)) | {self._config.cursor: str(said)}
        return urlunsplit(parts._replace(query=urlencode(query)))
