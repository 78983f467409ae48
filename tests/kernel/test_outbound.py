"""The way out: which addresses are reached, and what is read of the answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from crewhall.faces.http.server import address_of, bind
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.outbound import Outbound
from crewhall.kernel.reachable import check_url, is_public

PUBLIC, OTHER = "93.184.216.34", "203.0.114.7"
NAMES = {
    "api.example.org": [PUBLIC],
    "two.example.org": [PUBLIC, "10.0.0.1"],
    "inside.example.org": ["192.168.1.1"],
    "metadata.example.org": ["169.254.169.254"],
    "other.example.net": [OTHER],
    "empty.example.org": [],
}
HOSTS = ["*.example.org", "other.example.net"]


class Names:
    """A resolver that knows these names, and tells what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.turned: dict[str, list[list[str]]] = {}

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host in self.turned:
            return self.turned[host].pop(0)
        if host not in NAMES:
            raise OSError
        return NAMES[host]


class ToLocal(httpx.AsyncHTTPTransport):
    """Takes every connection to the local server, and tells where it was to go."""

    def __init__(self, address: str) -> None:
        super().__init__(limits=httpx.Limits(max_keepalive_connections=0))
        self._local = httpx.URL(address)
        self.dialled: list[tuple[str, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.dialled.append((request.url.host, request.headers["host"]))
        request.url = request.url.copy_with(scheme="http", host=self._local.host, port=self._local.port)
        return await super().handle_async_request(request)


async def _answer(request: Request) -> Response:
    kind = request.path_params["kind"]
    body = await request.body()
    seen = {"method": request.method, "host": request.headers["host"], "cookie": request.headers.get("cookie")}
    match kind:
        case "to":
            return RedirectResponse(request.query_params["url"], 302, {"set-cookie": "a=b"})
        case "long":
            return Response("x" * 5000, media_type="text/plain")
        case "image":
            return Response(b"\x89PNG", media_type="image/png")
        case "packed":
            return Response(b"\x1f\x8b", media_type="text/plain", headers={"content-encoding": "gzip"})
        case "slow":
            return StreamingResponse(_endless(), media_type="text/plain")
    return Response(f"{seen} {body.decode()}", media_type="text/plain; charset=utf-8")


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"."
        await asyncio.Event().wait()


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[str]:
    listener = bind("127.0.0.1", 0)
    methods = ["GET", "HEAD", "POST"]
    app = Starlette(routes=[Route("/{kind}", _answer, methods=methods)])
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=0))
    task = asyncio.create_task(server._serve([listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield address_of(listener, "127.0.0.1")
    server.should_exit = True
    with contextlib.suppress(asyncio.CancelledError):
        await task


class Way:
    """A way out to the local server."""

    def __init__(self, address: str, **limits: Any) -> None:
        self.names, self.transport = Names(), ToLocal(address)
        self.out = Outbound(
            **{"most_bytes": 1000, "time_s": 5, **limits}, resolver=self.names, transport=self.transport
        )

    async def refused(self, url: str, method: str = "GET", **asked: Any) -> str:
        with pytest.raises(CrewhallError) as error:
            await self.out.request(method, url, **{"hosts": HOSTS, **asked})
        return error.value.code


@pytest.fixture
def way(site: str) -> Way:
    return Way(site)


async def test_a_listed_host_is_reached_at_the_address_that_was_checked(way: Way):
    answer = await way.out.request("POST", "http://API.example.org/echo?a=1", hosts=HOSTS, content=b"hello")
    assert answer.status == 200
    assert b"'method': 'POST', 'host': 'api.example.org'" in (answer.body or b"")
    assert (answer.body or b"").endswith(b"hello")
    assert way.transport.dialled == [(PUBLIC, "api.example.org")]
    assert way.names.asked == ["api.example.org"]
    assert (await way.out.request("HEAD", "http://api.example.org/echo", hosts=None)).body == b""


@pytest.mark.parametrize(
    "url",
    [
        "http://elsewhere.example.com/", "http://example.org/", "http://evilexample.org/", "ftp://api.example.org/",
        "file:///etc/passwd", "http://api.example.org:8080/", "http://user:word@api.example.org/", "http://",
        "nonsense",
        "http://127.0.0.1/", "http://[::1]/", "http://inside.example.org/", "http://two.example.org/",
        "http://metadata.example.org/latest/", "http://api.example.org\\@127.0.0.1/",
    ],
)  # fmt: skip
async def test_what_is_not_listed_or_not_public_is_not_even_dialled(way: Way, url: str):
    assert await way.refused(url) == "outbound_refused"
    assert way.transport.dialled == []


async def test_a_name_that_cannot_be_asked_for_has_no_address():
    for url in (f"https://{'a' * 64}.org/", "https://a..org/"):
        with pytest.raises(CrewhallError) as error:
            await Outbound().request("GET", url, hosts=None)
        assert error.value.code == "outbound_failed"


async def test_without_a_list_private_addresses_are_refused_all_the_same(way: Way):
    for url in ("http://inside.example.org/", "http://two.example.org/", "http://api.example.org:22/"):
        assert await way.refused(url, hosts=None) == "outbound_refused"
    way.names.turned = {"127.0.0.1": [["127.0.0.1"]], "2130706433": [["127.0.0.1"]], "localhost": [["::1"]]}
    for url in ("http://127.0.0.1/", "http://2130706433/", "http://localhost./"):
        assert await way.refused(url, hosts=None) == "outbound_refused"
    assert way.transport.dialled == []


async def test_each_redirect_is_checked_and_resolved_like_a_first_request(way: Way):
    there = await way.out.request("GET", "http://api.example.org/to?url=http://other.example.net/echo", hosts=HOSTS)
    assert (there.url, there.redirects) == (
        "http://other.example.net/echo", ["http://api.example.org/to?url=http://other.example.net/echo"],
    )  # fmt: skip
    assert way.transport.dialled == [(PUBLIC, "api.example.org"), (OTHER, "other.example.net")]
    assert b"'cookie': None" in (there.body or b"")
    for target in ("http://inside.example.org/", "http://elsewhere.example.com/", "file:///etc/passwd"):
        assert await way.refused(f"http://api.example.org/to?url={target}") == "outbound_refused"
    way.names.turned = {"api.example.org": [[PUBLIC], ["10.0.0.1"]]}  # it points elsewhere the second time
    assert await way.refused("http://api.example.org/to?url=/echo") == "outbound_refused"
    circle = "http://other.example.net/to?url=http://other.example.net/to"
    assert await way.refused("http://other.example.net/to?url=" + circle + "?url=") in {
        "outbound_refused", "outbound_failed",
    }  # fmt: skip


async def test_a_change_follows_no_redirect(way: Way):
    answer = await way.out.request("POST", "http://api.example.org/to?url=/echo", hosts=HOSTS, content=b"x")
    assert (answer.status, len(way.transport.dialled)) == (302, 1)


async def test_size_time_and_type_are_bounded(site: str, way: Way):
    long = await way.out.request("GET", "http://api.example.org/long", hosts=HOSTS)
    assert (len(long.body or b""), long.is_cut) == (1000, True)
    image = await way.out.request("GET", "http://api.example.org/image", hosts=HOSTS, wants=lambda kind: "text" in kind)
    assert (image.body, image.content_type) == (None, "image/png")
    assert (await way.out.request("GET", "http://api.example.org/packed", hosts=HOSTS)).body is None
    hasty = Way(site, time_s=0.2)
    assert await hasty.refused("http://api.example.org/slow") == "outbound_failed"
    assert await way.refused("http://empty.example.org/") == "outbound_failed"
    assert await way.refused("http://unknown.example.org/") == "outbound_failed"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "192.0.0.192", "::1", "::", "fe80::1%eth0", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1",
        "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "::127.0.0.1", "nonsense",
        "168.63.129.16",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str):
    assert not is_public(address)


def test_addresses_that_are_public_and_ports_that_are_listed():
    assert is_public(PUBLIC)
    assert is_public("2606:4700::1111")
    assert check_url("https://api.example.org/x", ["api.example.org"]) == ("api.example.org", 443)
    assert check_url("http://api.example.org:8080/x", ["*.example.org:8080"]) == ("api.example.org", 8080)
    assert check_url("https://b\u00fccher.example/", None) == ("xn--bcher-kva.example", 443)
