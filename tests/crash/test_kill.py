"""Whatever is killed when: nothing acknowledged is lost, nothing is doubled, subscribers see every record once."""

import os
import random

import pytest

from tests.crash.rounds import kill_on
from tests.support.effort import EFFORT
from tests.support.load import load_on
from tests.support.site import Site

KINDS = ["server", "start", "postgres", "postmaster", "backend"]


async def run_rounds(site: Site, kinds: list[str]) -> None:
    """Kill each of them under load. In which order and when comes from a seed, which a failure shows."""
    seed = int(os.environ.get("CREWHALL_TEST_SEED") or random.randrange(2**32))
    random.Random(seed).shuffle(kinds)
    await site.server.start()
    try:
        async with load_on(site, seed) as load:
            for kind in kinds:
                await kill_on(load, kind)
            await load.progress(100)
        print(f"{len(kinds)} rounds, {len(load.history.acks)} posts acknowledged")
    finally:
        await site.server.close()


@pytest.mark.rule("X1", "X2")
@pytest.mark.timeout(120)
async def test_what_is_acknowledged_survives_a_kill(site: Site):
    await run_rounds(site, ["server"])


@pytest.mark.rule("X1", "X2")
@pytest.mark.slow
@pytest.mark.timeout(240 * EFFORT)
async def test_what_is_acknowledged_survives_many_kills(site: Site):
    await run_rounds(site, KINDS * EFFORT)
