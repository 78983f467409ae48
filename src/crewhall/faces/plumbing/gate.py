"""The gate: one ASGI wrapper that every request passes before it reaches a handler.

It gives the request an id and a client address, holds the limits (rate, body, time), refuses requests from other sites,
finds out who calls, and adds the security headers. What it refuses never reaches the application.
"""

import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

import msgspec

from crewhall.faces.plumbing.deadlines import Deadlines
from crewhall.faces.plumbing.origin import check_same_origin
from crewhall.faces.plumbing.problems import Rendering, as_crewhall_error, headers_of, rendered
from crewhall.faces.plumbing.proxies import Proxies
from crewhall.faces.plumbing.services import Services
from crewhall.faces.plumbing.uploading import ending_with_body, is_upload
from crewhall.kernel import telemetry
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import FORBIDDEN, TOO_LARGE, CrewhallError
from crewhall.kernel.limits import network_of, per_minute
from crewhall.kernel.settings import KernelSettings
from crewhall.kernel.tracing import Tracing

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Challenge = Callable[[CrewhallError, dict[bytes, bytes]], str | None]
"""What `WWW-Authenticate` says to a request (its headers) that was refused with this error."""

log = logging.getLogger(__name__)
COOKIE = "crewhall_session"
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
SECURITY_HEADERS = [
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
DAY_S = 24 * 3600
_random = random.Random()  # noqa: S311 - request ids are names, not secrets
_OPEN_PATHS = ("/static/", "/health/", "/metrics")
_LASTING = ("/stream", "/mcp", "/chat/completions", "/test", "/try", "/content")
"""Ends of paths that are answered for longer than a request may take; they bound their own parts."""
_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


class Gate:
    """Wraps the application; `services` are there once the application has started."""

    def __init__(
        self,
        app: Application,
        services: Services,
        tracing: Tracing | None = None,
        renderings: Mapping[str, Rendering] | None = None,
        challenges: Mapping[str, Challenge] | None = None,
    ) -> None:
        """Errors below a path that `renderings` names are shown as it says; all others are problem details.

        Who is not let in at a path that `challenges` names is told by it where to go.
        """
        self._challenges = dict(challenges or {})
        self._app = app
        self._renderings = dict(renderings or {})
        self._tracing = tracing
        self._services = services
        settings = services.settings
        self._proxies = Proxies(settings.trusted_proxies)
        self._body_limit = settings.body_limit_kb * 1024
        self._deadlines = Deadlines(settings.request_timeout_s)
        self._public_url = settings.public_url
        self._security_headers = SECURITY_HEADERS + _transport_security(settings)
        self._per_address = per_minute("requests per address", settings.rate_address_per_minute)
        self._per_actor = per_minute("requests per account", settings.rate_actor_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope.get("method") == "HEAD" and not scope["path"].endswith("/stream"):
            scope = {**scope, "method": "GET"}  # uvicorn keeps the body of its answer back
        headers = dict(scope["headers"])
        current = f"{_random.getrandbits(64):016x}"
        token = telemetry.request_id.set(current)
        scope["client_address"], scope["scheme"] = self._proxies.client_of(scope, headers)
        try:
            if scope["type"] == "http" and self._tracing is not None:
                with self._tracing.request(scope["method"], scope["path"], headers) as found:
                    found["status"] = await self._serve_http(scope, receive, send, headers, current)
            elif scope["type"] == "http":
                await self._serve_http(scope, receive, send, headers, current)
            else:
                await self._serve_socket(scope, receive, send, headers)
        finally:
            telemetry.request_id.reset(token)

    async def _serve_http(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes], current: str
    ) -> int:
        """Serve one request; returns the status of its answer."""
        started, status, begun = time.perf_counter(), 500, False
        extra = [*self._security_headers, (b"x-request-id", current.encode())]
        if self._services.departure.has_begun:
            extra.append((b"connection", b"close"))

        async def guarded_send(message: MutableMapping[str, Any]) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                begun, status = True, message["status"]
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        try:
            await self._admit(scope, headers)
            if is_upload(scope):
                await self._app(scope, *ending_with_body(receive, guarded_send))
                return status
            limited = self._limit_body(receive, headers)
            if scope["path"].endswith(_LASTING):
                await self._app(scope, limited, guarded_send)
            else:
                await self._deadlines.hold(self._app(scope, limited, guarded_send))
        except Exception as error:
            if begun:
                raise
            await self._answer(as_crewhall_error(error), scope["path"], headers, guarded_send)
        finally:
            took = time.perf_counter() - started
            telemetry.requests_answered(scope["method"], status).inc()
            telemetry.request_seconds.observe(took)
            if log.isEnabledFor(logging.DEBUG):
                _log_request(scope, status, took)
        return status

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        try:
            await self._admit(scope, headers)
        except Exception as error:  # noqa: BLE001 - the socket closes with its code
            scope["refused"] = as_crewhall_error(error)
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Find out who calls and hold the limits; raises what refuses the request."""
        path: str = scope["path"]
        if path.startswith(_OPEN_PATHS):
            return
        self._services.limiter.check(self._per_address, network_of(scope["client_address"]))
        bearer = headers.get(b"authorization", b"")
        actor: Actor | None
        if bearer[:7].lower() == b"bearer ":
            actor = await self._resolve(bearer[7:].decode("latin-1").strip(), scope, headers)
        else:
            if scope["type"] == "websocket" or scope["method"] in _UNSAFE:
                check_same_origin(headers, self._public_url)
            actor = await self._resolve_cookie(scope, headers)
        if actor is not None:
            scope["actor"] = actor
            self._services.limiter.check(self._per_actor, actor.id)

    async def _resolve(self, token: str, scope: Scope, headers: dict[bytes, bytes]) -> Actor:
        org = headers.get(b"x-crewhall-org")
        address = scope["client_address"]
        named = org.decode("latin-1").strip().lower() if org else None  # one spelling: each is remembered apart
        verified = await self._services.verified.resolve(token, named or None, address)
        if not verified.is_good_for(scope.get("method", "CONNECT"), scope["path"]):
            raise FORBIDDEN("This token was made for less: it is not good for this request.")
        scope["verified"] = verified
        actor = verified.actor
        if actor.address != address:
            actor = msgspec.structs.replace(actor, address=address)
        return actor

    async def _resolve_cookie(self, scope: Scope, headers: dict[bytes, bytes]) -> Actor | None:
        raw = headers.get(b"cookie")
        if not raw or COOKIE.encode() not in raw:
            return None
        try:
            morsel = SimpleCookie(raw.decode("latin-1")).get(COOKIE)
        except CookieError:
            return None
        if morsel is None:
            return None
        try:
            return await self._resolve(morsel.value, scope, headers)
        except CrewhallError as error:
            if error.kind.status != 401:  # noqa: PLR2004
                raise
            return None  # an ended session is a guest: pages offer to sign in, the API says 401

    def _limit_body(self, receive: Receive, headers: dict[bytes, bytes]) -> Receive:
        declared = headers.get(b"content-length", b"")
        if declared.isdigit():
            if int(declared) > self._body_limit:
                raise self._too_large()
            return receive
        if b"transfer-encoding" not in headers:
            return receive
        seen = 0

        async def limited_receive() -> MutableMapping[str, Any]:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._body_limit:
                raise self._too_large()
            return message

        return limited_receive

    def _rendering(self, path: str) -> Rendering:
        return next((found for prefix, found in self._renderings.items() if path.startswith(prefix)), rendered)

    async def _answer(self, error: CrewhallError, path: str, asked: dict[bytes, bytes], send: Send) -> None:
        challenge = self._challenges.get(path)
        said = challenge(error, asked) if challenge is not None else None
        more = headers_of(error) | ({"WWW-Authenticate": said} if said else {})
        await _answer(error, send, self._rendering(path), more)

    def _too_large(self) -> CrewhallError:
        return TOO_LARGE(f"The body is larger than {self._body_limit // 1024} KiB.", limit=self._body_limit)


def _log_request(scope: Scope, status: int, took: float) -> None:
    """One line per request, for who asks for them (CREWHALL_LOG_LEVEL=debug). Queries may hold secrets: left out."""
    actor: Actor | None = scope.get("actor")
    log.debug(
        "request",
        extra={
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "ms": round(took * 1000, 1),
            "address": scope["client_address"],
            "actor": str(actor.id) if actor else None,
        },
    )


def _transport_security(settings: KernelSettings) -> list[tuple[bytes, bytes]]:
    """HSTS, for a public address on https: a browser that has seen it never sends a session in the clear again."""
    is_https = (settings.public_url or "").lower().startswith("https://")
    if not is_https or not settings.hsts_days:
        return []
    return [(b"strict-transport-security", f"max-age={settings.hsts_days * DAY_S}".encode())]


async def _answer(error: CrewhallError, send: Send, rendering: Rendering, more: dict[str, str]) -> None:
    status, body, media_type = rendering(error)
    headers = [(name.lower().encode(), value.encode()) for name, value in more.items()]
    headers += [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
