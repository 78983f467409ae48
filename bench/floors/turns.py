"""The floor of a turn: the same model through the same library, and nothing of Crewhall.

A post is stored durably and answered; a job and four steps are recorded, each in a transaction of its own before the
next is done; the answer of the model is stored durably, and told to who listens. Left out is what Crewhall does
besides: who may speak, leases, budgets, the agent's rights, what was said before, what follows from a post.
"""

import asyncio
from typing import Any, LiteralString

import msgspec
import psycopg
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import ModelRequest, UserPromptPart
from pydantic_ai.models import create_async_httpx2_client
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from bench.floors.asgi import Receive, Scope, Send, answer, read_body
from bench.floors.broadcast import Broadcast
from bench.floors.posts import Post, Posts
from crewhall.runtime.gathering import Gatherer

SCHEMA: LiteralString = """
create schema if not exists bench_floor;
create table if not exists bench_floor.steps (
    id bigint generated always as identity primary key, kind text not null, body text not null,
    created_at timestamptz not null default now())
"""
STEP: LiteralString = "insert into bench_floor.steps (kind, body) values (%s, %s) returning id"


class Asked(msgspec.Struct):
    """The body of a request: what is said, and where the model is."""

    content: str
    model: str


class Turns:
    """`POST /turns`; the answer is broadcast to the room `turns` as `{"content": …}`."""

    def __init__(self, url: str, posts: Posts, broadcast: Broadcast) -> None:
        self._url = url
        self._posts = posts
        self._broadcast = broadcast
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._models: dict[str, OpenAIChatModel] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Make the table."""
        self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        await self._connection.execute(SCHEMA, prepare=False)
        self._connection.prepare_threshold = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Store what is said, answer, and take the turn behind it."""
        asked = msgspec.json.decode(await read_body(receive), type=Asked)
        stored = await self._posts.store(0, Post(asked.content, "-"))
        await answer(send, 201, msgspec.json.encode(stored))
        task = asyncio.create_task(self._take(asked))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _take(self, asked: Asked) -> None:
        for kind in ("decision", "job", "claim", "context", "request"):
            await self._record(kind, asked.content)
        told = ModelRequest(parts=[UserPromptPart(asked.content)], instructions="You answer.")
        async with model_request_stream(self._model(asked.model), [told], model_settings={"max_tokens": 100}) as stream:
            async for _ in stream:
                pass
        said = stream.get().text or ""
        await self._record("answer", said)
        await self._posts.store(0, Post(said, "-"))
        await self._broadcast.tell("turns", msgspec.json.encode({"content": said}).decode())

    async def _record(self, kind: str, body: str) -> None:
        assert self._connection is not None
        async with self._connection.transaction():
            await self._connection.execute("set local synchronous_commit to off")
            await self._connection.execute(STEP, (kind, body))

    def _model(self, address: str) -> OpenAIChatModel:
        if address not in self._models:
            client = Gatherer().watch(create_async_httpx2_client())
            provider = OpenAIProvider(base_url=f"{address}/v1", api_key="none", http_client=client)
            self._models[address] = OpenAIChatModel("x", provider=provider)
        return self._models[address]
