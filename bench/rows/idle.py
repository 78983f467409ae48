"""Whether very many idle sockets tax the busy conversations beside them, and what each costs in memory."""

import itertools
from collections.abc import Awaitable, Callable, Sequence

from bench.ground import Ground, json_body
from bench.load.http import percentile, post_request
from bench.load.live import Crowd, stamp
from bench.load.pace import Pacer
from bench.meter import resident_mib
from bench.rows.fanout import FLOOR_FRAME, hear, subscription
from bench.rows.row import Scale
from bench.table import Figure, Target

BUSY, QUIET_CONVERSATIONS = 100, 20
IDLE, IDLE_QUICK = 5_000, 1_000
POSTS_PER_SECOND = 200
NO_TAX = 1.2
"""A median delivery within this of the one without idle sockets counts as untaxed: runs differ by as much."""


class Idle:
    """100 busy conversations with a listener each and 200 posts a second in all; then the same beside idle sockets."""

    name = "idle"
    ground = floor_ground = "idle"  # memory is told by processes that were not used before
    figures: Sequence[Figure] = (
        Figure("tax", f"busy delivery p50 beside {IDLE:,} idle sockets ÷ without", "×", Target(at_most=NO_TAX), "tax"),
        Figure("p50", f"{BUSY} busy conversations beside {IDLE:,} idle sockets: p50", "ms", floor_key="p50"),
        Figure("p99", f"{BUSY} busy conversations beside {IDLE:,} idle sockets: p99", "ms", floor_key="p99"),
        Figure(
            "socket_kib",
            "memory of the server per idle socket",
            "KiB",
            Target(at_most=40),
            "socket_kib",
            note="first run only",
        ),
    )

    def __init__(self) -> None:
        self._seen: set[int] = set()

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Open the channels and start the floor."""
        await ground.channels("busy", BUSY)
        await ground.channels("quiet", QUIET_CONVERSATIONS)
        await ground.floors()

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Listen to and post to the product."""
        busy, quiet = await ground.channels("busy", BUSY), await ground.channels("quiet", QUIET_CONVERSATIONS)
        crowd, idle = (Crowd(ground.address, "/api/v1/live", ground.headers) for _ in range(2))
        turns = itertools.cycle(busy)

        def request(_i: int) -> bytes:
            body = json_body({"content": f"{stamp()} {'x' * 80}"})
            return post_request(f"/api/v1/conversations/{next(turns)}/messages", ground.headers, body)

        pacer = Pacer(ground.address, request)
        await crowd.open(BUSY, lambda i: subscription(busy[i]))

        async def sit_idle() -> None:
            await idle.open(_idle(scale), lambda i: subscription(quiet[i % len(quiet)]))

        return await self._compare(crowd, pacer, idle, sit_idle, ground.server.pid, scale)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Listen to and post to the bare program."""
        floors = await ground.floors()
        crowds = [Crowd(floors.address, f"/live/busy-{i}", {}) for i in range(BUSY)]
        crowd, idle = crowds[0], Crowd(floors.address, "/live/quiet", {})
        for one in crowds:
            one.delays = crowd.delays
            await one.open(1)
        crowd.listeners = [listener for one in crowds for listener in one.listeners]
        turns = itertools.cycle(range(BUSY))

        def request(_i: int) -> bytes:
            return post_request(f"/broadcast/busy-{next(turns)}", {}, stamp().ljust(FLOOR_FRAME, "x").encode())

        async def sit_idle() -> None:
            await idle.open(_idle(scale))

        return await self._compare(crowd, Pacer(floors.address, request), idle, sit_idle, floors.pid, scale)

    async def _compare(
        self, crowd: Crowd, pacer: Pacer, idle: Crowd, sit_idle: Callable[[], Awaitable[None]], pid: int, scale: Scale
    ) -> dict[str, float]:
        try:
            await hear_each(crowd, pacer, 0.5)
            before = await hear_each(crowd, pacer, scale.seconds)
            memory = resident_mib(pid)
            await sit_idle()
            grown = resident_mib(pid) - memory
            await hear_each(crowd, pacer, 0.5)
            beside = await hear_each(crowd, pacer, scale.seconds)
            idle.check()
        finally:
            for one in (crowd, idle, pacer):
                one.close()
        figures = {
            "tax": percentile(beside, 0.5) / percentile(before, 0.5),
            "p50": percentile(beside, 0.5) * 1000,
            "p99": percentile(beside, 0.99) * 1000,
        }
        if pid not in self._seen:  # a process that had sockets before has room for them already
            self._seen.add(pid)
            figures["socket_kib"] = grown * 1024 / len(idle.listeners)
        return figures


def _idle(scale: Scale) -> int:
    return IDLE if scale.runs > 1 else IDLE_QUICK


async def hear_each(crowd: Crowd, pacer: Pacer, seconds: float) -> list[float]:
    """Post among the busy conversations; each post is heard by one listener."""
    return await hear(crowd, pacer, POSTS_PER_SECOND, seconds, hearers=1)
