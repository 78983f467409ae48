"""The floor of posting: parse JSON, store the row durably with its seq, answer with id and seq.

One writer, group commit without a timer: what arrives while a commit is in flight goes with the next statement. Left
out is all that Crewhall does besides: who calls, whether they may, row-level security, idempotence, Markdown, mentions,
the other columns and indexes, what follows from a post, telling listeners.

It is served twice: by Starlette, the usual small framework (the floor that the targets name), and by nothing but ASGI.
"""

import asyncio
from collections import deque
from typing import Any, LiteralString
from uuid import UUID

import msgspec
import psycopg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.floors.asgi import Receive, Scope, Send, answer, read_body
from crewhall.kernel.ids import new_id

MAX_BATCH = 256
SCHEMA: LiteralString = """
create schema if not exists bench_floor;
create table if not exists bench_floor.posts (
    conversation int not null, seq bigint not null, id uuid not null, author uuid not null, content text not null,
    client_id text not null, created_at timestamptz not null default now(), primary key (conversation, seq));
create table if not exists bench_floor.heads (conversation int primary key, last_seq bigint not null);
insert into bench_floor.heads select n, 0 from generate_series(0, 99) n on conflict do nothing;
"""
INSERT: LiteralString = """
with input as (
    select * from unnest(%s::int[], %s::uuid[], %s::uuid[], %s::text[], %s::text[]) with ordinality
        as u (conversation, id, author, content, client_id, i)
), moved as (
    update bench_floor.heads h set last_seq = h.last_seq + n.count
    from (select conversation, count(*) from input group by conversation) n
    where h.conversation = n.conversation returning h.conversation, h.last_seq - n.count as first
), inserted as (
    insert into bench_floor.posts (conversation, seq, id, author, content, client_id)
    select i.conversation, m.first + row_number() over (partition by i.conversation order by i.i), i.id, i.author,
           i.content, i.client_id
    from input i join moved m using (conversation) returning id, seq
)
select id, seq from inserted
"""


class Post(msgspec.Struct):
    """The body of a request."""

    content: str
    client_id: str


class Stored(msgspec.Struct):
    """The answer."""

    id: UUID
    seq: int


_decode = msgspec.json.Decoder(Post).decode
_encode = msgspec.json.Encoder().encode
AUTHOR = new_id()


class Posts:
    """`POST /posts/<conversation>` by Starlette, `POST /bare-posts/<conversation>` without; one database connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._queue: deque[tuple[int, UUID, Post, asyncio.Future[int]]] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self.framework = Starlette(routes=[Route("/posts/{conversation:int}", self._answer, methods=["POST"])])

    async def start(self) -> None:
        """Make the table, open the writer's connection."""
        self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        await self._connection.execute(SCHEMA, prepare=False)
        self._connection.prepare_threshold = 0

    async def bare(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Store one post, without a framework."""
        post = _decode(await read_body(receive))
        stored = await self.store(int(scope["path"].rpartition("/")[2]), post)
        await answer(send, 201, _encode(stored))

    async def _answer(self, request: Request) -> JSONResponse:
        body = await request.json()
        stored = await self.store(request.path_params["conversation"], Post(body["content"], body["client_id"]))
        return JSONResponse({"id": str(stored.id), "seq": stored.seq}, status_code=201)

    async def store(self, conversation: int, post: Post) -> Stored:
        """Store a post; returns when it is durable."""
        made = new_id()
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._queue.append((conversation, made, post, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return Stored(made, await future)

    async def _write(self) -> None:
        assert self._connection is not None
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(MAX_BATCH, len(self._queue)))]
            columns = (
                [one[0] for one in batch], [one[1] for one in batch], [AUTHOR] * len(batch),
                [one[2].content for one in batch], [one[2].client_id for one in batch],
            )  # fmt: skip
            cursor = await self._connection.execute(INSERT, columns)
            seqs = dict(await cursor.fetchall())
            for _, made, _, future in batch:
                future.set_result(seqs[made])
