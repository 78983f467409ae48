"""A model over the OpenAI protocol, scripted: it streams, calls tools, fails, falls silent, exactly as told.

It serves chat completions on a port of its own, streamed or not, and keeps every request that it was sent.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from crewhall.faces.http.server import address_of, bind
from crewhall.ports.embedder import WordEmbedder

MODEL = "scripted-1"


class Paced:
    """Lets a model say one more piece for each `go`."""

    def __init__(self) -> None:
        self._allowed = asyncio.Semaphore(0)

    async def wait(self) -> None:
        """Wait to be let go on."""
        await self._allowed.acquire()

    def go(self, pieces: int = 1) -> None:
        """Let so many pieces more be said."""
        for _ in range(pieces):
            self._allowed.release()


@dataclass
class Say:
    """Answer with a text, in pieces. `hold`: after the first piece, until it is set; or before each further one."""

    text: str
    piece: int = 5
    hold: asyncio.Event | Paced | None = None
    tokens: tuple[int, int] = (11, 7)
    finish: str = "stop"
    cached: int = 0
    """So many of the tokens that were read had been read before."""


@dataclass
class Use:
    """Call tools: (name, arguments), each under its id, or all under the same; arguments that are text stand as is."""

    calls: list[tuple[str, dict[str, Any] | str]]
    saying: str = ""
    tokens: tuple[int, int] = (13, 5)
    same_id: str | None = None
    finish: str = "tool_calls"


@dataclass
class Fail:
    """Refuse the request."""

    status: int
    error: dict[str, Any] = field(default_factory=lambda: {"message": "it broke", "type": "server_error"})
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class BreakOff:
    """Begin to answer, then drop the connection."""

    text: str


@dataclass
class Garble:
    """Answer with nothing that can be read: with no chunk, or with such as no model gives."""

    chunks: list[Any] = field(default_factory=list)


Reply = Say | Use | Fail | BreakOff | Garble
Script = Callable[[dict[str, Any]], Reply]


class ScriptedModel:
    """The server. `play` says what it answers, in order; or `script` decides by the request."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.script: Script = lambda _request: self._replies.popleft()
        self.streaming = 0
        self.refuse_embeddings: deque[Fail] = deque()
        self._replies: deque[Reply] = deque()

    def play(self, *replies: Reply) -> None:
        """Answer the next requests so; forget what was asked before."""
        self._replies = deque(replies)
        self.script = lambda _request: self._replies.popleft()
        self.requests.clear()

    async def __aenter__(self) -> Self:
        listener = bind("127.0.0.1", 0)
        self.url = address_of(listener, "127.0.0.1") + "/v1"
        routes = [("/v1/chat/completions", self._complete), ("/v1/embeddings", self._embed)]
        app = Starlette(routes=[Route(path, answer, methods=["POST"]) for path, answer in routes])
        self._server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
        self._task = asyncio.create_task(self._server._serve([listener]))
        while not self._server.started:
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _embed(self, request: Request) -> Response:
        """Embed by words, after whatever `refuse_embeddings` holds; as long as the model is named for (`words-384`)."""
        asked = await request.json()
        self.requests.append(asked)
        self.keys.append((request.headers.get("authorization") or "").removeprefix("Bearer ") or None)
        if self.refuse_embeddings:
            refused = self.refuse_embeddings.popleft()
            return JSONResponse({"error": refused.error}, refused.status, refused.headers)
        vectors = await WordEmbedder(dimension=int(asked["model"].rpartition("-")[2])).embed(asked["input"])
        data = [{"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(vectors)]
        return JSONResponse({"object": "list", "model": asked["model"], "data": data[::-1]})

    async def _complete(self, request: Request) -> Response:
        asked = await request.json()
        self.requests.append(asked)
        self.keys.append((request.headers.get("authorization") or "").removeprefix("Bearer ") or None)
        reply = self.script(asked)
        if isinstance(reply, Fail):
            return JSONResponse({"error": reply.error}, reply.status, reply.headers)
        if asked.get("stream"):
            return StreamingResponse(self._chunks(reply), media_type="text/event-stream")
        assert isinstance(reply, Say | Use)
        return JSONResponse(_whole(reply))

    async def _chunks(self, reply: Reply) -> AsyncIterator[str]:
        self.streaming += 1
        try:
            async for chunk in self._spoken(reply):
                yield f"data: {json.dumps(chunk)}\n\n"
            yield "data: [DONE]\n\n"
        finally:
            self.streaming -= 1

    async def _spoken(self, reply: Reply) -> AsyncIterator[dict[str, Any]]:
        if isinstance(reply, Garble):
            for chunk in reply.chunks:
                yield chunk
            return
        yield _chunk({"role": "assistant", "content": ""})
        if isinstance(reply, BreakOff):
            yield _chunk({"content": reply.text})
            raise ConnectionAbortedError
        assert isinstance(reply, Say | Use)
        text = reply.text if isinstance(reply, Say) else reply.saying
        piece = reply.piece if isinstance(reply, Say) else 5
        for at in range(0, len(text), piece):
            yield _chunk({"content": text[at : at + piece]})
            if isinstance(reply, Say) and reply.hold is not None:
                await reply.hold.wait()
        if isinstance(reply, Use):
            for index, call in enumerate(_calls(reply)):
                name, arguments = call["function"]["name"], call["function"]["arguments"]
                start = {"index": index, "id": call["id"], "type": "function", "function": {"name": name}}
                yield _chunk({"tool_calls": [start | {"function": {"name": name, "arguments": ""}}]})
                for at in range(0, len(arguments), 8):
                    yield _chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments[at : at + 8]}}]})
        yield _chunk({}, reply.finish)
        yield {**_chunk({}), "choices": [], "usage": _usage(reply)}


def _calls(reply: Use) -> list[dict[str, Any]]:
    return [
        {
            "id": reply.same_id or f"call_{index}_{name}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
            },
        }
        for index, (name, arguments) in enumerate(reply.calls)
    ]


def _usage(reply: Say | Use) -> dict[str, Any]:
    given, made = reply.tokens
    used: dict[str, Any] = {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}
    if isinstance(reply, Say) and reply.cached:
        used["prompt_tokens_details"] = {"cached_tokens": reply.cached}
    return used


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }  # fmt: skip


def _whole(reply: Say | Use) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text if isinstance(reply, Say) else reply.saying}
    if isinstance(reply, Use):
        message["tool_calls"] = _calls(reply)
    finish = "tool_calls" if isinstance(reply, Use) else "stop"
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL, "usage": _usage(reply),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }  # fmt: skip
