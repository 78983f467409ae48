"""Live delivery: how long from sending a post until each listener of its conversation has it; and how many a second."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bench import peers
from bench.ground import Ground, json_body
from bench.load.http import percentile, post_request
from bench.load.live import Crowd, stamp
from bench.load.pace import Pacer
from bench.rows.row import Scale
from bench.table import Figure, Target

POSTS_PER_SECOND = 20
FLOOR_FRAME = 300
CEILING_P99_S = 0.25
LATE_S = 1.0
FIRST_CEILING = 50_000


class FanOut:
    """One conversation with N listeners on sockets of their own, and 20 posts a second; then more, to the ceiling."""

    ground = floor_ground = "fresh"

    def __init__(
        self, listeners: int, p99_ms: float, peer_p99: float | None = None, ceiling: float | None = None
    ) -> None:
        self.listeners = listeners
        self.name = f"fanout-{listeners}"
        self._ceiling = ceiling
        what = f"fan-out to {listeners:,} listeners, {POSTS_PER_SECOND} posts/s"
        figures = [
            Figure("p50", f"{what}: p50", "ms", floor_key="p50"),
            Figure("p99", f"{what}: p99", "ms", Target(at_most=p99_ms), floor_key="p99", peer=peer_p99),
        ]
        if ceiling:
            figures.append(
                Figure(
                    "ceiling",
                    f"deliveries at {listeners:,} listeners until p99 passes {CEILING_P99_S * 1000:.0f} ms",
                    "/s",
                    Target(at_least=ceiling),
                    floor_key="ceiling",
                )
            )
        self.figures: Sequence[Figure] = figures

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Open the channel and start the floor."""
        await ground.channels("fanout", 1)
        await ground.floors()

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Listen to and post to the product."""
        (channel,) = await ground.channels("fanout", 1)
        crowd = Crowd(ground.address, "/api/v1/live", ground.headers)
        path = f"/api/v1/conversations/{channel}/messages"
        body = lambda _i: json_body({"content": f"{stamp()} {'x' * 80}"})  # noqa: E731
        pacer = Pacer(ground.address, lambda i: post_request(path, ground.headers, body(i)))
        await crowd.open(self.listeners, lambda _i: subscription(channel), at_once=100)
        return await self._measure(crowd, pacer, scale)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Listen to and post to the bare program."""
        floors = await ground.floors()
        crowd = Crowd(floors.address, "/live/room", {})
        pacer = Pacer(
            floors.address, lambda _i: post_request("/broadcast/room", {}, stamp().ljust(FLOOR_FRAME, "x").encode())
        )
        await crowd.open(self.listeners, at_once=100)
        return await self._measure(crowd, pacer, scale)

    async def _measure(self, crowd: Crowd, pacer: Pacer, scale: Scale) -> dict[str, float]:
        try:
            await hear(crowd, pacer, POSTS_PER_SECOND, 0.5)
            delays = await hear(crowd, pacer, POSTS_PER_SECOND, scale.seconds)
            figures = {"p50": percentile(delays, 0.5) * 1000, "p99": percentile(delays, 0.99) * 1000}
            if self._ceiling:
                measure = lambda rate: hear(crowd, pacer, rate, 1.5)  # noqa: E731
                figures["ceiling"] = await ceiling(measure, self.listeners, quick=scale.runs == 1)
        finally:
            crowd.close()
            pacer.close()
        return figures


def subscription(conversation_id: str) -> str:
    """The frame that subscribes to a conversation from now on."""
    return f'{{"type":"subscribe","conversation":"{conversation_id}","after":null}}'


async def hear(
    crowd: Crowd, pacer: Pacer, per_second: float, seconds: float, hearers: int | None = None
) -> list[float]:
    """Post at a rate; returns the delays of every delivery, a late one counted as `LATE_S`.

    Each post is heard by `hearers`, by default the whole crowd.
    """
    crowd.delays.clear()
    posted = await pacer.post(per_second, seconds)
    expected = posted * (hearers or len(crowd.listeners))
    patience = asyncio.get_running_loop().time() + 2 * LATE_S
    while len(crowd.delays) < expected and asyncio.get_running_loop().time() < patience:
        await asyncio.sleep(0.01)
    crowd.check()
    return [*crowd.delays, *[LATE_S] * (expected - len(crowd.delays))]


async def ceiling(measure: Callable[[float], Awaitable[list[float]]], listeners: int, *, quick: bool) -> float:
    """The most deliveries per second whose p99 stays within 250 ms, found by raising the rate by an eighth each time.

    A quick run only sees whether the first rate holds.
    """
    rate, best = FIRST_CEILING / listeners, 0.0
    while rate * listeners < 400_000:
        delays = await measure(rate)
        if percentile(delays, 0.99) > CEILING_P99_S:
            if best or rate * listeners < 2_000:
                return best
            rate /= 2
            continue
        best = rate * listeners
        if quick:
            return best
        rate *= 1.125
    return best


ROWS = (
    FanOut(100, 20, peer_p99=peers.FANOUT_100_P99_MS),
    FanOut(500, 50, ceiling=50_000),
    FanOut(2_000, 150),
)
