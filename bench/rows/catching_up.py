"""How fast the projector writes what Kafka has, where there is much of it: after it stood still."""

import os
import signal
import time
from collections.abc import Sequence
from uuid import UUID

from bench.ground import Ground
from bench.rows.lag import Lag
from bench.rows.posts import TEXT
from bench.rows.row import Scale
from bench.table import Figure
from crewhall.adapters.kafka.client import make_producer
from crewhall.adapters.kafka.records import encode_record, headers_of
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.actor import ActorType
from crewhall.kernel.clock import utc_now
from crewhall.kernel.ids import new_id
from crewhall.ports.message_log import Author, NewRecord, topic_of

PER_SECOND = 5_000
"""Records of a backlog for each second that other rows load: some seconds of work."""


class CatchingUp:
    """The server stands still while records come to one conversation's topic; then it goes on."""

    name = "catching-up"
    ground = floor_ground = "kafka"
    figures: Sequence[Figure] = (
        Figure("rate", "records of a backlog that one projector writes, 1 conversation", "/s", floor_key="per_second"),
        Figure("server_cpu", "… server CPU per record", "ms"),
        Figure("database_cpu", "… database CPU per record", "ms"),
    )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """See that the conversation has its topic."""
        (channel,) = await ground.channels("behind", 1)
        self._conversation = UUID(channel)
        await ground.post(f"/conversations/{channel}/messages", {"content": "first"})
        await ground.floors()

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Make a backlog, and let it be written."""
        count = int(PER_SECOND * scale.seconds)
        async with Lag(ground, [str(self._conversation)]) as lag:
            os.kill(ground.server.pid, signal.SIGSTOP)
            try:
                await self._write(ground, count)
                ends = await lag.ends()
            finally:
                os.kill(ground.server.pid, signal.SIGCONT)
            meter, begun = ground.meter(), time.perf_counter()
            await lag.caught_up(ends)
            seconds, usage = time.perf_counter() - begun, meter.stop()
        (self._end,) = ends.values()
        self._first = self._end - count
        return {
            "rate": count / seconds,
            "server_cpu": usage.trees[ground.server.pid] / count * 1000,
            "database_cpu": usage.trees[ground.postgres_pid] / count * 1000,
        }

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Let the bare consumer write the same records; the first time there are none yet, and it makes them."""
        if not hasattr(self, "_end"):
            await self.product(ground, scale)
        found: dict[str, float] = await ground.asked(
            f"/project/{topic_of(self._conversation)}/{self._first}/{self._end}"
        )
        return found

    async def _write(self, ground: Ground, count: int) -> None:
        author = Author(ActorType.USER, UUID(ground.user_id), "Ada")
        producer = make_producer(LogSettings(kafka_bootstrap=ground.broker.bootstrap))
        await producer.start()
        try:
            for n in range(count):
                made = NewRecord(
                    org_id=UUID(ground.org_id), conversation_id=self._conversation, author=author,
                    content=TEXT % n, html=f"<p>{TEXT % n}</p>", client_id=new_id().hex,
                )  # fmt: skip
                await producer.send(
                    topic_of(self._conversation), encode_record(made, utc_now()), str(self._conversation).encode(), 0,
                    headers=headers_of(),
                )  # fmt: skip
            await producer.flush()
        finally:
            await producer.stop()
