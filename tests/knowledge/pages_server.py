"""Pages of a site of a test, answered without a network: what is asked for, and what comes back."""

from dataclasses import dataclass, field

import httpx

from crewhall.kernel.outbound import Outbound


@dataclass
class Site:
    """A site at https://site.test: `pages` by path; each answers 304 to its ETag. `asked` are the requests' paths."""

    pages: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    seen: list[httpx.Request] = field(default_factory=list)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.asked.append(path)
        self.seen.append(request)
        if path in self.answers:
            return self.answers[path]
        if path not in self.pages:
            return httpx.Response(404)
        body = self.pages[path]
        tag = f'"{abs(hash(body))}"'
        if request.headers.get("if-none-match") == tag:
            return httpx.Response(304)
        kind = self.kinds.get(path, "text/html; charset=utf-8")
        return httpx.Response(200, content=body.encode(), headers={"content-type": kind, "etag": tag})

    def answer(self, request: httpx.Request) -> httpx.Response:
        """An answer whose body is still to be read."""
        made = self._answer(request)
        return httpx.Response(made.status_code, headers=made.headers, stream=httpx.ByteStream(made.content))

    def outbound(self, most_bytes: int = 1_000_000) -> Outbound:
        return Outbound(most_bytes=most_bytes, resolver=_Resolver(), transport=_Transport(self))


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, site: Site) -> None:
        self._site = site

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._site.answer(request)


class _Resolver:
    async def resolve(self, host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if host == "home.test" else ["93.184.215.14"]
