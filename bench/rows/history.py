"""Pages of 50 messages per second: the newest page, and any page of a long conversation."""

import random
from collections.abc import Callable, Sequence

from bench import peers
from bench.dataset import CONVERSATIONS, conversation_length
from bench.ground import Ground
from bench.load.http import NextRequest, Outcome, get_request, run_loop
from bench.rows.row import Scale
from bench.table import Figure, Target

CONNECTIONS = 64
PAGE = 50
Paths = Callable[[], str]


class History:
    """64 connections that read pages of the large data set, each page picked at random."""

    ground = floor_ground = "data"

    def __init__(self, *, newest: bool) -> None:
        self._newest = newest
        self.name = "history-newest" if newest else "history-any"
        which = "newest page" if newest else "any page"
        what = f"history, {which} of {PAGE}, {CONNECTIONS} connections"
        target = Target(peer_times=30) if newest else Target(floor_share=0.6, peer_times=10)
        self.figures: Sequence[Figure] = (
            Figure("rate", what, "/s", target, floor_key="rate", peer=peers.HISTORY_64),
            Figure("p99", f"{what}: p99", "ms", floor_key="p99"),
            Figure("cpu", f"server and database CPU per request, {which} of {PAGE}", "ms", floor_key="cpu"),
            Figure("server_cpu", f"… of which the server, {which}", "ms", floor_key="server_cpu"),
        )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Warm both sides up."""
        await self._product(ground, scale, scale.seconds / 2)
        await self._floor(ground, scale, scale.seconds / 2)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Read from the product."""
        meter = ground.meter()
        outcome = await self._product(ground, scale, scale.seconds)
        usage = meter.stop()
        return _figures(outcome, usage.trees[ground.server.pid], usage.trees[ground.postgres_pid])

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Read from the bare program."""
        floors = await ground.floors()
        meter = ground.meter()
        outcome = await self._floor(ground, scale, scale.seconds)
        usage = meter.stop()
        return _figures(outcome, usage.trees[floors.pid], usage.trees[ground.postgres_pid])

    async def _product(self, ground: Ground, scale: Scale, seconds: float) -> Outcome:
        return await (newest_page(ground, seconds) if self._newest else any_page(ground, scale.messages, seconds))

    async def _floor(self, ground: Ground, scale: Scale, seconds: float) -> Outcome:
        channels = await ground.channels("data", CONVERSATIONS)
        longest = conversation_length(scale.messages)

        def path() -> str:
            kind = "newest" if self._newest else "history"
            return f"/{kind}/{random.choice(channels)}?before={random.randint(PAGE + 1, longest)}"

        floors = await ground.floors()
        return await run_loop(floors.address, CONNECTIONS, seconds, _requests(path, ground.headers))


async def newest_page(ground: Ground, seconds: float, conversations: int = CONVERSATIONS) -> Outcome:
    """Read newest pages for some seconds."""
    channels = await ground.channels("data", conversations)

    def path() -> str:
        return f"/api/v1/conversations/{random.choice(channels)}/messages"

    return await run_loop(ground.address, CONNECTIONS, seconds, _requests(path, ground.headers))


async def any_page(ground: Ground, messages: int, seconds: float, conversations: int = CONVERSATIONS) -> Outcome:
    """Read pages anywhere in a data set of so many messages for some seconds."""
    channels = await ground.channels("data", conversations)
    longest = conversation_length(messages, conversations)

    def path() -> str:
        return f"/api/v1/conversations/{random.choice(channels)}/messages?before={random.randint(PAGE + 1, longest)}"

    return await run_loop(ground.address, CONNECTIONS, seconds, _requests(path, ground.headers))


def _requests(path: Paths, headers: dict[str, str]) -> Callable[[int], NextRequest]:
    return lambda _connection: lambda: get_request(path(), headers)


def _figures(outcome: Outcome, server: float, database: float) -> dict[str, float]:
    answered = len(outcome.latencies)
    return {
        "rate": outcome.per_second,
        "p99": outcome.percentile_ms(0.99),
        "cpu": (server + database) / answered * 1000,
        "server_cpu": server / answered * 1000,
    }
