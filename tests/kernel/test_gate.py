"""The gate: limits, other sites, proxies, headers, problems."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from crewhall.faces.plumbing.gate import Gate
from crewhall.faces.plumbing.origin import check_same_origin
from crewhall.faces.plumbing.proxies import Proxies
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.limits import RateLimit, RateLimiter, network_of
from crewhall.kernel.settings import KernelSettings
from tests.identity.hall import PASSWORD, Org
from tests.support.server import Server


async def test_every_answer_carries_the_security_headers_and_a_request_id(server: Server) -> None:
    answer = await server.client().get("/me")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_body_over_the_limit_is_refused_whether_declared_or_not(server: Server, org: Org) -> None:
    big = b"x" * (2 * 1024 * 1024)

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    channel = await server.general(org)
    for body in (big, in_pieces()):
        answer = await org.owner.api.post(f"/conversations/{channel}/messages", content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'{"content": "\xff"}', b"null", b'{"content": 7}'])
async def test_a_body_that_cannot_be_read_is_a_problem_not_a_crash(server: Server, org: Org, body: bytes) -> None:
    channel = await server.general(org)
    answer = await org.owner.api.post(
        f"/conversations/{channel}/messages", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert answer.json()["code"] in {"malformed", "invalid"}


async def test_a_form_of_another_site_is_refused(server: Server, org: Org) -> None:
    browser, _ = await server.browse(org.owner)
    channel = await server.general(org)
    path, body = f"/conversations/{channel}/messages", {"content": "hi"}
    for headers in (
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "null"},
        {"origin": "http://["},
    ):
        answer = await browser.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
    assert (await browser.post(path, json=body, headers={"origin": server.address})).status_code == 201


async def test_nothing_is_open_to_other_origins(server: Server) -> None:
    answer = await server.client().get("/me", headers={"origin": "https://elsewhere.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_same_origin_by_host_or_public_address() -> None:
    check_same_origin({b"origin": b"https://hall.example", b"host": b"hall.example"}, None)
    check_same_origin({b"origin": b"https://hall.example", b"host": b"10.0.0.3:8787"}, "https://hall.example")
    with pytest.raises(CrewhallError):
        check_same_origin({b"origin": b"https://hall.example", b"host": b"10.0.0.3:8787"}, None)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("192.0.2.7", "203.0.113.9", "192.0.2.7"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str, expected: str) -> None:
    proxies = Proxies("10.0.0.0/8")
    scope = {"type": "http", "scheme": "http", "client": (peer, 1)}
    headers = {b"x-forwarded-for": forwarded.encode(), b"x-forwarded-proto": b"https"}
    address, scheme = proxies.client_of(scope, headers)
    assert address == expected
    assert scheme == ("https" if peer.startswith("10.") else "http")


def test_a_rate_limit_says_when_to_come_back() -> None:
    limiter, limit = RateLimiter(), RateLimit("tests", burst=2, per_second=0.5)
    limiter.check(limit, "me")
    limiter.check(limit, "me")
    limiter.check(limit, "you")
    with pytest.raises(CrewhallError) as refused:
        limiter.check(limit, "me")
    assert (refused.value.code, refused.value.fields["retry_after"]) == ("too_many_requests", 2)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
        ("not:an:address", "not:an:address"),
        (None, None),
    ],
)
def test_a_limit_counts_all_addresses_of_one_client(address: str | None, counted: str | None) -> None:
    assert network_of(address) == counted


@pytest.mark.parametrize("public_url", [None, "https://hall.example"])
async def test_the_session_stays_on_https_where_people_use_it(
    server: Server, org: Org, monkeypatch: pytest.MonkeyPatch, public_url: str | None
) -> None:
    monkeypatch.setattr(server.services, "base_url", public_url or server.address)
    root = server.client()
    root.base_url = server.address
    answer = await root.post("/login", data={"email": org.owner.email, "password": PASSWORD})
    (cookie,) = [value for value in answer.headers.get_list("set-cookie") if value.startswith("crewhall_session=")]
    assert ("Secure" in cookie, "HttpOnly" in cookie, "SameSite=lax" in cookie) == (public_url is not None, True, True)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"public_url": "https://hall.example"}, "max-age=31536000"),
        ({"public_url": "HTTPS://hall.example", "hsts_days": 7}, "max-age=604800"),
        ({"public_url": "https://hall.example", "hsts_days": 0}, None),
        ({"public_url": "http://hall.example"}, None),
        ({}, None),
    ],
)
async def test_browsers_are_told_to_insist_on_https_where_people_use_it(
    server: Server, settings: dict[str, Any], expected: str | None
) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    gate = Gate(app, replace(server.services, settings=KernelSettings(**settings)))
    transport = httpx.ASGITransport(app=gate)
    async with httpx.AsyncClient(transport=transport, base_url="http://hall.example") as client:
        for path in ("/", "/api/v1/me", "/health/live"):
            assert (await client.get(path)).headers.get("strict-transport-security") == expected


async def test_a_request_that_takes_too_long_is_answered_and_the_next_is_served(server: Server) -> None:
    ready = asyncio.Event()

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["path"] != "/quick":
            await ready.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    gate = Gate(app, replace(server.services, settings=KernelSettings(request_timeout_s=0.05)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=gate), base_url="http://hall.example") as client:
        trying = asyncio.create_task(client.post("/agents/1/try"))  # may last: it bounds its own parts
        late = await client.get("/slow")
        assert (late.status_code, late.json()["code"], late.headers["retry-after"]) == (503, "unavailable", "1")
        assert (await client.get("/quick")).status_code == 200
        ready.set()
        assert (await trying).status_code == 200


async def test_health_and_metrics_are_open(server: Server) -> None:
    root = server.client()
    root.base_url = server.address
    assert (await root.get("/health/live")).json()["status"] == "ok"
    ready = await root.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]) == (200, {"signals": True, "database": True})
    metrics = (await root.get("/metrics")).text
    assert "crewhall_requests_total" in metrics
    assert "crewhall_posts_total" in metrics
    assert "process_resident_memory_bytes" in metrics


@pytest.mark.parametrize("path", ["/metrics", "/login", "/nowhere"])
async def test_a_content_type_says_its_charset_once(server: Server, path: str) -> None:
    root = server.client()
    root.base_url = server.address
    answer = await root.get(path, headers={"accept": "text/html"})
    assert answer.headers["content-type"].count("charset=utf-8") == 1


@pytest.mark.parametrize("path", ["/nowhere", "/nowhere/at/all", "/conversations/nothing", "/openapi.yml"])
async def test_an_unknown_address_of_the_api_is_a_problem_whatever_is_accepted(server: Server, path: str) -> None:
    for accept in ("*/*", "application/json", "text/html"):
        answer = await server.client().get(path, headers={"accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "code"), [("/nowhere", "not_found"), ("/nowhere/at/all", "not_found"), ("/search", "method_not_allowed")]
)
async def test_an_unknown_address_is_unknown_by_every_method(server: Server, path: str, code: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await server.client().request(method, path, json={})).json()["code"] == code


async def test_head_answers_as_get_does_without_the_body(server: Server, org: Org) -> None:
    root = server.client()
    root.base_url = server.address
    for client, path in ((root, "/health/live"), (root, "/login"), (org.owner.api, "/me")):
        shown, asked = await client.get(path), await client.head(path)
        assert (asked.status_code, asked.content) == (200, b"")
        assert asked.headers["content-length"] == shown.headers["content-length"]
    assert (await server.client().head("/me")).status_code == 401


async def test_requests_are_logged_for_who_asks(server: Server, org: Org, caplog: pytest.LogCaptureFixture) -> None:
    gate = "crewhall.faces.plumbing.gate"
    with caplog.at_level(logging.INFO, gate):
        await org.owner.api.get("/me")
    assert not [record for record in caplog.records if record.name == gate]
    with caplog.at_level(logging.DEBUG, gate):
        await org.owner.api.get("/me", params={"secret": "s3cret"})
    (line,) = [vars(record) for record in caplog.records if record.name == gate]
    assert (line["method"], line["path"], line["status"], line["actor"]) == (
        "GET", "/api/v1/me", 200, str(org.owner.id),
    )  # fmt: skip
    assert "s3cret" not in str(line)
