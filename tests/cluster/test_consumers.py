"""Of several workers one follows the log for each purpose; the others cost next to nothing, and take over."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from crewhall.kernel.process_kinds import ProcessKind
from crewhall.main.work import consumers_of
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.support.waiting import until

FOLLOWED = ("turns", "search")
POSTS = 6


class Steps:
    """Counts the steps that the consumers of one worker take."""

    def __init__(self, worker: Server) -> None:
        self.taken: Counter[str] = Counter()
        for consumer in consumers_of(worker.services):
            step, name = consumer._step, consumer.name

            async def counted(step: Callable[[], Awaitable[int]] = step, name: str = name) -> int:
                self.taken[name] += 1
                return await step()

            consumer._step = counted


async def post_and_wait(server: Server, org: Org, channel: str) -> None:
    """Post, and wait until every consumer has seen it."""
    (await org.owner.api.post(f"/conversations/{channel}/messages", json={"content": "word"})).raise_for_status()

    async def is_seen() -> bool:
        async with server.db.transaction(None) as tx:
            return all([await tx.value("select consumer_lag(%(n)s)", {"n": name}) is None for name in FOLLOWED])

    await until(is_seen)


@pytest.mark.rule("C5")
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_one_worker_follows_the_others_leave_alone_until_it_goes(cluster: SharedCluster, worker_id: str):
    urls = cluster.clone(f"consumers_{worker_id}")
    async with Server(urls, kind=ProcessKind.SERVE) as server, AsyncExitStack() as first, AsyncExitStack() as second:
        workers = [await stack.enter_async_context(Server(urls, kind=ProcessKind.WORKER)) for stack in (first, second)]
        steps = [Steps(worker) for worker in workers]
        org = await server.make_org()
        channel = await server.channel(org.owner)

        async def is_settled() -> bool:
            """Whether for each purpose one of them has stood by while the other worked."""
            for one in steps:
                one.taken.clear()
            for _ in range(3):
                await post_and_wait(server, org, channel)
            return all(min(one.taken[name] for one in steps) == 0 for name in FOLLOWED)

        await until(is_settled, within=120)
        for one in steps:
            one.taken.clear()
        for _ in range(POSTS):
            await post_and_wait(server, org, channel)
        for name in FOLLOWED:
            fewest, most = sorted(one.taken[name] for one in steps)
            assert most >= POSTS
            assert fewest < most / 2, "whoever stands by looks when the machine keeps it waiting for a second"
        await first.aclose()
        await post_and_wait(server, org, channel)
