"""The two requests that are made most, without the framework: post a message, read a page of messages.

Only their plain form is answered here (JSON of the right shape; no, or only numeric, query parameters). All else, and
every input that would be refused, goes on to the routes of `http_messages`, so each error is made in one place.
docs/adr/0008 has the measurements.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations.http_messages import read_page
from crewhall.conversations.posting import Posting
from crewhall.conversations.schemas import PostMessage
from crewhall.faces.plumbing.routers import says_json
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_PATH = re.compile(r"/api/v1/conversations/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/messages")
_QUERY = re.compile(rb"(?:(after|before|limit)=(\d{1,18}))(?:&|$)")
_decoder = msgspec.json.Decoder(PostMessage)
_encoder = msgspec.json.Encoder()


class DirectMessages:
    """Answers what it can and hands the rest to the routes."""

    def __init__(self, routes: Application, services: Services) -> None:
        self._routes = routes
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        actor: Actor | None = scope.get("actor")
        found = _PATH.fullmatch(scope["path"])
        if found is None or actor is None or actor.org_id is None:
            await self._routes(scope, receive, send)
        elif scope["method"] == "POST" and says_json(scope["headers"]):
            await self._post(scope, receive, send, actor, UUID(found[1]))
        elif scope["method"] == "GET" and (asked := _asked(scope["query_string"])) is not None:
            await _answer(send, 200, await self._page(actor, UUID(found[1]), asked))
        else:
            await self._routes(scope, receive, send)

    async def _page(self, actor: Actor, conversation_id: UUID, asked: dict[str, int]) -> bytes:
        return await read_page(
            self._services,
            actor,
            conversation_id,
            after=asked.get("after"),
            before=asked.get("before"),
            limit=asked.get("limit"),
        )

    async def _post(self, scope: Scope, receive: Receive, send: Send, actor: Actor, conversation_id: UUID) -> None:
        body = await _read(receive)
        try:
            data = _decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            await self._routes(scope, _again(body), send)
            return
        posted = await self._services.part(Posting).post(actor, conversation_id, data)
        await _answer(send, 201 if posted.is_new else 200, _encoder.encode(posted.message))


def _asked(query: bytes) -> dict[str, int] | None:
    """The numeric parameters of a query, or None where there is anything else in it."""
    asked: dict[str, int] = {}
    place = 0
    while place < len(query):
        found = _QUERY.match(query, place)
        if found is None or found[1].decode() in asked:
            return None
        asked[found[1].decode()] = int(found[2])
        place = found.end()
    return asked


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def _again(body: bytes) -> Receive:
    """A body that was read, to be read once more."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
