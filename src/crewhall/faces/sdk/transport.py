"""Requests to one server: tokens that renew themselves, retries where repeating is safe, errors as values."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from crewhall.faces.sdk.backoff import delays
from crewhall.faces.sdk.errors import CrewhallApiError, NotReachable, SignedOut, error_from
from crewhall.faces.sdk.tokens import Tokens, TokenStore

T = TypeVar("T")
API = "/api/v1"
USER_AGENT = "crewhall-sdk"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
BUSY = frozenset({502, 503, 504})
TOO_MANY = 429
UPLOAD_S = 120.0
"""How long a server may take with what was sent up."""
HEADER = re.compile(r"[!-~]*")
"""What a header can hold of a token, or of an organization's name."""
UNSENDABLE = (
    "The key or token holds a blank, a line break or another character that none has: copy it alone, from its `cw` on."
)


class LoginAnswer(msgspec.Struct):
    """What signing in and renewing answer."""

    access_token: str
    refresh_token: str | None = None


class Nothing(msgspec.Struct):
    """Asked for where the answer's body does not matter."""


class Transport:
    """One server, one actor. `retry_for` bounds, in seconds, how long a repeatable request is tried."""

    def __init__(
        self,
        base_url: str,
        store: TokenStore,
        *,
        password_login: tuple[str, str] | None = None,
        org: str | None = None,
        timeout: float = 30.0,
        retry_for: float = 30.0,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.is_loopback = urlsplit(self.base_url).hostname in LOOPBACK
        self.org = org
        self.retry_for = retry_for
        self._store = store
        self._password_login = password_login
        self._renewing = asyncio.Lock()
        self._http = httpx.AsyncClient(
            timeout=timeout,
            headers={"user-agent": USER_AGENT, "accept": "application/json"},
            trust_env=not self.is_loopback,
            verify=not self.base_url.startswith("http://"),  # reading certificates takes longer than many a command
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        into: type[T],
        *,
        body: object = None,
        query: Mapping[str, object] | None = None,
        repeatable: bool | None = None,
        retry_for: float | None = None,
    ) -> T:
        """Send a request as the signed-in actor and read the answer as `into`.

        Raises CrewhallApiError for a refusal, SignedOut when the sign-in cannot be renewed, NotReachable when no
        answer came in time. `repeatable` says that sending twice does no harm (by default GET, PUT and DELETE).
        """
        again = method in REPEATABLE if repeatable is None else repeatable
        content = None if body is None else msgspec.json.encode(body)
        limit = self.retry_for if retry_for is None else retry_for
        request = _Request(method, path, content, _query(query), again, limit)
        token = await self.token()
        try:
            return _read(await self._send(request, token), into)
        except SignedOut as error:
            renewed = await self.renew(token, error)
        return _read(await self._send(request, renewed), into)

    async def send(
        self,
        method: str,
        path: str,
        into: type[T],
        content: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        repeatable: bool = False,
    ) -> T:
        """Send bytes as the signed-in actor and read the answer as `into`. Raises as `call`."""
        more = {"content-type": "application/octet-stream"} | dict(headers or {})
        request = _Request(method, path, content, _query(query), repeatable, self.retry_for, more)
        token = await self.token()
        try:
            return _read(await self._send(request, token), into)
        except SignedOut as error:
            renewed = await self.renew(token, error)
        return _read(await self._send(request, renewed), into)

    async def upload(
        self,
        path: str,
        into: type[T],
        pieces: Callable[[], AsyncIterator[bytes]],
        *,
        query: Mapping[str, object] | None = None,
    ) -> T:
        """POST what may be too large for memory as the signed-in actor, once, and read the answer. Raises as `call`."""
        token = await self.token()
        try:
            return await self._upload(path, into, pieces, _query(query), token)
        except SignedOut as error:
            token = await self.renew(token, error)
        return await self._upload(path, into, pieces, _query(query), token)

    async def _upload(
        self,
        path: str,
        into: type[T],
        pieces: Callable[[], AsyncIterator[bytes]],
        query: dict[str, str | list[str]],
        token: str,
    ) -> T:
        headers = self.headers(token) | {"content-type": "application/octet-stream"}
        url = self.base_url + API + path
        try:
            answer = await self._http.post(url, content=pieces(), params=query, headers=headers, timeout=UPLOAD_S)
        except httpx.TransportError as error:
            raise NotReachable(f"{self.base_url} does not answer: {str(error) or type(error).__name__}.") from error
        if not answer.is_success:
            raise error_from(answer)
        return _read(answer, into)

    @asynccontextmanager
    async def download(self, path: str, more: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """GET as the signed-in actor, and give the answer before its body is read. Raises as `call`."""
        headers = self.headers(await self.token()) | dict(more)
        try:
            async with self._http.stream("GET", self.base_url + API + path, headers=headers) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise error_from(answer)
                yield answer
        except httpx.TransportError as error:
            raise NotReachable(f"{self.base_url} does not answer: {str(error) or type(error).__name__}.") from error

    @asynccontextmanager
    async def stream(self, path: str, body: object) -> AsyncIterator[AsyncIterator[str]]:
        """POST as the signed-in actor, once, and give the lines of the answer while they come. Raises as `call`."""
        headers = self.headers(await self.token()) | {"content-type": "application/json", "accept": "text/event-stream"}
        url, content = self.base_url + API + path, msgspec.json.encode(body)
        try:
            async with self._http.stream("POST", url, content=content, headers=headers) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise error_from(answer)
                yield answer.aiter_lines()
        except httpx.TransportError as error:
            raise NotReachable(f"{self.base_url} does not answer: {str(error) or type(error).__name__}.") from error

    async def call_unsigned(self, path: str, into: type[T], body: object) -> T:
        """POST without a token (login, renewal, invitations), once."""
        request = _Request("POST", path, msgspec.json.encode(body), {}, repeatable=False, retry_for=0)
        return _read(await self._send(request, None), into)

    async def token(self) -> str:
        """Give the token in force, signing in with the password first if there is none yet."""
        tokens = self._store.load()
        if tokens is not None:
            return tokens.access
        missing = SignedOut("unauthenticated", 401, "Sign in first: there is no token for this server.")
        return await self.renew("", missing)

    async def renew(self, used: str, error: SignedOut) -> str:
        """Replace the token that was refused; raises `error` when there is no way to."""
        async with self._renewing:
            with self._store.exclusive():
                tokens = self._store.load()
                if tokens is not None and tokens.access != used:
                    return tokens.access
                return await self._replace(tokens, error)

    async def login(self, email: str, password: str) -> LoginAnswer:
        """Sign in and keep the tokens."""
        answer = await self.call_unsigned("/auth/login", LoginAnswer, {"email": email, "password": password})
        self.keep(answer)
        return answer

    def keep(self, answer: LoginAnswer | None) -> None:
        """Use these tokens from now on; None forgets them."""
        self._store.save(None if answer is None else Tokens(answer.access_token, answer.refresh_token))

    def refresh_token(self) -> str | None:
        """Give the refresh token, for logging out."""
        tokens = self._store.load()
        return tokens.refresh if tokens else None

    def headers(self, token: str | None) -> dict[str, str]:
        """Headers that say who acts, and for which organization. Raises what no request can say, without showing it."""
        if token is not None and not HEADER.fullmatch(token):
            raise SignedOut("unauthenticated", 0, UNSENDABLE)
        if self.org is not None and not HEADER.fullmatch(self.org):
            raise CrewhallApiError("invalid", 0, "An organization is named by its id or slug, without blanks.")
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        if self.org is not None and token is not None:
            headers["x-crewhall-org"] = self.org
        return headers

    async def _replace(self, tokens: Tokens | None, error: SignedOut) -> str:
        if tokens is not None and tokens.refresh is not None:
            try:
                answer = await self.call_unsigned("/auth/refresh", LoginAnswer, {"refresh_token": tokens.refresh})
            except CrewhallApiError as refused:
                if self._password_login is None or refused.status == TOO_MANY:
                    raise
            else:
                self.keep(answer)
                return answer.access_token
        if self._password_login is None:
            raise error
        return (await self.login(*self._password_login)).access_token

    async def _send(self, request: "_Request", token: str | None) -> httpx.Response:
        deadline = time.monotonic() + request.retry_for
        pauses = delays()
        while True:
            pause = next(pauses)
            try:
                response = await self._http.request(
                    request.method,
                    self.base_url + API + request.path,
                    content=request.content,
                    params=request.query,
                    headers=self.headers(token) | request.content_headers,
                )
            except httpx.UnsupportedProtocol as error:
                sentence = f"{self.base_url} is no address of a server: it begins with http:// or https://."
                raise CrewhallApiError("invalid", 0, sentence) from error
            except httpx.TransportError as error:
                failure: Exception = NotReachable(
                    f"{self.base_url} does not answer: {str(error) or type(error).__name__}."
                )
                hopeless = not (request.repeatable or isinstance(error, NOT_SENT))
            else:
                if response.is_success:
                    return response
                failure = error_from(response)
                hopeless = not request.may_follow(response.status_code)
                pause = _retry_after(response) or pause
            if hopeless or time.monotonic() + pause > deadline:
                raise failure
            await asyncio.sleep(pause)


class _Request(msgspec.Struct, frozen=True):
    method: str
    path: str
    content: bytes | None
    query: dict[str, str | list[str]]
    repeatable: bool
    retry_for: float
    more: dict[str, str] = {}

    @property
    def content_headers(self) -> dict[str, str]:
        return self.more if self.more or self.content is None else {"content-type": "application/json"}

    def may_follow(self, status: int) -> bool:
        return status == TOO_MANY or (self.repeatable and status in BUSY)


def join(*segments: str) -> str:
    """Make a path below the API from its segments, each quoted."""
    return "".join("/" + quote(segment, safe="") for segment in segments)


def _query(query: Mapping[str, object] | None) -> dict[str, str | list[str]]:
    """What a query says; of several values each is given."""
    return {
        name: [str(one) for one in value] if isinstance(value, list | tuple) else str(value)
        for name, value in (query or {}).items()
        if value is not None
    }


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None


def _read(response: httpx.Response, into: type[T]) -> T:
    if into is Nothing:
        return into()
    try:
        return msgspec.json.decode(response.content, type=into)
    except msgspec.MsgspecError as error:
        detail = f"{response.request.url.path} answered something this client cannot read: {error}"
        raise CrewhallApiError("unreadable_answer", response.status_code, detail) from error


def as_body(**values: Any) -> dict[str, Any]:
    """Make a request body of the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}
