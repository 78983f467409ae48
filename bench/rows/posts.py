"""Posts acknowledged per second, their p99, and the processor time of server and database per post."""

import itertools
import uuid
from collections.abc import Callable, Sequence

from bench import peers
from bench.ground import Ground, json_body
from bench.load.http import NextRequest, Outcome, post_request, run_loop
from bench.rows.row import Scale
from bench.table import Figure, Target

CONNECTIONS = 64
TEXT = "The deployment of the billing service finished: 42 checks passed, none failed, the queue is empty again. (%d)"


class Posts:
    """64 connections of one person that each post, wait for the acknowledgement, and post again, with client ids."""

    ground = floor_ground = "fresh"

    def __init__(self, conversations: int, peer: float | None = None, kind: str = "posts") -> None:
        self.conversations = conversations
        self._kind = kind
        plural = "s" if conversations > 1 else ""
        self.name = f"posts-{conversations}"
        where = f"{conversations} conversation{plural}, {CONNECTIONS} connections"
        self.figures: Sequence[Figure] = (
            Figure(
                "rate", f"posts, {where}", "/s", Target(floor_share=0.5, peer_times=100), floor_key="rate", peer=peer
            ),
            Figure("rate", f"… against a floor without a framework, {where}", "/s", floor_key="bare_rate"),
            Figure("p50", f"posts, {where}: p50", "ms", floor_key="p50"),
            Figure("p99", f"posts, {where}: p99", "ms", Target(at_most=30), floor_key="p99"),
            Figure(
                "cpu", f"server and database CPU per post, {where}", "ms", Target(at_most=0.3), floor_key="cpu",
                peer=peers.CPU_MS_PER_POST,
            ),
            Figure("server_cpu", f"… of which the server, {where}", "ms", floor_key="server_cpu"),
            Figure("client_cpu", f"… and the load client (not counted), {where}", "ms", floor_key="client_cpu"),
        )  # fmt: skip

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Open the channels; let both sides post for a moment."""
        await ground.channels(self._kind, self.conversations)
        await self.load(ground, scale.seconds / 2)
        await self.load_floor(ground, "posts", scale.seconds / 2)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Post to the product."""
        meter = ground.meter()
        outcome = await self.load(ground, scale.seconds)
        usage = meter.stop()
        server, database = usage.trees[ground.server.pid], usage.trees[ground.postgres_pid]
        return figures_of(outcome, server, database, usage.client)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Post to the bare program, with its framework and without."""
        floors = await ground.floors()
        meter = ground.meter()
        outcome = await self.load_floor(ground, "posts", scale.seconds)
        usage = meter.stop()
        bare = await self.load_floor(ground, "bare-posts", scale.seconds / 2)
        figures = figures_of(outcome, usage.trees[floors.pid], usage.trees[ground.postgres_pid], usage.client)
        return figures | {"bare_rate": bare.per_second}

    async def load(self, ground: Ground, seconds: float) -> Outcome:
        """Post to the product for some seconds."""
        channels = await ground.channels(self._kind, self.conversations)
        paths = [f"/api/v1/conversations/{one}/messages" for one in channels]
        return await run_loop(ground.address, CONNECTIONS, seconds, self._requests(paths, ground.headers))

    async def load_floor(self, ground: Ground, program: str, seconds: float) -> Outcome:
        """Post to one of the bare programs for some seconds."""
        paths = [f"/{program}/{i}" for i in range(self.conversations)]
        floors = await ground.floors()
        return await run_loop(floors.address, CONNECTIONS, seconds, self._requests(paths, ground.headers))

    def _requests(self, paths: list[str], headers: dict[str, str]) -> Callable[[int], NextRequest]:
        """Connection i posts to the conversations in turn, each time with a new client id."""
        run = uuid.uuid4().hex[:12]

        def requests(connection: int) -> NextRequest:
            path = itertools.cycle(paths[connection % len(paths) :] + paths[: connection % len(paths)])
            number = itertools.count()

            def following() -> bytes:
                n = next(number)
                return post_request(
                    next(path), headers, json_body({"content": TEXT % n, "client_id": f"{run}-{connection}-{n}"})
                )

            return following

        return requests


def figures_of(outcome: Outcome, server: float, database: float, client: float) -> dict[str, float]:
    """Rate, latencies, and processor seconds of each side as milliseconds per post."""
    posts = len(outcome.latencies)
    return {
        "rate": outcome.per_second,
        "p50": outcome.percentile_ms(0.50),
        "p99": outcome.percentile_ms(0.99),
        "cpu": (server + database) / posts * 1000,
        "server_cpu": server / posts * 1000,
        "client_cpu": client / posts * 1000,
    }
