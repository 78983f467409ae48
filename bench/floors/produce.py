"""The floor of posting to Apache Kafka: a bare producer whose records are acknowledged by all replicas in step.

The producer is aiokafka's, set as Crewhall's. It is asked twice: by Starlette, as the floor of posting to Postgres is,
and by nothing but as many tasks as there would be connections, each of which sends, waits, and sends again. Left out is
what Crewhall does besides: whether the post may go, and writing it where it can be read before it is acknowledged.
"""

import asyncio
import time

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bench.floors.asgi import Receive, Scope, Send, answer
from bench.floors.posts import Post, Stored
from bench.load.http import percentile
from crewhall.adapters.kafka.client import make_producer
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.ids import new_id

TOPICS = 50
TEXT = "The deployment of the billing service finished: 42 checks passed, none failed, the queue is empty again. (%d)"
_encode = msgspec.json.Encoder().encode


class Message(msgspec.Struct):
    """What stands in a topic."""

    id: str
    content: str
    client_id: str


class Produced(msgspec.Struct):
    """What tasks that only produce have done."""

    per_second: float
    p99_ms: float


class Produce:
    """`POST /produced/<topic>` by Starlette, `GET /producing/<topics>/<tasks>/<seconds>` without anybody asking."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None
        self.framework = Starlette(routes=[Route("/produced/{topic:int}", self._answer, methods=["POST"])])

    async def start(self) -> None:
        """Make the topics and the producer."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(_name(i), 1, 1) for i in range(TOPICS)])
        await admin.close()
        self._producer = make_producer(LogSettings(kafka_bootstrap=self._bootstrap))
        await self._producer.start()

    async def _answer(self, request: Request) -> JSONResponse:
        body = await request.json()
        stored = await self._store(request.path_params["topic"], Post(body["content"], body["client_id"]))
        return JSONResponse({"id": str(stored.id), "seq": stored.seq}, status_code=201)

    async def _store(self, topic: int, post: Post) -> Stored:
        assert self._producer is not None
        made = new_id()
        message = _encode(Message(str(made), post.content, post.client_id))
        at = await self._producer.send_and_wait(_name(topic), message, partition=0)
        return Stored(made, at.offset)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Let tasks produce for some seconds."""
        topics, tasks, seconds = scope["path"].split("/")[2:]
        found = await self._produce(int(topics), int(tasks), float(seconds))
        await answer(send, 200, _encode(found))

    async def _produce(self, topics: int, tasks: int, seconds: float) -> Produced:
        latencies: list[float] = []
        begun = time.perf_counter()

        async def work(task: int) -> None:
            n = task
            sent = time.perf_counter()
            while sent < begun + seconds:
                await self._store(n % topics, Post(TEXT % n, f"{task}-{n}"))
                now = time.perf_counter()
                latencies.append(now - sent)
                sent, n = now, n + 1

        await asyncio.gather(*[work(task) for task in range(tasks)])
        return Produced(len(latencies) / (time.perf_counter() - begun), percentile(latencies, 0.99) * 1000)


def _name(topic: int) -> str:
    return f"bench-floor-{topic}"
