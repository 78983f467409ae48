"""The addresses `/v1/models` and `/v1/chat/completions`: who may come in, and how answers go out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from crewhall.faces.openai.answers import STILL_HERE, Answer, Body, failed
from crewhall.faces.openai.callers import Caller, caller_of
from crewhall.faces.openai.errors import body_of, rendered
from crewhall.faces.openai.models import find_model, get_model, list_models
from crewhall.faces.openai.requests import CONVERSATION, Asked, read_request
from crewhall.faces.openai.turn import Event, Finished, Spoken, Turn
from crewhall.faces.plumbing.problems import as_crewhall_error, headers_of
from crewhall.faces.plumbing.routers import says_json
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.errors import (
    INVALID,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    UNSUPPORTED_MEDIA_TYPE,
    CrewhallError,
)
from crewhall.runtime import find_runtime

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PREFIX = "/v1/"
MODELS, COMPLETIONS = "/v1/models", "/v1/chat/completions"
RUN = "X-Crewhall-Run"
NO_RETRY = (b"x-should-retry", b"false")
"""What OpenAI's clients obey: a message that was posted is not posted again by itself."""
ONLY_POST, ONLY_GET = "POST", "GET"


class OpenAIDoor:
    """Answers below `/v1/`, behind the gate."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; what it raises before it has answered, the gate renders."""
        path, caller = scope["path"].rstrip("/"), caller_of(scope)
        if path == COMPLETIONS:
            _check_method(scope, ONLY_POST)
            if not says_json(scope["headers"]):
                raise UNSUPPORTED_MEDIA_TYPE("Send the body as JSON, with `Content-Type: application/json`.")
            await self._complete(scope, receive, send, caller)
            return
        if path != MODELS and not path.startswith(MODELS + "/"):
            raise NOT_FOUND("There is nothing at this address: `/v1/models` and `/v1/chat/completions` are here.")
        _check_method(scope, ONLY_GET)
        async with asyncio.timeout(self._services.settings.request_timeout_s):
            if path == MODELS:
                body: Body = {"object": "list", "data": await list_models(self._services, caller)}
            else:
                name = path.removeprefix(MODELS + "/")
                body = await get_model(self._services, caller, name)
        await _send(send, 200, msgspec.json.encode(body))

    async def _complete(self, scope: Scope, receive: Receive, send: Send, caller: Caller) -> None:
        async with asyncio.timeout(self._services.settings.request_timeout_s):
            body = await _read(receive)
            named = dict(scope["headers"]).get(CONVERSATION.lower().encode(), b"").decode("latin-1").strip()
            asked = read_request(body, named or None)
            caller, agent = await find_model(self._services, caller, asked.model)
        is_remote = agent.model_config.get("provider") is None
        if asked.completion.tools and not is_remote:
            async with self._services.db.transaction(caller.actor) as tx:
                is_remote = await find_runtime(tx, agent.id) is not None
        _check_tools(asked, agent.tools, is_remote=is_remote)
        turn = Turn(self._services, caller, agent, asked)
        await _while_there(receive, self._answer(turn, asked, send))

    async def _answer(self, turn: Turn, asked: Asked, send: Send) -> None:
        """Answer from a turn's events. An error is said with its status, or as an event of a stream that has begun."""
        answer = Answer(turn, asked.model, with_usage=asked.with_usage)
        stream = _Stream(send, answer, turn)
        try:
            async with contextlib.aclosing(turn.events()) as events:
                if asked.is_streamed:
                    await _stream(events, stream)
                else:
                    finished = await _last(events)
                    await _send(send, 200, msgspec.json.encode(answer.whole(finished)), _headers(turn))
        except Exception as error:  # noqa: BLE001 - every error is shown in the one way, what nobody expected is logged
            found = as_crewhall_error(error)
            if stream.is_begun:
                await stream.put(failed(body_of(found)), is_last=True)
            else:
                await _refuse(send, found, [*([NO_RETRY] if turn.has_asked else []), *_headers(turn)])


class _Stream:
    """The answer as server-sent events; it begins with the first of them."""

    def __init__(self, send: Send, answer: Answer, turn: Turn) -> None:
        self._send = send
        self._turn = turn
        self.answer = answer
        self.is_begun = False

    async def put(self, text: bytes, *, is_last: bool = False) -> None:
        """Send events."""
        if not self.is_begun:
            self.is_begun = True
            headers = [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
                *_headers(self._turn),
            ]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
            text = self.answer.begun() + text
        await self._send({"type": "http.response.body", "body": text, "more_body": not is_last})


async def _stream(events: AsyncIterator[Event], stream: _Stream) -> None:
    async for event in events:
        if isinstance(event, Spoken):
            await stream.put(stream.answer.spoken(event.text))
        elif isinstance(event, Finished):
            await stream.put(stream.answer.ended(event), is_last=True)
        elif stream.is_begun:
            await stream.put(STILL_HERE)


async def _last(events: AsyncIterator[Event]) -> Finished:
    async for event in events:
        if isinstance(event, Finished):
            return event
    raise AssertionError("unreachable")


async def _while_there(receive: Receive, answering: Awaitable[None]) -> None:
    """Answer as long as the caller is there; what was begun for one who hangs up is taken back."""
    task, gone = asyncio.ensure_future(answering), asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        gone.cancel()
        task.cancel()
        await asyncio.gather(gone, task, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _check_method(scope: Scope, method: str) -> None:
    if scope["method"] != method:
        raise METHOD_NOT_ALLOWED(f"This address takes {method} alone.", allow=method)


def _check_tools(asked: Asked, own: list[str], *, is_remote: bool) -> None:
    if asked.completion.tools and is_remote:
        raise INVALID("This agent thinks elsewhere: it is given no tools of yours.", field="tools")
    taken = [tool.name for tool in asked.completion.tools if tool.name in own]
    if taken:
        raise INVALID(f"The agent has a tool of its own that is called {taken[0]}. Rename yours.", field="tools")


def _headers(turn: Turn) -> list[tuple[bytes, bytes]]:
    known = {CONVERSATION: turn.conversation_id, RUN: turn.run_id}
    return [(name.lower().encode(), str(value).encode()) for name, value in known.items() if value is not None]


async def _refuse(send: Send, error: CrewhallError, headers: list[tuple[bytes, bytes]]) -> None:
    status, body, _ = rendered(error)
    more = [(name.lower().encode(), value.encode()) for name, value in headers_of(error).items()]
    await _send(send, status, body, [*more, *headers])


async def _send(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    own = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes:
    """The whole body; the gate bounds it."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
