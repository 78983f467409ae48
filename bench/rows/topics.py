"""How many topics one broker and one process bear: a topic for each conversation, beside one topic that all share."""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import LiteralString

import httpx
import psycopg

from bench.brokers import started_broker
from bench.ground import TIMEOUT_S, Ground, json_body, temporary_home
from bench.load.http import LoadError, NextRequest, post_request, run_loop
from bench.meter import resident_mib
from bench.programs import ProgramError
from bench.rows.posts import Posts
from bench.rows.row import Scale
from bench.table import Figure
from scripts.broker import BrokerFailed

STEPS, QUICK_STEPS = (100, 1_000, 3_000, 10_000), (30, 100)
QUICK_S = 2.0
HEAP_MIB = 1024
"""What Apache Kafka takes by itself, if nobody says otherwise."""
REST_S = 5.0
PER_CONVERSATION, SHARED = "per_conversation", "shared"
GIVING_UP = (BrokerFailed, ProgramError, LoadError, TimeoutError, OSError, httpx.HTTPError)
"""What says that there are too many topics: the figures end there."""
UNSETTLED: LiteralString = "select count(*) from log_topics where state <> 'ready'"
KINDS = {
    "create": ("a conversation made and ready for messages", "ms"),
    "post_p50": ("one post after the other, anywhere: p50", "ms"),
    "post_p99": ("one post after the other, anywhere: p99", "ms"),
    "posts": ("posts anywhere, 64 connections", "/s"),
    "others": ("other work meanwhile", "processors"),
    "broker_mib": ("memory of the broker", "MiB"),
    "server_mib": ("memory of the server", "MiB"),
    "rest_server": ("server at rest", "% of a processor"),
    "rest_broker": ("broker at rest", "% of a processor"),
    "broker_s": ("broker stopped and started until a post is acknowledged", "s"),
    "server_s": ("Crewhall stopped and started until a post is acknowledged", "s"),
}


class Topics:
    """On demand. The floor is Crewhall with one topic of 64 partitions; it ends where a broker or Crewhall does."""

    name = "topics"
    ground = floor_ground = "fresh"
    figures: Sequence[Figure] = tuple(
        Figure(
            f"{count}_{kind}",
            f"{count:,} conversations: {what} (floor: one shared topic)",
            unit,
            floor_key=f"{count}_{kind}",
        )
        for count in sorted({*STEPS, *QUICK_STEPS})
        for kind, (what, unit) in KINDS.items()
    )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Nothing: the row makes grounds of its own."""

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """A topic for each."""
        return await _grow(PER_CONVERSATION, scale)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """One for all."""
        return await _grow(SHARED, scale)


async def _grow(layout: str, scale: Scale) -> dict[str, float]:
    """Open more and more conversations, and look at each step."""
    found: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        home = stack.enter_context(temporary_home())
        broker = await stack.enter_async_context(started_broker(HEAP_MIB))
        environment = {"CREWHALL_KAFKA_TOPICS": layout}
        ground = await stack.enter_async_context(Ground(home, environment, broker=broker))
        made = 0
        for count in QUICK_STEPS if scale.seconds < QUICK_S else STEPS:
            try:
                figures = await _step(ground, count, count - made, scale)
            except GIVING_UP as error:
                _say(f"  {layout} ends before {count:,}: {type(error).__name__}: {error}")
                break
            _say(f"  {layout}, {count:,}: {', '.join(f'{key} {value:.1f}' for key, value in figures.items())}")
            found |= {f"{count}_{key}": value for key, value in figures.items()}
            made = count
    return found


async def _step(ground: Ground, count: int, more: int, scale: Scale) -> dict[str, float]:
    begun = time.perf_counter()
    channels = await ground.channels("topic", count)
    await _settled(ground)
    figures = {"create": (time.perf_counter() - begun) / more * 1000}
    figures |= await _posts(ground, channels, scale.seconds)
    figures |= {"broker_mib": resident_mib(ground.broker.pid), "server_mib": resident_mib(ground.server.pid)}
    figures |= await _rest(ground, min(REST_S, scale.seconds))
    return figures | await _restarts(ground, channels)


async def _settled(ground: Ground) -> None:
    """Wait until every topic that is wanted is there."""
    async with (
        asyncio.timeout(10 * TIMEOUT_S),
        await psycopg.AsyncConnection.connect(ground.superuser_url, autocommit=True) as database,
    ):
        while await (await database.execute(UNSETTLED)).fetchone() != (0,):
            await asyncio.sleep(0.02)


async def _posts(ground: Ground, channels: list[str], seconds: float) -> dict[str, float]:
    def requests(_connection: int) -> NextRequest:
        return lambda: post_request(
            f"/api/v1/conversations/{random.choice(channels)}/messages", ground.headers, json_body({"content": "news"})
        )

    await run_loop(ground.address, 1, seconds / 4, requests)
    meter = ground.meter()
    single = await run_loop(ground.address, 1, seconds, requests)
    many = await Posts(len(channels), kind="topic").load(ground, seconds)
    return {
        "post_p50": single.percentile_ms(0.5), "post_p99": single.percentile_ms(0.99), "posts": many.per_second,
        "others": meter.stop().disturbance,
    }  # fmt: skip


async def _rest(ground: Ground, seconds: float) -> dict[str, float]:
    """What server and broker use while nobody does anything."""
    await asyncio.sleep(seconds / 2)
    meter = ground.meter()
    await asyncio.sleep(seconds)
    usage = meter.stop()
    return {
        "rest_server": usage.trees[ground.server.pid] / usage.seconds * 100,
        "rest_broker": usage.trees[ground.broker.pid] / usage.seconds * 100,
    }


async def _restarts(ground: Ground, channels: list[str]) -> dict[str, float]:
    begun = time.perf_counter()
    await asyncio.to_thread(ground.broker.stop)
    await asyncio.to_thread(ground.broker.start)
    await _acknowledged(ground, channels)
    broker = time.perf_counter() - begun
    begun = time.perf_counter()
    await ground.server.stop()
    await ground.serve()
    await _acknowledged(ground, channels)
    return {"broker_s": broker, "server_s": time.perf_counter() - begun}


async def _acknowledged(ground: Ground, channels: list[str]) -> None:
    """Post until a post is acknowledged."""
    path = f"/conversations/{random.choice(channels)}/messages"
    body = {"content": "again", "client_id": f"{time.monotonic_ns()}"}
    async with asyncio.timeout(TIMEOUT_S):
        while (answer := await ground.api.post(path, json=body)).status_code >= 500:
            await asyncio.sleep(0.05)
    answer.raise_for_status()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
