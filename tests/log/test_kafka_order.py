"""Posts of a conversation keep their order, whenever its topic comes to be there."""

import asyncio
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from crewhall.adapters.kafka import message_log
from crewhall.adapters.kafka.message_log import ALL, KafkaMessageLog
from crewhall.adapters.postgres.batch import Pending
from crewhall.kernel.db import Database
from crewhall.kernel.ids import new_id
from crewhall.kernel.signals import Signals
from crewhall.ports.memory_log import MemoryMessageLog
from tests.log.engines import Engine, kafka_settings

STEPS = st.lists(st.sampled_from(["post", "answer", "ready", "notice"]), min_size=3, max_size=40)


class Scene:
    """A log whose questions are answered when the test says so: `away` until the topic is ready as they are asked."""

    def __init__(self) -> None:
        url = "postgresql://nobody@127.0.0.1:1/none"
        self.log = KafkaMessageLog(Database(url), Signals(url), kafka_settings("127.0.0.1:1"))
        self.log._asking.ask = self._ask  # type: ignore[assignment, method-assign]
        self.log.producing.send = self._send  # type: ignore[assignment, method-assign]
        self.engine, self.conversation = Engine(MemoryMessageLog()), new_id()
        self.is_ready = False
        self.sent: list[str] = []
        self.posts: list[asyncio.Task[Any]] = []
        self._answer: asyncio.Event | None = None

    async def do(self, step: str) -> None:
        match step:
            case "post":
                record = self.engine.record(self.conversation, str(len(self.posts)))
                self.posts.append(asyncio.create_task(self.log.append(record)))
            case "answer" if self._answer is not None:
                self._answer.set()
            case "ready":
                self.is_ready = True
                self.log._on_topics(str(self.conversation))
            case "notice":
                self.log._on_topics(ALL)
        for _ in range(5):  # whatever follows by itself
            await asyncio.sleep(0)

    async def end(self) -> None:
        """Make the topic ready and answer all questions; nobody hears of a seq here."""
        await self.do("ready")
        for _ in range(4 * len(self.posts) + 4):
            await self.do("answer")
        for post in self.posts:
            post.cancel()
        await asyncio.gather(*self.posts, return_exceptions=True)

    async def _ask(self, _sql: str, batch: list[Pending]) -> list[tuple[Any, ...]]:
        verdict, self._answer = "ready" if self.is_ready else "away", asyncio.Event()
        await self._answer.wait()
        return [(i, verdict, None, None, None, "topic", 0) for i in range(len(batch))]

    def _send(self, _place: Any, pending: Pending) -> None:
        self.sent.append(pending.record.content)


@given(STEPS)
def test_no_post_overtakes_another(steps: list[str]) -> None:
    async def play() -> None:
        scene = Scene()
        for step in steps:
            await scene.do(step)
        await scene.end()
        assert scene.sent == [str(n) for n in range(len(scene.posts))]

    with patch.object(message_log, "MAX_BATCH", 2):
        asyncio.run(play())


async def test_a_topic_that_comes_while_it_is_asked_about_is_not_missed_and_nothing_is_kept_of_others() -> None:
    scene = Scene()
    await scene.do("post")
    await scene.do("ready")
    await scene.do("answer")
    await scene.do("answer")
    assert scene.sent == ["0"]
    for other in (new_id(), new_id()):
        scene.log._on_topics(str(other))
    assert scene.log._came == set()
    await scene.end()
