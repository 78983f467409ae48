"""Requests to addresses that others chose: the one way out for tools, webhooks and sources of knowledge.

A request leaves only for a public address. A name is resolved once, every address that it has is checked, and the
connection goes to an address that was: whoever answers for the name cannot send us home meanwhile. Each redirect is
checked like a first request. Size and time are bounded, and nothing is taken from the process's proxies or cookies.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

import msgspec

from crewhall.kernel.errors import define_error
from crewhall.kernel.reachable import OUTBOUND_REFUSED, PORTS, check_url, is_listed, is_literal, is_public

if TYPE_CHECKING:
    import httpx

OUTBOUND_FAILED = define_error("outbound_failed", 502, "The other side did not answer")
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
MOST_ADDRESSES = 4
"""How many of a name's addresses are tried, in their order."""
SAFE = frozenset({"GET", "HEAD"})


class Resolver(Protocol):
    """Finds the addresses of a name."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return every address of a host; raises OSError when it has none."""
        ...


class SystemResolver:
    """Asks as the system does."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """See Resolver."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `url` is where it came from after redirects; `body` is None where its type was not wanted.

    `is_cut`: there was more than may be read.
    """

    url: str
    status: int
    content_type: str
    headers: dict[str, str]
    body: bytes | None
    is_cut: bool = False
    redirects: list[str] = []


class Outbound:
    """The way out of one process. It holds no connection open: each goes to its own checked address."""

    def __init__(
        self,
        *,
        most_bytes: int = 256 * 1024,
        time_s: float = 20.0,
        private: Collection[str] = (),
        resolver: Resolver | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        """`private` are hosts that the operator lets be reached although they are not public (see `is_listed`)."""
        self._most_bytes = most_bytes
        self._time_s = time_s
        self._private = frozenset(private)
        self._resolver = resolver or SystemResolver()
        self._transport = transport

    def is_private(self, url: str) -> bool:
        """Whether the operator named the host of an address as one that may be reached although it is not public."""
        if not self._private:
            return False
        import httpx

        try:
            parts = httpx.URL(url)
        except httpx.InvalidURL:
            return False
        host = parts.raw_host.decode().rstrip(".").lower()
        return parts.scheme in PORTS and is_listed(host, parts.port or PORTS[parts.scheme], parts.scheme, self._private)

    def check(self, url: str) -> None:
        """Refuse an address that will never be asked, whatever it resolves to. Raises OUTBOUND_REFUSED."""
        if self.is_private(url):
            return
        host, _ = check_url(url, None)
        if is_literal(host) and not is_public(host):
            raise OUTBOUND_REFUSED(f"{host} is within a private network: it is not reached from here.", field="url")

    async def request(
        self,
        method: str,
        url: str,
        *,
        hosts: Collection[str] | None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        wants: Callable[[str], bool] = lambda _content_type: True,
    ) -> Answer:
        """Make a request and read the answer, if its type is wanted. Redirects are followed for GET and HEAD.

        `hosts` are the hosts that may be reached (see `is_listed`), None: any that is public. Raises OUTBOUND_REFUSED
        (the address, the host, a redirect) and OUTBOUND_FAILED (no connection, no answer in time).
        """
        import httpx

        redirects: list[str] = []
        try:
            async with asyncio.timeout(self._time_s):
                while True:
                    response = await self._send(method, httpx.URL(url), hosts, content, headers or {})
                    try:
                        following = response.headers.get("location")
                        if method not in SAFE or response.status_code not in REDIRECTS or following is None:
                            return await self._read(response, url, wants, redirects)
                    finally:
                        await response.aclose()
                    redirects.append(url)
                    url = _redirected(url, following, redirects)
        except TimeoutError:
            raise OUTBOUND_FAILED(f"There was no whole answer within {self._time_s:g} s.") from None
        except httpx.InvalidURL as error:
            raise OUTBOUND_REFUSED(f"This is no address: {error}.") from None
        except (httpx.HTTPError, ssl.SSLError) as error:
            raise OUTBOUND_FAILED(f"There was no answer: {str(error) or type(error).__name__}.") from None

    async def addresses_of(self, url: str) -> list[str]:
        """The checked addresses behind a URL, for who connects to one of them by other means.

        It is https, unless the operator named the host. Raises OUTBOUND_REFUSED, OUTBOUND_FAILED.
        """
        is_private = self.is_private(url)
        if not is_private and not url.lower().startswith("https:"):
            raise OUTBOUND_REFUSED("Only https addresses are reached, such as https://example.org/mcp.", field="url")
        host, port = check_url(url, self._private if is_private else None)
        return (await self._addresses(host, port, is_private=is_private))[:MOST_ADDRESSES]

    async def _send(
        self,
        method: str,
        url: "httpx.URL",
        hosts: Collection[str] | None,
        content: bytes | None,
        headers: dict[str, str],
    ) -> "httpx.Response":
        """Send to one of the host's checked addresses, under the host's own name."""
        import httpx

        is_private = self.is_private(str(url))
        host, port = check_url(str(url), self._private if hosts is None and is_private else hosts)
        kept = {"user-agent": "Crewhall", "accept-encoding": "identity", **headers, "host": url.netloc.decode()}
        failure: Exception | None = None
        for address in (await self._addresses(host, port, is_private=is_private))[:MOST_ADDRESSES]:
            request = httpx.Request(
                method,
                url.copy_with(host=address, username=None, password=None),
                headers=kept,
                content=content,
                extensions={"sni_hostname": host, "timeout": httpx.Timeout(self._time_s).as_dict()},
            )
            try:
                return await self._out().handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def _addresses(self, host: str, port: int, *, is_private: bool) -> list[str]:
        """The host's addresses, every one of them checked, unless the operator lets it be private."""
        try:
            found = await self._resolver.resolve(host, port)
        except (OSError, UnicodeError) as error:  # names that no name server would be asked for are the latter
            raise OUTBOUND_FAILED(f"{host} has no address.") from error
        if not found:
            raise OUTBOUND_FAILED(f"{host} has no address.")
        for address in found:
            if not is_private and not is_public(address):
                raise OUTBOUND_REFUSED(f"{host} is within a private network: it is not reached from here.", host=host)
        return found

    async def _read(
        self, response: "httpx.Response", url: str, wants: Callable[[str], bool], redirects: list[str]
    ) -> Answer:
        """Read as much as may be read. What comes packed was not asked for, and is not unpacked."""
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        is_packed = response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}
        body, is_cut = bytearray(), False
        is_wanted = wants(content_type) and not is_packed
        if is_wanted:
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._most_bytes:
                    is_cut = True
                    break
        return Answer(
            url=url,
            status=response.status_code,
            content_type=content_type,
            headers=dict(response.headers),
            body=bytes(body[: self._most_bytes]) if is_wanted else None,
            is_cut=is_cut,
            redirects=redirects,
        )

    def _out(self) -> "httpx.AsyncBaseTransport":
        """What connects. Nothing is kept open: two names may share an address, but not a connection."""
        if self._transport is None:
            import httpx

            self._transport = httpx.AsyncHTTPTransport(
                trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
            )
        return self._transport


def _redirected(url: str, following: str, before: list[str]) -> str:
    """The address that a redirect leads to. Raises OUTBOUND_REFUSED."""
    import httpx

    if len(before) > MOST_REDIRECTS:
        raise OUTBOUND_REFUSED(f"There were more than {MOST_REDIRECTS} redirects.")
    target = httpx.URL(url).join(following)
    if httpx.URL(url).scheme == "https" and target.scheme != "https":
        raise OUTBOUND_REFUSED("The redirect leads from https to http: it is not followed.")
    return str(target)
