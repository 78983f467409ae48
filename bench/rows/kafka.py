"""Posts on Apache Kafka beside a bare producer and beside the other engine; how far the projector is behind."""

from collections.abc import Sequence

from bench.ground import Ground
from bench.load.http import percentile
from bench.rows.lag import Lag
from bench.rows.posts import CONNECTIONS, Posts, figures_of
from bench.rows.row import Scale
from bench.table import Figure, Target

SHARE = 0.7
LAG_S = 1.0


class Kafka:
    """The load of the row `posts`, on an installation whose messages live in a broker of the bench's own.

    The floor is measured beside another installation, on Postgres: it gives the other engine's figures. The target is
    a share of the bare producer, which no post over HTTP can reach: the second line says what HTTP alone leaves of it.
    """

    ground, floor_ground = "kafka", "fresh"

    def __init__(self, conversations: int) -> None:
        self._posts = Posts(conversations)
        self.conversations = conversations
        self.name = f"kafka-{conversations}"
        where = f"{conversations} conversation{'s' if conversations > 1 else ''} on Kafka, {CONNECTIONS} connections"
        other = "(floor: Crewhall on Postgres)"
        self.figures: Sequence[Figure] = (
            Figure("rate", f"posts, {where}", "/s", Target(floor_share=SHARE), floor_key="bare"),
            Figure(
                "served",
                f"… what HTTP alone leaves of it: Starlette before that producer, {where}",
                "/s",
                floor_key="bare",
            ),
            Figure("rate", f"… posts against Starlette before the same producer, {where}", "/s", floor_key="served"),
            Figure("rate", f"… {other}, {where}", "/s", floor_key="rate"),
            Figure("p50", f"posts, {where}: p50 {other}", "ms", floor_key="p50"),
            Figure("p99", f"posts, {where}: p99 {other}", "ms", floor_key="p99"),
            Figure("p99", f"… (floor: the bare producer), {where}", "ms", floor_key="bare_p99"),
            Figure("cpu", f"server and database CPU per post, {where} {other}", "ms", floor_key="cpu"),
            Figure("server_cpu", f"… of which the server, {where} {other}", "ms", floor_key="server_cpu"),
            Figure("broker_cpu", f"… and the broker beside them, {where}", "ms"),
            Figure("lag_p50", f"projector behind Kafka, {where}: p50", "s"),
            Figure("lag", f"projector behind Kafka, {where}: the longest of a run", "s", Target(at_most=LAG_S)),
        )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """Let all sides work for a moment. The broker and its producer take part in what the floor measures."""
        self._kafka = ground
        await ground.floors()
        floor_ground.neighbours |= ground.pids
        for one in (ground, floor_ground):
            await self._posts.load(one, scale.seconds / 2)
        self._served = (await self._posts.load_floor(ground, "produced", scale.seconds / 4)).per_second
        await self._produce(scale.seconds / 4)

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Post to the installation on Kafka, and look how far the database is behind meanwhile."""
        async with Lag(ground, await ground.channels("posts", self.conversations)) as lag:
            meter = ground.meter()
            lag.watch()
            outcome = await self._posts.load(ground, scale.seconds)
            usage = meter.stop()
        broker = usage.trees[ground.broker.pid] / len(outcome.latencies) * 1000
        figures = figures_of(outcome, usage.trees[ground.server.pid], usage.trees[ground.postgres_pid], usage.client)
        behind = {"lag_p50": percentile(lag.seconds, 0.5), "lag": max(lag.seconds)} if lag.seconds else {}
        return figures | behind | {"broker_cpu": broker, "served": self._served}

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Produce to the broker, barely and by Starlette; and post to the installation on Postgres."""
        bare = await self._produce(scale.seconds)
        self._served = (await self._posts.load_floor(self._kafka, "produced", scale.seconds / 2)).per_second
        figures = await self._posts.product(ground, scale)
        return figures | {"bare": bare["per_second"], "bare_p99": bare["p99_ms"], "served": self._served}

    async def _produce(self, seconds: float) -> dict[str, float]:
        found: dict[str, float] = await self._kafka.asked(f"/producing/{self.conversations}/{CONNECTIONS}/{seconds}")
        return found
